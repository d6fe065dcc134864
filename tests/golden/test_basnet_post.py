"""BaS-Net's post-processing and mAP against the released code."""

import numpy as np
import pytest

from tests.golden.post import accuracy_agrees, detect, in_order, mAP_agrees
from wstal.base.types import VideoScores
from wstal.detect.localize import keep_classes


@pytest.fixture(scope="module")
def gold(golden):
    return golden("basnet_post")


@pytest.fixture(scope="module")
def settings(gold, released):
    """The `released` preset of params.yaml, with the constants of the golden file."""
    return released("basnet", classes={"threshold": float(gold["class_threshold"])}, upsample=int(gold["scale"]))


@pytest.fixture(scope="module")
def scores(gold):
    """{video: scores}; the last class is background."""
    return {
        v: VideoScores(
            activation=gold[f"cas_{v}"][:, :-1].astype(np.float64),
            video_score=gold["video_scores"][v, :-1].astype(np.float64),
            actionness=np.zeros(len(gold[f"cas_{v}"])),
        )
        for v in range(int(gold["num_test_videos"]))
    }


@pytest.fixture(scope="module")
def found(gold, scores, settings):
    """Ours, without videos that keep class 0 alone: the code tests the array [0] for truth and finds nothing there."""
    table = detect(gold, scores, settings)
    alone = [v for v, s in scores.items() if keep_classes(s.video_score, settings.classes).tolist() == [0]]
    assert np.isin(alone, table[:, 1]).all()
    return table[~np.isin(table[:, 1], alone)]


def test_detections(gold, found):
    assert set(found[:, 1]) == set(gold["videos_with_results"])
    np.testing.assert_allclose(in_order(found), in_order(gold["proposals"]), rtol=0, atol=2e-6)


def test_accuracy(gold, scores):
    accuracy_agrees(gold, scores)


def test_mean_average_precision(gold, found):
    mAP_agrees(gold, found)
