"""Post-processing of CO2-Net and DELU, with their soft suppression and ambiguity filter, against the released codes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.golden.post import GRID, classes, detections, name, truth
from wstal.base.types import VideoScores
from wstal.detect.localize import localize
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.nn.suppression import log_score

METHODS = ["co2", "delu"]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def gold(golden, method):
    return golden(f"{method}_post")


@pytest.fixture
def videos(gold, method, preset):
    """{number: VideoScores}, as `forward` makes them of logits and attention."""
    found = {}
    for v in range(len(gold["T"])):
        logits, attention = (torch.as_tensor(gold[f"{key}_{v}"], dtype=torch.float64)[None] for key in ("cas", "attn"))
        weighted = attention[..., None] * logits
        mask = torch.ones(attention.shape, dtype=torch.bool)
        video_score = log_score(weighted, mask, preset(method)["params"]["test_top"]).exp()[0, :-1]
        np.testing.assert_allclose(video_score, gold[f"video_score_{v}"], rtol=1e-6)  # stored as float32's
        arrays = (weighted[0, :, :-1], video_score, attention[0], logits[0, :, :-1])
        found[v] = VideoScores(*(array.numpy() for array in arrays))
    return found


def found_in(gold, videos, settings):
    """Rows [class, video, start, end, score], times in snippets."""
    durations_s = {name(v): float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    d = localize({"joint": {name(v): one for v, one in videos.items()}}, classes(gold), durations_s, GRID, settings)
    columns = (d.label, d.video, GRID.snippets(d.start_s), GRID.snippets(d.end_s), d.score)
    return np.round(np.stack(columns, axis=1), 9)


def but_the_quirk(gold, rows):
    """Without the video whose threshold has snippet 0 alone above it, which the code skips."""
    return rows[rows[:, 1] != int(gold["first_snippet_quirk_video"])]


def agree(rows, wanted):
    """Equal rows in any order. Scores of a proposal found at several thresholds differ by little: they are told apart."""
    rows, wanted = (table[np.lexsort(np.round(table, 9).T[::-1])] for table in (rows, wanted))
    np.testing.assert_allclose(rows, wanted, rtol=0, atol=1e-6)


def test_constants(gold, method, released):
    settings = released(method)
    assert settings.classes.threshold == gold["class_threshold"]
    assert settings.scoring.video_weight == gold["gamma"]
    assert settings.suppression.sigma == gold["sigma"]
    np.testing.assert_allclose(settings.actionness_thresholds, gold["thresholds"], rtol=1e-15)


def test_runs_before_suppression(gold, method, videos, released):
    rows = found_in(gold, videos, released(method, suppression={"mode": "remove", "threshold": 1.0}, min_length_after=0))
    wanted = [
        np.column_stack([raw[:, 0], np.full(len(raw), v), raw[:, 2], raw[:, 3], raw[:, 1]])
        for v in videos
        if len(raw := gold.get(f"raw_{v}", np.zeros((0, 4))))
    ]
    agree(but_the_quirk(gold, rows), but_the_quirk(gold, np.concatenate(wanted)))


def test_detections(gold, method, videos, released):
    """Before the ambiguity filter, which is our evaluator's; the length rule, which comes after it there, is in both."""
    rows = found_in(gold, videos, released(method))
    agree(but_the_quirk(gold, rows), but_the_quirk(gold, gold["proposals_no_ambiguity_filter"]))


@pytest.mark.parametrize("key", ["proposals", "proposals_no_ambiguity_filter"])
def test_mean_average_precision(gold, method, released, key):
    """By an evaluator of ours, which filters what the code may have filtered before."""
    table = gold[key].astype(np.float64)
    table = table[table[:, 3] - table[:, 2] >= released(method).min_length_after]
    seconds = (GRID.seconds(table[:, 2]), GRID.seconds(table[:, 3]))
    found = detections(gold, table[:, 0], table[:, 1], *seconds, table[:, 4])
    protocol = replace(PROTOCOLS["thumos-wsad"], drop_empty_videos=False)
    result = evaluate(truth(gold), found, protocol, gold["iou"].tolist())
    np.testing.assert_allclose(result.ap, gold["ap"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(result.mAP, gold["map"], rtol=0, atol=1e-6)
