"""Post-processing and mAP of AICL and SAL, whose suppression demotes, against the released codes."""

import numpy as np
import pytest
import torch

from tests.golden.post import detect, detections, truth
from wstal.base.types import VideoScores
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.nn.pooling import largest_of_each, mean_of_each, share

METHODS = ["aicl", "sal"]


@pytest.fixture(params=METHODS)
def method(request):
    return request.param


@pytest.fixture
def gold(golden, method):
    return golden(f"{method}_post")


@pytest.fixture
def scores(gold):
    """{number: VideoScores} as `forward` makes them of class scores and of the actionness of both streams."""
    found = {}
    for v in range(len(gold["T"])):
        cas, rgb, flow = (torch.as_tensor(gold[f"{key}_{v}"], dtype=torch.float64) for key in ("cas", "rgb", "flow"))
        activation = (cas.softmax(-1) + rgb[:, None] + flow[:, None]) / 3
        np.testing.assert_allclose(activation, gold[f"activation_{v}"], rtol=1e-9, atol=1e-12)
        found[v] = VideoScores(activation.numpy(), gold[f"video_score_{v}"].astype(np.float64), ((rgb + flow) / 2).numpy())
    return found


def test_video_scores(gold, method, scores, preset):
    """Softmax of the mean class score of the chosen snippets; of SAL, mixed with second-order scores."""
    params = preset(method, "released")["params"]
    for v, one in scores.items():
        mask = torch.ones(1, len(one.activation), dtype=torch.bool)
        chosen = largest_of_each(torch.as_tensor(one.activation)[None], mask, share(mask.sum(-1), params["top"]))
        score = mean_of_each(torch.as_tensor(gold[f"cas_{v}"], dtype=torch.float64)[None], chosen)[0]
        if method == "sal":
            keep = params["semantic_share"]
            score = (1 - keep) * score + keep * torch.as_tensor(gold[f"second_{v}"], dtype=torch.float64)
        np.testing.assert_allclose(score.softmax(-1), gold[f"video_score_{v}"], rtol=1e-6)


def agree(rows, wanted):
    """Rows [class, video, start s, end s, score] in any order; to the second's 1e-6."""
    rows, wanted = (table[np.lexsort(np.round(table, 7).T[::-1])] for table in (rows, wanted))
    np.testing.assert_allclose(rows, wanted, rtol=0, atol=1e-6)


def test_constants(gold, method, released):
    settings = released(method)
    constants = {
        "class_threshold": settings.classes.threshold, "gamma": settings.scoring.video_weight, "scale": settings.upsample,
        "nms_alpha": settings.suppression.sigma, "nms_threshold": settings.suppression.threshold,
    }  # fmt: skip
    assert all(gold[name] == value for name, value in constants.items())
    np.testing.assert_allclose(settings.thresholds.values, gold["thresholds"], rtol=1e-12)


def test_runs_before_suppression(gold, method, scores, released):
    rows = detect(gold, scores, released(method, suppression={"mode": "remove", "threshold": 1.0, "plus": 0.0}))
    wanted = gold["raw_no_suppression"]  # class, score, start, end
    columns = [0, 4, 2, 3]
    rows, wanted = (table[np.lexsort(np.round(table, 7).T[::-1])] for table in (rows[:, columns], wanted))
    np.testing.assert_allclose(rows, wanted, rtol=0, atol=1e-6)


def test_detections(gold, method, scores, released):
    agree(detect(gold, scores, released(method)), gold["proposals"])


def test_mean_average_precision(gold, method, scores, released):
    found = detections(gold, *detect(gold, scores, released(method)).T)
    result = evaluate(truth(gold), found, PROTOCOLS["thumos-basnet"], gold["iou"].tolist())
    np.testing.assert_allclose(result.ap[:, gold["ap_classes"]], gold["ap"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(result.mAP, gold["map"], rtol=0, atol=1e-6)
    assert result.average_mAP == pytest.approx(float(gold["average_mAP"]), abs=1e-6)
