"""Training that is interrupted at any moment, and begun again, ends in the bytes of an undisturbed one."""

import pickle
import random
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
import torch

from wstal import methods
from wstal.base import paths, progress
from wstal.border import tensorfile
from wstal.training import experiment, interrupted, train
from wstal.training.interrupted import Unfinished
from wstal.training.loss_history import Losses, total
from wstal.training.train import Trainer, fit

GPU = pytest.param("cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")])
CHANGE = {"training": {"epochs": 4, "checkpoints": 2, "snippets": {"kind": "subset", "count": 20}}}


class InterruptedByTest(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    """The cache is empty; a training is written after every step."""
    monkeypatch.setattr(paths, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(interrupted, "EVERY_S", 0.0)
    monkeypatch.setattr(interrupted, "SHARE", np.inf)
    return tmp_path


@pytest.fixture
def job(tiny_runs):
    """job(method, change) -> (settings, bags, seed) of its first network."""

    def job(method="co2", change=CHANGE):
        run = tiny_runs({"base": change}, method)[0]
        return run.settings, experiment.bags(run, next(iter(run.networks)))[0], 3

    return job


def kill(monkeypatch, last, again):
    """again() until the update of step `last`, of those that this process makes, is made; the process ends there."""
    update, left = Trainer.update, iter(range(last - 1, -1, -1))

    def dying(trainer, *what):
        found = update(trainer, *what)
        if not next(left):
            raise InterruptedByTest
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "update", dying)
        with pytest.raises(InterruptedByTest):
            again()


def silent(done, steps, loss):
    """Hears of progress."""


def left(fitted, path):
    """Bytes of the file of a trained network."""
    experiment.save(fitted, path)
    return path.read_bytes()


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("method", methods.names())
def test_any_method_goes_on_to_the_same_bytes(job, here, monkeypatch, method, device):
    """Killed in the middle of the 3rd step, of the 2nd after that, and between two pieces of draws; the last steps at once."""
    monkeypatch.setenv("WSTAL_DEVICE", device)
    monkeypatch.setattr(train, "AHEAD", 4)
    what, unfinished = job(method), here / "one.unfinished"
    whole, heard = left(fit(*what, silent), here / "whole"), []
    for last in (3, 2, 2):
        kill(monkeypatch, last, lambda: fit(*what, silent, Unfinished(unfinished, "it")))
    found = fit(*what, lambda done, steps, loss: heard.append(done), Unfinished(unfinished, "it"))
    assert heard[0] == 5 and len(found.checkpoints) == 2
    assert left(found, here / "again") == whole


def test_what_is_drawn_differs_from_step_to_step_and_would_be_missed(job):
    """The networks above do draw snippets and dropout, or their tests could not fail."""
    settings, bags, seed = job()
    drawn = [np.concatenate(one.snippets) for one in Trainer(settings, bags, seed).draws()]
    assert not np.array_equal(drawn[0], drawn[1])
    assert any(module.p for module in train.build(settings, bags.dim, 3).modules() if type(module).__name__ == "Dropout")


@pytest.mark.parametrize("damage", [lambda data: data[:-100], lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], None])
def test_a_damaged_file_or_that_of_another_network_is_as_none(job, here, monkeypatch, damage):
    what, path = job(), here / "one.unfinished"
    whole = left(fit(*what, silent), here / "whole")
    kill(monkeypatch, 3, lambda: fit(*what, silent, Unfinished(path, "it")))
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path = path.replace(here / "other.unfinished")
    heard = []
    found = fit(*what, lambda done, steps, loss: heard.append(done), Unfinished(path, "it"))
    assert heard[0] == 1 and left(found, here / "again") == whole


def test_a_file_that_is_sealed_and_no_network_is_as_none(job, here):
    what, path = job(), here / "one.unfinished"
    tensorfile.save({"history": torch.zeros(2)}, path)
    heard = []
    fit(*what, lambda done, steps, loss: heard.append(done), Unfinished(path, "it"))
    assert heard[0] == 1


def test_a_changed_setting_begins_afresh_and_the_file_goes_at_the_end(tiny_runs, monkeypatch):
    """Through the cache: files are named by all that weights depend on."""
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, *_: [function(*job) for job in jobs])
    first, other = (tiny_runs({"base": {"training": {"epochs": epochs}}}, "co2", seeds=(0,)) for epochs in (3, 4))
    (network,) = first[0].networks
    kill(monkeypatch, 3, lambda: experiment.train(first))
    unfinished = experiment.unfinished(experiment.cached(first[0], network))
    assert unfinished.exists()
    experiment.train(other)
    assert unfinished.exists() and not experiment.unfinished(experiment.cached(other[0], network)).exists()
    (found,) = experiment.train(first)
    resumed = found[network].read_bytes()
    assert not unfinished.exists()
    unfinished.touch()  # of a process that was killed after it had written the weights
    found[network].unlink()
    experiment.train(first)
    assert found[network].read_bytes() == resumed and not unfinished.exists()
    unfinished.touch()
    experiment.train(first)
    assert not unfinished.exists()


def test_a_pupil_and_its_teacher_go_on(tiny_runs, here, monkeypatch):
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, *_: [function(*job) for job in jobs])
    teaching = {"teacher": "first", "per_video": 2.0, "q": 0.7}
    short = {"training": {"epochs": 3}}
    rows = {"first": short, "again": {**short, "plugins": {"self_training": teaching}, "weights": {"self_training": 1.0}}}
    _, pupil = tiny_runs(rows, "co2", seeds=(0,))
    whole = [{name: path.read_bytes() for name, path in found.items()} for found in experiment.train([pupil])]
    monkeypatch.setattr(paths, "CACHE", here / "another")
    steps = len(tensorfile.read(experiment.train([pupil.teacher])[0]["joint"])["history"])
    monkeypatch.setattr(paths, "CACHE", here / "third")
    kill(monkeypatch, 3, lambda: experiment.train([pupil]))  # the teacher
    kill(monkeypatch, steps - 2 + 3, lambda: experiment.train([pupil]))  # its rest, and the pupil
    assert experiment.cached(pupil.teacher, "joint").exists() and not experiment.cached(pupil, "joint").exists()
    assert [{name: path.read_bytes() for name, path in found.items()} for found in experiment.train([pupil])] == whole


SCRIPT = """
import pickle, sys
from pathlib import Path
from wstal.training import experiment, interrupted
interrupted.EVERY_S, interrupted.SHARE = 0.0, float("inf")
run, network, target = pickle.loads(Path(sys.argv[1]).read_bytes())
experiment.train_one(run, network, target)
"""


def test_a_process_that_is_killed_goes_on(tiny_runs, here):
    """By the system, at random moments, most of them while the file is being written."""
    run, rng = tiny_runs({"base": {"training": {"epochs": 60}}}, "stpn", seeds=(0,))[0], random.Random(0)
    network, heard = next(iter(run.networks)), []
    target, whole = here / "rows/it.safetensors", here / "whole.safetensors"
    unfinished = experiment.unfinished(target)
    experiment.train_one(run, network, whole)
    (here / "job").write_bytes(pickle.dumps((run, network, target)))
    for _ in range(3):
        before = unfinished.read_bytes() if unfinished.exists() else b""
        process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(here / "job")])
        while process.poll() is None and (unfinished.read_bytes() if unfinished.exists() else b"") == before:
            time.sleep(0.01)
        time.sleep(rng.random() * 0.1)
        process.kill()
        assert process.wait() == -signal.SIGKILL and unfinished.exists() and not target.exists()
    job = experiment.to_train(run, network, target.parent)
    fit(job.settings, job.bags, job.seed, lambda done, steps, loss: heard.append(done), Unfinished(unfinished, "it"))
    assert heard[0] > 3 and heard[-1] > heard[0]
    experiment.train_one(run, network, target)
    assert target.read_bytes() == whole.read_bytes() and not unfinished.exists()


def test_short_training_is_never_written_and_writing_takes_a_small_share(job, here, monkeypatch):
    monkeypatch.setattr(interrupted, "EVERY_S", 25.0)
    monkeypatch.setattr(interrupted, "SHARE", 0.02)
    monkeypatch.setattr(interrupted.tensorfile, "save", lambda *_: now.append(now[-1] + 2))
    now = [0.0]
    monkeypatch.setattr(interrupted.time, "monotonic", lambda: now[-1])
    trainer, unfinished = Trainer(*job()), Unfinished(here / "it", "it")
    unfinished.restore(trainer)
    assert not unfinished.due()
    now.append(25.0)
    assert unfinished.due()
    unfinished.store(trainer, torch.zeros(1, 1))  # takes 2 s
    now.append(126.0)
    assert not unfinished.due()
    now.append(127.0)
    assert unfinished.due()


def test_where_nothing_can_be_written_training_goes_on(job, here, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(here / "progress"))
    (here / "file").touch()
    what = job()
    assert len(fit(*what, silent, Unfinished(here / "file/one.unfinished", "a row, seed 0")).history)
    (line,) = (here / "progress").read_text().splitlines()
    assert line.startswith("a row, seed 0 would begin again if it were interrupted: ") and "file" in line


def test_it_is_said_where_training_goes_on(job, here, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(here / "progress"))
    what = job()
    steps = len(fit(*what, silent).history)
    kill(monkeypatch, 3, lambda: fit(*what, silent, Unfinished(here / "it", "a row, seed 0")))
    fit(*what, silent, Unfinished(here / "it", "a row, seed 0"))
    assert (here / "progress").read_text() == f"a row, seed 0 goes on at step 2 of {steps}\n"


def test_the_loss_that_is_told_is_the_mean_since_the_last_time(job):
    """Against what training leaves, weighted by hand."""
    settings, bags, seed = job()
    settings = msgspec.structs.replace(settings, weights={name: 0.5 + k for k, name in enumerate(settings.weights)})
    told = {}

    def step(done, steps, loss):
        if done in (2, 5):
            told[done] = loss()

    found = fit(settings, bags, seed, step)
    each = found.history @ [settings.weights[name] for name in found.model.loss_names]
    assert told == {2: pytest.approx(each[:2].mean(), rel=1e-5), 5: pytest.approx(each[2:5].mean(), rel=1e-5)}


def test_losses_by_hand():
    losses = Losses(torch.tensor([[4.0, 8.0]]))
    losses.add([[torch.tensor(1.0), torch.tensor(2.0)], [torch.tensor(3.0), torch.tensor(0.0)]])
    losses.add([[torch.tensor(0.0), torch.tensor(4.0)]])
    assert losses.recent().tolist() == [[4, 2], [0, 4]] and losses.recent().tolist() == []
    assert losses.all().tolist() == [[4, 8], [4, 2], [0, 4]]
    assert total(losses.all()[1:], [1.0, 0.5], 2) == (2 + 0.5 * 3) / 2
