"""Videos for figures are chosen by the stated rule."""

import numpy as np
import pytest

from wstal import examples
from wstal.errors import UserError
from wstal.types import Truth

# video: instances as class indices; a and b show class 0 alone, c shows it most often but with class 1
SHOWN = {"a": [0], "b": [0, 0, 0], "c": [0, 0, 0, 0, 0, 1], "d": [1]}
DURATIONS_S = {"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}


@pytest.fixture
def runs(monkeypatch):
    """Stand-ins for runs whose truth is SHOWN."""
    video = np.concatenate([np.full(len(shown), v) for v, shown in enumerate(SHOWN.values())])
    label, none = np.concatenate(list(SHOWN.values())), np.zeros(0)
    times = np.arange(len(video), dtype=float)
    table = Truth(tuple(SHOWN), ("Dive", "CliffDive", "Run"), video, label, times, times + 1, none, none, none)
    monkeypatch.setattr(examples, "ground_truth", lambda run: table)
    monkeypatch.setattr(examples.experiment, "durations_s", lambda run: DURATIONS_S)
    return [None]


def test_videos_of_one_class_come_first(runs):
    assert examples.choose(runs, "Dive", "sparsest") == "a"
    assert examples.choose(runs, "Dive", "densest") == "b"


def test_a_class_that_never_stands_alone_has_a_video_too(runs, monkeypatch):
    table = examples.ground_truth(None)
    keep = table.video != 3
    alone = Truth(
        table.videos, table.labels, table.video[keep], table.label[keep], *[table.start_s[keep]] * 2, *[np.zeros(0)] * 3
    )
    monkeypatch.setattr(examples, "ground_truth", lambda run: alone)
    assert examples.choose(runs, "CliffDive", "median") == "c"


def test_a_class_that_no_video_shows_is_a_sentence(runs):
    with pytest.raises(UserError, match="Run"):
        examples.choose(runs, "Run", "median")


def test_purity_is_full_for_separated_and_half_for_mixed_clouds():
    rng = np.random.default_rng(0)
    foreground = np.arange(200) % 2 == 0
    apart = np.where(foreground[:, None], [1.0, 0.0], [0.0, 1.0]) + 0.01 * rng.normal(size=(200, 2))
    assert examples.purity(apart, foreground) == pytest.approx(100)
    assert examples.purity(rng.normal(size=(200, 8)), foreground) == pytest.approx(53, abs=6)  # a snippet is its own neighbour
