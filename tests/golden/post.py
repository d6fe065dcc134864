"""What BaS-Net's and UM's post-processing tests share. Both sample a video to a fixed number of snippets, so that each
video has a time grid of its own: that number of snippets spans the whole video."""

import numpy as np

from wstal.evaluate import PROTOCOLS, evaluate
from wstal.localize import localize
from wstal.timegrid import TimeGrid
from wstal.types import Detections, Truth


def detect(gold, scores, how):
    """Rows [class, video, start, end, score] of {video: VideoScores}, times in seconds."""
    classes = [f"c{c}" for c in range(int(gold["num_classes"]))]
    tables = []
    for v, one in scores.items():
        length = int(gold["T"][v])
        grid = TimeGrid(25.0 * len(one.activation) / length, 16, 16)
        d = localize({"joint": {"v": one}}, classes, {"v": length * 16 / 25}, grid, how)
        tables.append(np.stack([d.label, np.full(len(d), v), d.start_s, d.end_s, d.score], axis=1))
    return np.concatenate(tables)


def in_order(table):
    """Sorted by class, video, start, end, score; rounded first, so that equal times of both sides sort alike."""
    rounded = np.round(table, 5)
    return table[np.lexsort(rounded.T[::-1])]


def mAP_agrees(gold, table):
    """mAP of the rows by the evaluator that both codes carry."""
    label, video, start_s, end_s, score = table.T
    videos = tuple(f"v{v}" for v in range(int(gold["num_test_videos"])))
    labels = tuple(f"c{c}" for c in range(int(gold["num_classes"])))
    truth = Truth(
        videos, labels, gold["gt_video"].astype(np.int32), gold["gt_label"].astype(np.int32), gold["gt_start_sec"],
        gold["gt_end_sec"], gold["amb_video"].astype(np.int32), gold["amb_start_sec"], gold["amb_end_sec"],
    )  # fmt: skip
    found = Detections(videos, labels, video.astype(np.int32), label.astype(np.int32), start_s, end_s, score)
    result = evaluate(truth, found, PROTOCOLS["thumos-basnet"], gold["iou"].tolist())
    np.testing.assert_allclose(result.mAP, gold["map"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(result.average_mAP, gold["average_mAP"][0], rtol=0, atol=1e-6)
