"""What the page shows of a video, by hand: two networks, of which curves are means."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.made import make_detections
from wstal.app import film as filming
from wstal.app.stills import Stills
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores

SETTINGS = Stills(fps=10.0, short_side=36, quality=4, strip=2)
CARD = SimpleNamespace(
    classes=("x", "y", "z"),
    grid=TimeGrid(10.0, 10, 10),  # a snippet a second
    settings=SimpleNamespace(localize=SimpleNamespace(classes=SimpleNamespace(threshold=0.5))),
)
SHOWN = make_detections([(1, 0, 0, 3, 0.9), (0, 1, 1, 2, 0.7), (0, 0, 2, 4, 0.6)], videos=("a", "b"))


def scores(activation, video_score, actionness):
    return {"a": VideoScores(*(np.array(part, dtype=float) for part in (activation, video_score, actionness)))}


RGB = scores([[1, 0, 5], [3, 2, 5], [5, 4, 5], [7, 6, 5]], [0.2, 0.6, 0.9], [0.0, 0.2, 0.4, 0.6])
FLOW = scores([[3, 2, 7], [5, 4, 7], [7, 6, 7], [9, 8, 7]], [0.3, 0.8, 0.1], [0.2, 0.4, 0.6, 0.8])


@pytest.fixture
def made(monkeypatch):
    """made(shown): the film of video a; its pictures are the times that were asked for."""
    monkeypatch.setattr(filming, "stills", lambda file, times_s, settings: list(times_s))
    both = {"rgb": RGB, "flow": FLOW}
    return lambda shown: filming.film("a", Path("a.mp4"), 4.0, both, shown, CARD, SETTINGS)


def test_a_film_by_hand(made):
    found = made(SHOWN)
    assert found.times_s.tolist() == [0.5, 1.5, 2.5, 3.5]
    np.testing.assert_allclose(found.foreground, [0.1, 0.3, 0.5, 0.7])
    assert found.spans == [("y", 1, 2, 0.7), ("x", 2, 4, 0.6)] and found.why == ""
    curves = {name: curve.tolist() for name, curve in found.curves.items()}
    assert curves == {"x": [2, 4, 6, 8], "y": [1, 3, 5, 7], "z": [6, 6, 6, 6]}  # z has the highest video-level score
    assert found.file == Path("a.mp4") and found.found == {"x", "y"}
    assert found.strip == [1, 3] and found.pictures == [1.5, 3]  # middles of halves, and of spans


def test_a_film_without_spans_says_why_and_shows_the_surest_class(made):
    found = made(make_detections([], videos=("a", "b")))
    assert found.spans == [] and list(found.curves) == ["z"] and found.pictures == []
    assert found.why == "z has 0.9, but stands out at no time"


@pytest.mark.parametrize(
    ("score", "why"),
    [
        (0.4, "no class passed classes.threshold 0.5 of the run; the surest, y, has 0.4"),
        (0.5, "y has 0.5, but stands out at no time"),
    ],
)
def test_a_class_is_localized_from_the_threshold_on(score, why):
    tracks = [scores([[0, 0]], [0.1, score], [0])["a"], scores([[0, 0]], [0.3, 0.2], [0])["a"]]
    assert filming.most_likely(tracks, CARD) == ("y", why)
