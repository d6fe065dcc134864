"""Videos for figures are chosen by the stated rule."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.made import make_truth
from wstal.base.errors import UserError
from wstal.report import qualitative

# video: instances as class indices; a and b show class 0 alone, c shows it most often but with class 1
SHOWN = {"a": [0], "b": [0, 0, 0], "c": [0, 0, 0, 0, 0, 1], "d": [1]}
DURATIONS_S = {"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}


def truth(shown):
    instances = [(v, c) for v, classes in enumerate(shown.values()) for c in classes]
    times = [(v, c, t, t + 1) for t, (v, c) in enumerate(instances)]
    return make_truth(times, videos=tuple(shown), labels=("Dive", "CliffDive", "Run"))


@pytest.fixture
def runs(monkeypatch):
    """Stand-ins for runs whose truth is SHOWN."""
    monkeypatch.setattr(qualitative, "ground_truth", lambda run: truth(SHOWN))
    monkeypatch.setattr(qualitative.experiment, "durations_s", lambda run: DURATIONS_S)
    return [None]


def test_videos_of_one_class_come_first(runs):
    assert qualitative.choose(runs, "Dive", "sparsest") == "a"
    assert qualitative.choose(runs, "Dive", "densest") == "b"


def test_a_class_that_never_stands_alone_has_a_video_too(runs, monkeypatch):
    monkeypatch.setattr(qualitative, "ground_truth", lambda run: truth({video: SHOWN[video] for video in "abc"}))
    assert qualitative.choose(runs, "CliffDive", "median") == "c"


def test_a_class_that_no_video_shows_is_a_sentence(runs):
    with pytest.raises(UserError, match="Run"):
        qualitative.choose(runs, "Run", "median")


def test_a_row_is_its_first_seed_and_a_missing_one_a_sentence():
    runs = [SimpleNamespace(row=row, seed=seed) for row in ("bm", "um") for seed in (0, 1)]
    assert qualitative.row(runs, "um") is runs[2]
    with pytest.raises(UserError, match="no row 'xy' here; name one of bm, um in the notebook"):
        qualitative.row(runs, "xy")


def test_purity_is_full_for_separated_and_half_for_mixed_clouds():
    rng = np.random.default_rng(0)
    foreground = np.arange(200) % 2 == 0
    apart = np.where(foreground[:, None], [1.0, 0.0], [0.0, 1.0]) + 0.01 * rng.normal(size=(200, 2))
    assert qualitative.purity(apart, foreground) == pytest.approx(100)
    assert qualitative.purity(rng.normal(size=(200, 8)), foreground) == pytest.approx(53, abs=6)
