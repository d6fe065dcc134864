"""The training loop: weights weigh the loss terms, and nothing else moves the parameters."""

import msgspec
import numpy as np
import pytest
import torch

from wstal.base.errors import UserError
from wstal.data.bags import batches
from wstal.methods.delu import DELU
from wstal.training import experiment, train
from wstal.training.parts import partition
from wstal.training.train import build, fit


@pytest.fixture
def trained(tiny_runs):
    """trained(weights) -> state of FAC-Net after a short run on the small dataset, without weight decay."""
    run = tiny_runs({"full": {}})[0]
    bags, _ = experiment.bags(run, "flow")

    def train(cw, ca, mil):
        how = msgspec.structs.replace(
            run.settings,
            weights={"cw": cw, "ca": ca, "mil": mil},
            optimizer=msgspec.structs.replace(run.settings.optimizer, weight_decay=0.0),
            training=msgspec.structs.replace(run.settings.training, epochs=3),
        )
        return fit(how, bags, 0, lambda *told: None)[0].state_dict(), how, bags

    return train


def test_without_weights_nothing_is_learnt(trained):
    state, how, bags = trained(0.0, 0.0, 0.0)
    torch.manual_seed(0)
    start = build(how, bags.dim, bags.labels.shape[1]).state_dict()
    assert all(torch.equal(state[name], start[name]) for name in start)


def test_a_term_of_weight_zero_does_not_train_what_only_it_reaches(trained):
    """MIL alone reads the class scores and never the foreground classifier W_f, which therefore stays where it started."""
    state, how, bags = trained(0.0, 0.0, 1.0)
    torch.manual_seed(0)
    start = build(how, bags.dim, bags.labels.shape[1]).state_dict()
    assert torch.equal(state["foreground"], start["foreground"])
    assert not torch.equal(state["action"], start["action"])


def test_weights_change_what_is_learnt(trained):
    one, other = trained(1.0, 0.1, 0.1)[0], trained(0.1, 0.1, 1.0)[0]
    assert not torch.equal(one["action"], other["action"])


@pytest.mark.parametrize(("method", "cut"), [("stpn", True), ("sal", False)])
def test_a_batch_whose_bags_mix_stays_whole(tiny_runs, monkeypatch, method, cut):
    run, parts = tiny_runs({"full": {"training": {"epochs": 1, "snippets": {"kind": "full"}}}}, method=method)[0], []
    monkeypatch.setattr(train, "CALLS", 1.0)
    monkeypatch.setattr(train, "partition", lambda *costs: parts.append(partition(*costs)) or parts[-1])
    fit(run.settings, experiment.bags(run, next(iter(run.settings.networks)))[0], 0, lambda *told: None)
    assert (max(map(len, parts)) > 1) == cut


def test_checkpoints_are_kept_on_the_way_and_change_nothing(tiny_runs):
    run = tiny_runs({"full": {}})[0]
    bags, _ = experiment.bags(run, "flow")

    def train(checkpoints, epochs=6):
        training = msgspec.structs.replace(run.settings.training, epochs=epochs, checkpoints=checkpoints)
        return fit(msgspec.structs.replace(run.settings, training=training), bags, 0, lambda *told: None)

    plain, kept = train(0), train(2)
    assert plain.checkpoints == [] and len(kept.checkpoints) == 2
    assert all(torch.equal(value, kept.model.state_dict()[name]) for name, value in plain.model.state_dict().items())
    shorter = train(0, epochs=4).model.state_dict()  # snippets are not drawn here, so a shorter run is a prefix
    assert all(torch.equal(shorter[name], value) for name, value in kept.checkpoints[1].items())
    assert not torch.equal(kept.checkpoints[0]["action"], kept.checkpoints[1]["action"])


@pytest.fixture
def compared(tiny_runs):
    """compared(method, **training) -> (settings, bags) of a method that compares bags, on the small dataset."""

    def compared(method, **training):
        run = tiny_runs({"base": {"training": training}}, method)[0]
        return run.settings, experiment.bags(run, "joint")[0]

    return compared


@pytest.mark.parametrize(("method", "term"), [("wtalc", "casl"), ("wsad", "metric")])
def test_every_step_compares_bags_of_a_class(compared, method, term):
    how, bags = compared(method, epochs=3)
    model, history, _ = fit(how, bags, 0, lambda *told: None)
    assert len(history) == 3 * len(bags) // how.training.batch_videos
    assert (history[:, model.loss_names.index(term)] > 0).all()


def test_steps_of_a_method_that_compares_nothing_are_epochs(compared):
    how, bags = compared("um", epochs=2, batch_videos=8)
    training, groups = how.training, how.params.bag_groups
    steps = list(batches(bags.labels.numpy(), training.batch_videos, training.epochs, groups, np.random.default_rng(0)))
    assert np.bincount(np.concatenate(steps)).tolist() == [2] * len(bags)


def test_groups_that_do_not_fit_are_a_sentence(compared):
    with pytest.raises(UserError, match=r"3 groups of 2 videos .* batch of 5") as caught:
        compared("wtalc", batch_videos=5)
    assert "params.yaml" in str(caught.value)


def test_losses_hear_how_far_training_is(compared, monkeypatch):
    how, bags = compared("delu", epochs=3)
    heard, losses = [], DELU.losses

    def listening(self, scores, labels, mask):
        heard.append(scores.terms["progress"])
        return losses(self, scores, labels, mask)

    monkeypatch.setattr(DELU, "losses", listening)
    steps = len(fit(how, bags, 0, lambda *told: None).history)
    np.testing.assert_allclose(heard, np.arange(steps) / steps, rtol=1e-6)
    assert steps > 3
