"""Networks side by side: each ends as it would alone, whoever runs beside it."""

import msgspec
import numpy as np
import pytest
import torch

from wstal import methods
from wstal.base.errors import UserError
from wstal.training import experiment, together
from wstal.training.together import Job, fit_all
from wstal.training.train import fit

CUDA = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
DEVICES = ["cpu", pytest.param("cuda", marks=CUDA)]


def silent(done, total, loss):
    """Hears of progress."""


@pytest.fixture
def jobs(tiny_runs):
    """jobs(method, *seeds) -> a job a seed, of a few epochs."""

    def jobs(method, *seeds):
        run = tiny_runs({"base": {"training": {"epochs": 4}}}, method)[0]
        network = next(iter(run.networks))
        return [Job(run.settings, experiment.bags(run, network)[0], seed, silent) for seed in seeds]

    return jobs


def trained(todo):
    """What the jobs leave, in their order."""
    found = dict(fit_all(todo))
    return [found[number] for number in range(len(todo))]


def same(one, other):
    """Whether two networks have the same weights and losses, bit for bit."""
    states = one.model.state_dict(), other.model.state_dict()
    return np.array_equal(one.history, other.history) and all(torch.equal(v, states[1][k]) for k, v in states[0].items())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("method", methods.names())
def test_a_network_beside_others_is_the_network_alone(jobs, method, device, monkeypatch):
    monkeypatch.setenv("WSTAL_DEVICE", device)
    side_by_side = trained(jobs(method, 0, 1, 2))
    for seed, one in enumerate(side_by_side):
        assert same(one, *trained(jobs(method, seed)))
    assert not same(*side_by_side[:2])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("method", methods.names())
def test_side_by_side_is_the_loop_of_one_network(jobs, method, device, monkeypatch):
    """Without bfloat16 and with batches padded alike, both modes do the same arithmetic on the same random numbers."""
    monkeypatch.setenv("WSTAL_DEVICE", device)
    monkeypatch.setattr(together, "BUCKET", 1)
    monkeypatch.setattr(together, "computes_in_half", lambda device: False)
    (job,) = jobs(method, 3)
    one, other = *trained([job]), fit(*job)
    assert same(one, other)


def test_features_that_do_not_fit_are_sent_along(jobs, monkeypatch):
    whole = trained(jobs("wtalc", 0))
    monkeypatch.setattr(together, "resident", lambda bags, device: None)
    assert same(*whole, *trained(jobs("wtalc", 0)))


def test_more_jobs_than_places_are_all_trained(jobs, monkeypatch):
    monkeypatch.setattr(together, "AT_ONCE", 2)
    some = trained(jobs("stpn", 0, 1, 2, 3, 4))
    assert same(some[4], *trained(jobs("stpn", 4)))


def test_checkpoints_and_progress_are_those_of_one_network(jobs):
    (job,) = jobs("facnet", 0)
    training = msgspec.structs.replace(job.settings.training, checkpoints=2)
    heard = []
    job = Job(msgspec.structs.replace(job.settings, training=training), job.bags, 0, lambda *step: heard.append(step[:2]))
    (found,) = trained([job])
    assert len(found.checkpoints) == 2 and heard[-1] == (len(found.history),) * 2
    assert not torch.equal(*(state["action"] for state in found.checkpoints))


@pytest.mark.parametrize("device", DEVICES)
def test_the_loss_that_is_told_is_the_mean_since_the_last_time(jobs, device, monkeypatch):
    monkeypatch.setenv("WSTAL_DEVICE", device)
    first, second = jobs("facnet", 0, 1)
    told = {}

    def step(done, total, loss):
        if done in (2, 5):
            told[done] = loss()

    found, _ = trained([first._replace(step=step), second])
    each = found.history @ [first.settings.weights[name] for name in found.model.loss_names]
    assert told == {2: pytest.approx(each[:2].mean(), rel=1e-5), 5: pytest.approx(each[2:5].mean(), rel=1e-5)}


def test_a_loss_that_is_not_finite_is_a_sentence(jobs):
    (job,) = jobs("facnet", 0)
    optimizer = msgspec.structs.replace(job.settings.optimizer, lr=1e30)
    with pytest.raises(UserError, match=r"facnet diverged .* learning rate"):
        trained([job._replace(settings=msgspec.structs.replace(job.settings, optimizer=optimizer))])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_method_that_waits_for_a_value_is_a_sentence(jobs, monkeypatch):
    monkeypatch.setenv("WSTAL_DEVICE", "cuda")
    (job,) = jobs("facnet", 0)
    losses = methods.load("facnet").losses
    monkeypatch.setattr(
        methods.load("facnet"),
        "losses",
        lambda self, scores, labels, mask: (
            losses(self, scores, labels, mask) | {"mil": scores.activation.sum() * scores.activation.sum().item()}
        ),
    )
    with pytest.raises(UserError, match=r"CUDA graph .* reproducible"):
        trained([job])


def test_networks_are_dealt_to_the_gpus(monkeypatch):
    seen = []
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, what: seen.extend(share for share, _ in jobs))
    monkeypatch.setattr(experiment, "train_together", lambda jobs: seen.append(("here", jobs)))
    for devices, jobs in ((2, [1, 2, 3]), (4, [1, 2]), (1, [1, 2]), (2, [1]), (0, [])):
        monkeypatch.setattr(experiment.workers, "gpus", lambda count=devices: ("cuda",) * count)
        experiment.train_on_gpus(jobs)
    assert seen == [[1, 3], [2], [1], [2], ("here", [1, 2]), ("here", [1]), ("here", [])]
