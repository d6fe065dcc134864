"""W-TALC's post-processing against the released code; its evaluator is tested in test_evaluators.py."""

import numpy as np
import pytest
import torch

from tests.golden.post import GRID, classes, in_order, listed, name, rows
from wstal.base.types import VideoScores
from wstal.detect.localize import localize
from wstal.nn.pooling import share_mean


@pytest.fixture
def scores(preset):
    """scores(logits) -> video scores as `WTALC.forward` makes them of logits (T, C)."""
    top = preset("wtalc", "released")["params"]["top"]

    def scores(logits):
        a = torch.as_tensor(logits, dtype=torch.float64)[None]
        mask = torch.ones(a.shape[:2], dtype=torch.bool)
        video_score = share_mean(a.transpose(1, 2), mask, top)
        return VideoScores(a[0].numpy(), video_score[0].numpy(), a[0].amax(-1).numpy())

    return scores


def test_detections(golden, scores, released):
    """In the videos with ground truth, which are all that the code looks at."""
    gold = golden("wtalc_wsad_post")
    videos = {name(v): scores(gold[f"logits_{v}"]) for v in range(int(gold["num_test_videos"]))}
    durations_s = {name(v): float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    found = rows(localize({"joint": videos}, classes(gold), durations_s, GRID, released("wtalc")))
    found = found[np.isin(found[:, 1], gold["filtered_to_test_index"])]
    wanted = listed(gold, "wtalc.proposals_no_ambiguity_filter")
    np.testing.assert_allclose(in_order(found), in_order(wanted), rtol=0, atol=2e-6)


@pytest.mark.parametrize("length", [1, 5, 8])
def test_short_videos_have_a_score(scores, length):
    """The code averages the top floor(T / 8) logits, of which videos below 8 snippets have none."""
    assert np.isfinite(scores(np.ones((length, 2))).video_score).all()
