"""Self-training: targets by hand, the loss by hand, and a pupil that hears its teacher and no time of the truth."""

import numpy as np
import pytest
import torch

from wstal.base import paths
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections
from wstal.methods.base import Scores
from wstal.plugins.base import TARGETS
from wstal.plugins.self_training import Params, SelfTraining
from wstal.training import experiment
from wstal.training.teaching import targets

GRID = TimeGrid(fps=10.0, stride_f=10, window_f=10)  # a snippet a second
CLASSES = ("a", "b")


def found(*rows):
    """Detections (video, label, start s, end s, score)."""
    videos, labels = ("v", "w"), CLASSES
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    index = [
        np.array([names.index(x) for x in column], dtype=np.int32)
        for names, column in zip((videos, labels), columns[:2], strict=True)
    ]
    return Detections(videos, labels, *index, *(np.array(column, dtype=float) for column in columns[2:]))


def test_the_surest_detections_teach_and_what_none_touches_is_background():
    """One a video: of a's three in two videos the two best, both in v; w shows a and is not taught about it."""
    rows = [("v", "a", 0, 2, 0.9), ("v", "a", 3.6, 4.6, 0.8), ("v", "a", 1, 3, 0.1), ("w", "a", 0, 1, 0.2), ("v", "b", 0, 5, 9)]
    made = targets(found(*rows), {"v": ("a",), "w": ("a",)}, CLASSES, {"v": 6, "w": 3}, GRID, 1.0)
    assert made["v"][:, 0].tolist() == [1, 1, -1, 0, 1, 0]
    assert made["w"][:, 0].tolist() == [-1, -1, -1]
    assert not made["v"][:, 1].any() and not made["w"][:, 1].any()  # no video shows b


def test_a_label_that_is_never_found_is_unknown():
    made = targets(found(), {"v": ("b",)}, CLASSES, {"v": 2}, GRID, 1.0)
    assert made["v"].tolist() == [[0, -1], [0, -1]]


def scores(actionness, logits, taught=None):
    b, t, c = logits.shape
    terms = {} if taught is None else {TARGETS: taught}
    return Scores(logits, logits, actionness, torch.zeros(b, c), torch.zeros(b, t, 2), terms)


def test_the_loss_by_hand():
    """q = 1: mean absolute errors. Snippet 0 shows a, 1 background, 2 unknown, 3 padding."""
    term = SelfTraining(2, Params(teacher="t", per_video=1.0, q=1.0))
    taught = torch.tensor([[[1.0, 0], [0, 0], [-1, 0], [1, 0]]], dtype=torch.float64)
    logits = torch.tensor([[[np.log(3), 0, 9.0]] * 4], dtype=torch.float64)  # the last is background
    actionness = torch.tensor([[0.7, 0.2, 0.5, 0.9]], dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, True, True, False]])
    loss = term(scores(actionness, logits, taught), torch.tensor([[1.0, 0]]), mask)
    assert loss.item() == pytest.approx((1 - 0.7) + 0.2 + (1 - 3 / 4), abs=1e-5)
    loss.backward()
    assert (actionness.grad != 0).tolist() == [[True, True, False, False]]


def test_bags_that_teach_nothing_cost_nothing():
    term = SelfTraining(2, Params(teacher="t", per_video=1.0, q=0.7))
    assert term(scores(torch.rand(1, 3), torch.rand(1, 3, 2)), torch.ones(1, 2), torch.ones(1, 3, dtype=torch.bool)) == 0


def rows(**changes):
    teaching = {"teacher": "first", "per_video": 2.0, "q": 0.7} | changes
    short = {"training": {"epochs": 3}}
    return {"first": short, "again": {**short, "plugins": {"self_training": teaching}, "weights": {"self_training": 1.0}}}


@pytest.mark.parametrize("method", ["co2", "facnet"])
def test_a_pupil_hears_its_teacher(tiny_runs, method, tmp_path, monkeypatch):
    """The teacher is trained though it is not asked for; with other targets, other weights; its times come from labels."""
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    _, pupil = tiny_runs(rows(), method, seeds=(0,))
    network = next(iter(pupil.networks))
    experiment.train_all([pupil])
    assert experiment.cached(pupil.teacher, network).exists() and pupil.predictions().exists()
    history = experiment.histories([pupil], "again")
    assert all(values[:, -1].max() > 0 for values in history.values())
    bags = experiment.to_train(pupil, network, tmp_path / "rows").bags
    assert bags.width == bags.dim + len(pupil.card.classes)
    other = tiny_runs(rows(per_video=1.0), method, seeds=(0,))[1]
    assert experiment.cached(other, network) != experiment.cached(pupil, network)
    assert experiment.cached(other.teacher, network) == experiment.cached(pupil.teacher, network)


@pytest.mark.parametrize("teacher", ["nobody", "again"])
def test_a_teacher_is_another_row(tiny_runs, teacher):
    with pytest.raises(UserError, match=r"rows\.again: the teacher '\w+' is no other row .* name one of: first"):
        tiny_runs(rows(teacher=teacher), "co2")
