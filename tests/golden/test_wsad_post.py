"""WSAD's post-processing against the released code; its evaluator is tested in test_evaluators.py."""

import msgspec
import numpy as np
import pytest
import torch

from tests.golden.post import in_order
from wstal import config
from wstal.evaluate import PROTOCOLS, evaluate
from wstal.localize import Localize, localize
from wstal.methods.wsad import WSAD, Params
from wstal.timegrid import TimeGrid
from wstal.types import Truth, VideoScores

GRID = TimeGrid(25.0, 16, 16)
KEYS = ["wsad", "wsad_default"]  # blocks of 20 and of 60


def settings():
    """The released preset as a mapping."""
    section = config.load().methods["wsad"]
    return config.merge(section.base, section.presets["released"])


def model(gold, key):
    changes = {"hidden": 1, "block": int(gold[f"{key}.block_size"]), "k": int(gold[f"{key}.k"])}
    params = msgspec.convert(settings()["params"] | changes, Params)
    return WSAD(1, int(gold["num_classes"]), params)


def scores(method, logits):
    """Video scores as `WSAD.forward` makes them of logits (T, C)."""
    a = torch.as_tensor(logits, dtype=torch.float64)[None]
    best = method.best_block(a, torch.ones(a.shape[:2], dtype=torch.bool))
    return VideoScores(a[0].numpy(), best[0].numpy(), a[0].amax(-1).numpy())


def truth(gold, classes):
    return Truth(
        tuple(f"v{v:02d}" for v in range(int(gold["num_test_videos"]))), classes, gold["gt_video"].astype(np.int32),
        gold["gt_label"].astype(np.int32), gold["gt_start_sec"], gold["gt_end_sec"], gold["amb_video"].astype(np.int32),
        gold["amb_start_sec"], gold["amb_end_sec"],
    )  # fmt: skip


def dropped(gold, video, start, end):
    """Whether a segment, in snippets, lies in a video without ground truth or, to one snippet, at an ambiguous time."""
    near = gold["amb_video"] == video
    near &= (GRID.seconds(start) < gold["amb_end_sec"] + GRID.step_s) & (
        gold["amb_start_sec"] - GRID.step_s < GRID.seconds(end)
    )
    return near.any() or video not in gold["gt_video"]


@pytest.mark.parametrize("key", KEYS)
def test_video_scores(golden, key):
    gold = golden("wtalc_wsad_post")
    method = model(gold, key)
    found = [scores(method, gold[f"logits_{v}"]).video_score for v in gold["filtered_to_test_index"]]
    np.testing.assert_allclose(found, gold[f"{key}.video_score"], rtol=0, atol=2e-6)


@pytest.mark.parametrize("key", KEYS)
def test_detections(golden, key):
    """What the code lists is among ours. It drops videos without ground truth and detections at ambiguous times first,
    which is all that ours has more; both make the same mAP."""
    gold = golden("wtalc_wsad_post")
    method, how = model(gold, key), msgspec.convert(settings()["localize"], Localize)
    classes = tuple(f"c{c}" for c in range(int(gold["num_classes"])))
    videos = {f"v{v:02d}": scores(method, gold[f"logits_{v}"]) for v in range(int(gold["num_test_videos"]))}
    durations_s = {f"v{v:02d}": float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    found = localize({"joint": videos}, classes, durations_s, GRID, how)

    listed = gold[f"{key}.proposals"].copy()
    listed[:, 1] = gold["filtered_to_test_index"][listed[:, 1].astype(int)]
    times = GRID.snippets(found.start_s), GRID.snippets(found.end_s)
    ours = in_order(np.stack([found.label, found.video, *times, found.score], axis=1))
    place = {tuple(row): i for i, row in enumerate(np.round(ours[:, :4], 5).tolist())}
    rows = [place.pop(tuple(row)) for row in np.round(listed[:, :4], 5).tolist()]
    np.testing.assert_allclose(ours[rows], listed, rtol=0, atol=2e-6)
    assert len(place) == len(ours) - len(listed)
    assert all(dropped(gold, int(video), start, end) for _, video, start, end in place)
    result = evaluate(truth(gold, classes), found, PROTOCOLS["thumos-wsad"], gold["wsad.iou"])
    np.testing.assert_allclose(result.mAP, gold[f"{key}.map"], rtol=0, atol=1e-6)
