"""W-TALC's post-processing against the released code; its evaluator is tested in test_evaluators.py."""

import msgspec
import numpy as np
import pytest
import torch

from tests.golden.post import in_order
from wstal import config
from wstal.localize import Localize, localize
from wstal.nn.pooling import share, topk_mean
from wstal.timegrid import TimeGrid
from wstal.types import VideoScores

GRID = TimeGrid(25.0, 16, 16)


def scores(logits):
    """Video scores as `WTALC.forward` makes them of logits (T, C)."""
    section = config.load().methods["wtalc"]
    a = torch.as_tensor(logits, dtype=torch.float64)[None]
    mask = torch.ones(a.shape[:2], dtype=torch.bool)
    video_score = topk_mean(a.transpose(1, 2), mask, share(mask, section.base["params"]["top"]))
    return VideoScores(a[0].numpy(), video_score[0].numpy(), a[0].amax(-1).numpy())


def test_detections(golden):
    gold = golden("wtalc_wsad_post")
    section = config.load().methods["wtalc"]
    how = msgspec.convert(config.merge(section.base, section.presets["released"])["localize"], Localize)
    names = {f"{v:05d}": int(v) for v in gold["filtered_to_test_index"]}
    videos = {name: scores(gold[f"logits_{v}"]) for name, v in names.items()}
    durations_s = {name: float(gold["T"][v]) * GRID.step_s for name, v in names.items()}
    found = localize({"joint": videos}, [f"c{c}" for c in range(int(gold["num_classes"]))], durations_s, GRID, how)
    times = GRID.snippets(found.start_s), GRID.snippets(found.end_s)
    table = np.stack([found.label, found.video, *times, found.score], axis=1)
    np.testing.assert_allclose(in_order(table), in_order(gold["wtalc.proposals_no_ambiguity_filter"]), rtol=0, atol=2e-6)


@pytest.mark.parametrize("length", [1, 5, 8])
def test_short_videos_have_a_score(length):
    """The code averages the top floor(T / 8) logits, of which videos below 8 snippets have none."""
    assert np.isfinite(scores(np.ones((length, 2))).video_score).all()
