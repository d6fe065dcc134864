"""UM's post-processing and mAP against the released code: seeds of two kinds, from the activation and from the magnitude."""

import msgspec
import numpy as np
import pytest
import torch

from tests.golden.post import accuracy_agrees, detect, in_order, mAP_agrees
from wstal.base.types import VideoScores
from wstal.methods.um import between, choose
from wstal.nn.cosine import norm


@pytest.fixture(scope="module")
def gold(golden):
    return golden("um_post")


@pytest.fixture(scope="module")
def settings(gold, released):
    """The `released` preset of params.yaml, with the constants of the golden file."""
    return released("um", classes={"threshold": float(gold["class_threshold"])}, upsample=int(gold["scale"]))


def score(gold, v):
    """Activation and actionness as `UM.forward` makes them of embedding and class probabilities."""
    features = torch.as_tensor(gold[f"features_{v}"], dtype=torch.float64)[None]
    mask, k = torch.ones(features.shape[:2], dtype=torch.bool), torch.as_tensor(gold[f"k_{v}"])
    magnitude = norm(features)
    act, bkg = choose(magnitude, torch.ones_like(magnitude), mask, k[:1], k[1:])
    g = between(magnitude, act, bkg)[0].numpy()
    return VideoScores(gold[f"cas_softmax_{v}"].astype(np.float64) * g[:, None], gold["video_scores"][v].astype(np.float64), g)


@pytest.fixture(scope="module")
def scores(gold):
    return {v: score(gold, v) for v in range(int(gold["num_test_videos"]))}


def test_detections(gold, scores, settings):
    found = detect(gold, scores, settings)
    assert set(found[:, 1]) == set(gold["videos_with_results"])
    np.testing.assert_allclose(in_order(found), in_order(gold["proposals"]), rtol=0, atol=2e-6)


def test_accuracy(gold, scores):
    accuracy_agrees(gold, scores)


def test_mean_average_precision(gold, scores, settings):
    mAP_agrees(gold, detect(gold, scores, settings))


def test_seeds_from_the_magnitude_are_among_them(gold, scores, settings):
    """Without them the list is another one: the option is what the released code does."""
    found = detect(gold, scores, msgspec.structs.replace(settings, actionness_thresholds=()))
    assert len(found) != len(gold["proposals"])
