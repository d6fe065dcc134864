"""The training loop: weights weigh the loss terms, and nothing else moves the parameters."""

import msgspec
import pytest
import torch

from wstal import experiment
from wstal.train import build, fit


@pytest.fixture
def trained(prepared):
    """trained(weights) -> state of FAC-Net after a short run on the small dataset, without weight decay."""
    params, tree = prepared
    run = experiment.runs(params, tree, "tiny_table")[0]
    bags, _ = experiment.bags(run, "flow")

    def train(cw, ca, mil):
        how = msgspec.structs.replace(
            run.how,
            weights={"cw": cw, "ca": ca, "mil": mil},
            optimizer=msgspec.structs.replace(run.how.optimizer, weight_decay=0.0),
            training=msgspec.structs.replace(run.how.training, epochs=3),
        )
        return fit(how, "facnet", bags, 0, lambda done, total: None)[0].state_dict(), how, bags

    return train


def test_without_weights_nothing_is_learnt(trained):
    state, how, bags = trained(0.0, 0.0, 0.0)
    torch.manual_seed(0)
    start = build(how, "facnet", bags.dim, bags.labels.shape[1]).state_dict()
    assert all(torch.equal(state[name], start[name]) for name in start)


def test_a_term_of_weight_zero_does_not_train_what_only_it_reaches(trained):
    """MIL alone reads the class scores and never the foreground classifier W_f, which therefore stays where it started."""
    state, how, bags = trained(0.0, 0.0, 1.0)
    torch.manual_seed(0)
    start = build(how, "facnet", bags.dim, bags.labels.shape[1]).state_dict()
    assert torch.equal(state["foreground"], start["foreground"])
    assert not torch.equal(state["action"], start["action"])


def test_weights_change_what_is_learnt(trained):
    one, other = trained(1.0, 0.1, 0.1)[0], trained(0.1, 0.1, 1.0)[0]
    assert not torch.equal(one["action"], other["action"])


def test_checkpoints_are_kept_on_the_way_and_change_nothing(prepared):
    params, tree = prepared
    run = experiment.runs(params, tree, "tiny_table")[0]
    bags, _ = experiment.bags(run, "flow")

    def train(checkpoints, epochs=6):
        training = msgspec.structs.replace(run.how.training, epochs=epochs, checkpoints=checkpoints)
        return fit(msgspec.structs.replace(run.how, training=training), "facnet", bags, 0, lambda done, total: None)

    plain, kept = train(0), train(2)
    assert plain.checkpoints == [] and len(kept.checkpoints) == 2
    assert all(torch.equal(value, kept.model.state_dict()[name]) for name, value in plain.model.state_dict().items())
    shorter = train(0, epochs=4).model.state_dict()  # snippets are not drawn here, so a shorter run is a prefix
    assert all(torch.equal(shorter[name], value) for name, value in kept.checkpoints[1].items())
    assert not torch.equal(kept.checkpoints[0]["action"], kept.checkpoints[1]["action"])
