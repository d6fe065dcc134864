"""WSAD's post-processing against the released code; its evaluator is tested in test_evaluators.py."""

import msgspec
import numpy as np
import pytest
import torch

from tests.golden.post import GRID, classes, listed, name, rows, truth
from wstal.base.types import VideoScores
from wstal.detect.localize import localize
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.methods.wsad import WSAD, Params

KEYS = ["wsad", "wsad_default"]  # blocks of 20 and of 60


@pytest.fixture(scope="module")
def gold(golden):
    return golden("wtalc_wsad_post")


@pytest.fixture
def scores(gold, key, preset):
    """{test video: scores}, as `WSAD.forward` makes them of logits (T, C)."""
    changes = {"hidden": 1, "block": int(gold[f"{key}.block_size"]), "k": int(gold[f"{key}.k"])}
    params = msgspec.convert(preset("wsad", "released")["params"] | changes, Params)
    method, found = WSAD(1, len(classes(gold)), params), {}
    for v in range(int(gold["num_test_videos"])):
        a = torch.as_tensor(gold[f"logits_{v}"], dtype=torch.float64)[None]
        best = method.block_scores(a, torch.ones(a.shape[:2], dtype=torch.bool))[0].amax(1)
        found[name(v)] = VideoScores(a[0].numpy(), best[0].numpy(), a[0].amax(-1).numpy())
    return found


def dropped(gold, video, start, end):
    """Whether a segment, in snippets, lies in a video without ground truth or, to one snippet, at an ambiguous time."""
    near = gold["amb_video"] == video
    near &= (GRID.seconds(start) < gold["amb_end_sec"] + GRID.step_s) & (
        gold["amb_start_sec"] - GRID.step_s < GRID.seconds(end)
    )
    return near.any() or video not in gold["gt_video"]


@pytest.mark.parametrize("key", KEYS)
def test_video_scores(gold, key, scores):
    found = [scores[name(v)].video_score for v in gold["filtered_to_test_index"]]
    np.testing.assert_allclose(found, gold[f"{key}.video_score"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("key", KEYS)
def test_detections(gold, key, scores, released):
    """What the code lists is among ours. It drops videos without ground truth and detections at ambiguous times first,
    which is all that ours has more; both make the same mAP."""
    durations_s = {name(v): float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    found = localize({"joint": scores}, classes(gold), durations_s, GRID, released("wsad"))
    ours, theirs = rows(found), listed(gold, f"{key}.proposals")
    place = {tuple(row): i for i, row in enumerate(np.round(ours[:, :4], 5).tolist())}
    same = [place.pop(tuple(row)) for row in np.round(theirs[:, :4], 5).tolist()]
    np.testing.assert_allclose(ours[same], theirs, rtol=0, atol=2e-6)
    assert len(place) == len(ours) - len(theirs)
    assert all(dropped(gold, int(video), start, end) for _, video, start, end in place)
    result = evaluate(truth(gold), found, PROTOCOLS["thumos-wsad"], gold["wsad.iou"])
    np.testing.assert_allclose(result.mAP, gold[f"{key}.map"], rtol=0, atol=1e-6)
