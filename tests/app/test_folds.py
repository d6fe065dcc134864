"""Cross-validation by hand: who is held back, who is judged, what counts as right."""

import numpy as np

from wstal.app import folds
from wstal.app.folds import Crossed, Held
from wstal.base.types import Annotations, Video, VideoScores


def video(name, *labels, subset="train"):
    return Video(name, subset, 4.0, labels)


VIDEOS = (
    video("a", "Jump"), video("b", "Wave"), video("c", "Jump"), video("d", "Jump", "Wave"), video("e", "Run"), video("f"),
    video("g", "Jump", subset="test"),
)  # fmt: skip
FOUND = Annotations(("Jump", "Run", "Wave"), VIDEOS, ())


def scores(**of_video):
    return {name: VideoScores(np.zeros((2, 3)), np.array(values), np.zeros(2)) for name, values in of_video.items()}


def test_every_video_is_held_back_once_and_those_of_a_class_apart():
    held = folds.split(VIDEOS[:6], 2)
    assert sorted(name for fold in held for name in fold) == list("abcdef") and [len(fold) for fold in held] == [3, 3]
    assert {"a", "c"} not in [fold & {"a", "c"} for fold in held]
    assert [len(fold) for fold in folds.split(VIDEOS[:3], 9)] == [1, 1, 1]


def test_the_surest_class_of_the_mean_over_networks_is_right_if_it_is_a_label():
    one = {"rgb": scores(a=[0.6, 0.5, 0.1], d=[0.1, 0.2, 0.9]), "flow": scores(a=[0.1, 0.5, 0.1], d=[0.1, 0.0, 0.9])}
    other = {"rgb": scores(b=[0.9, 0.0, 0.1], c=[0.9, 0.0, 0.1], e=[0.0, 1.0, 0.0], f=[0.0, 1.0, 0.0])}
    found = folds.crossed(FOUND, FOUND.classes, [one, other])
    assert [(held.video, held.surest, held.right) for held in found.held] == [
        ("a", "Run", False), ("b", "Jump", False), ("c", "Jump", True), ("d", "Wave", True),
    ]  # fmt: skip
    assert found.alone == ("e", "f") and found.by_class() == {"Jump": (2, 3), "Wave": (1, 2)} and found.commonest == 3
    assert found.sentence.endswith(
        "2 folds: the surest class is right for 2 of 4 videos (50 %); the commonest class alone would be for 3"
    )
    assert folds.crossed(FOUND, FOUND.classes, [{"rgb": scores(e=[0.0, 1.0, 0.0])}]) is None


def test_few_videos_are_not_divided(tmp_path):
    few = Annotations(("Jump",), VIDEOS[:1] * 3, ())
    assert folds.trees(few, None, "own", 3) == [] and folds.trees(FOUND, None, "own", 1) == []
    assert Crossed(2, (Held("a", ("x", "y"), "y"),), ()).by_class() == {"x": (1, 1), "y": (1, 1)}
