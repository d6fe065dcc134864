"""What the tests of post-processing share: truth, detections and rows [class, video, start, end, score] of both sides."""

import numpy as np
import pytest

from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, Truth
from wstal.detect.localize import Classes, keep_classes, localize
from wstal.evaluation.evaluate import PROTOCOLS, evaluate

GRID = TimeGrid(25.0, 16, 16)


def name(video):
    """Names sort as numbers do."""
    return f"v{int(video):05d}"


def classes(gold):
    return tuple(f"c{c}" for c in range(int(gold["num_classes"])))


def truth(gold) -> Truth:
    """Instances and ambiguous times of a golden file."""
    return Truth(
        videos=tuple(name(v) for v in range(int(gold["num_test_videos"]))),
        labels=classes(gold),
        video=gold["gt_video"].astype(np.int32),
        label=gold["gt_label"].astype(np.int32),
        start_s=gold["gt_start_sec"],
        end_s=gold["gt_end_sec"],
        ambiguous_video=gold["amb_video"].astype(np.int32),
        ambiguous_start_s=gold["amb_start_sec"],
        ambiguous_end_s=gold["amb_end_sec"],
    )


def detections(gold, label, video, start_s, end_s, score) -> Detections:
    """From columns; videos are numbered as in `truth`."""
    videos = tuple(name(v) for v in range(int(gold["num_test_videos"])))
    times = (start_s.astype(np.float64), end_s.astype(np.float64), score.astype(np.float64))
    return Detections(videos, classes(gold), video.astype(np.int32), label.astype(np.int32), *times)


def rows(found: Detections) -> np.ndarray:
    """Rows with times in snippets, rounded, so that what was a whole number before it became seconds is one again."""
    columns = (found.label, found.video, GRID.snippets(found.start_s), GRID.snippets(found.end_s), found.score)
    return np.round(np.stack(columns, axis=1), 9)


def listed(gold, key) -> np.ndarray:
    """Rows of the code, which numbers only videos with ground truth, under the numbers of all test videos."""
    table = gold[key].astype(np.float64)
    table[:, 1] = gold["filtered_to_test_index"][table[:, 1].astype(int)]
    return table


def in_order(table):
    """Sorted by class, video, start, end, score; rounded first, so that equal times of both sides sort alike."""
    rounded = np.round(table, 5)
    return table[np.lexsort(rounded.T[::-1])]


def detect(gold, scores, settings):
    """Rows of {video: VideoScores}, times in seconds, of codes that sample a video to a fixed number of snippets: each
    video has a time grid of its own, since that number of snippets spans the whole video."""
    tables = []
    for v, one in scores.items():
        length = int(gold["T"][v])
        grid = TimeGrid(25.0 * len(one.activation) / length, 16, 16)
        d = localize({"joint": {"v": one}}, classes(gold), {"v": length * 16 / 25}, grid, settings)
        tables.append(np.stack([d.label, np.full(len(d), v), d.start_s, d.end_s, d.score], axis=1))
    return np.concatenate(tables)


def mAP_agrees(gold, table):
    """mAP of rows in seconds by the evaluator that BaS-Net's and UM's codes carry."""
    result = evaluate(truth(gold), detections(gold, *table.T), PROTOCOLS["thumos-basnet"], gold["iou"].tolist())
    np.testing.assert_allclose(result.mAP, gold["map"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(result.average_mAP, gold["average_mAP"][0], rtol=0, atol=1e-6)


def accuracy_agrees(gold, scores):
    """Share of videos whose classes are all found and no other: what the codes print as test accuracy."""
    only = Classes(threshold=float(gold["class_threshold"]), fallback="none")
    right = [
        keep_classes(one.video_score, only).tolist() == np.flatnonzero(gold["label"][v]).tolist() for v, one in scores.items()
    ]
    assert np.mean(right) == pytest.approx(float(gold["test_acc"][0]))
