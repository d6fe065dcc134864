"""FAC-Net's post-processing and mAP against the released code: detections of each stream, fused ones, and their mAP."""

import numpy as np
import pytest

from tests.golden.post import GRID, classes, detections, in_order, listed, name, rows, truth
from wstal.base.types import VideoScores
from wstal.detect.localize import Proposals, fuse, localize
from wstal.evaluation.evaluate import PROTOCOLS, evaluate


@pytest.fixture(scope="module")
def gold(golden):
    return golden("facnet_post")


@pytest.fixture(scope="module")
def settings(gold, released):
    """The `released` preset of params.yaml, with the thresholds of the golden file."""
    return released("facnet", thresholds={"values": gold["thresholds"].tolist()})


def detect(gold, settings, streams, scale=1.0):
    labels = classes(gold)
    scores = {
        stream: {
            name(v): VideoScores(
                activation=scale * gold[f"{stream}.cas_{v}"].astype(np.float64)[:, : len(labels)],
                video_score=gold[f"{stream}.vid_pred"][v].astype(np.float64)[: len(labels)],
                actionness=np.zeros(len(gold[f"{stream}.cas_{v}"])),
            )
            for v in range(int(gold["num_test_videos"]))
        }
        for stream in streams
    }
    durations_s = {name(v): float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    return localize(scores, labels, durations_s, GRID, settings)


def among(table, videos):
    return table[np.isin(table[:, 1], videos)]


def agree(found, wanted):
    assert len(found)
    np.testing.assert_allclose(in_order(found), in_order(wanted), atol=1e-6)


@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_detections_of_a_stream(gold, settings, stream):
    found = among(rows(detect(gold, settings, [stream])), gold["filtered_to_test_index"])
    agree(found, listed(gold, f"{stream}.single.proposals_no_ambiguity_filter"))


def test_detections_of_a_scaled_stream(gold, released):
    """Beside flow, the code takes a tenth of the RGB stream's scores and thresholds."""
    settings = released("facnet", thresholds={"values": (0.1 * gold["thresholds"]).tolist()})
    found = among(rows(detect(gold, settings, ["rgb"], scale=0.1)), gold["filtered_to_test_index"])
    agree(found[~ambiguous(gold, found)], listed(gold, "two.rgb_scaled_proposals"))


def fused_like_the_release(gold, settings):
    """The released code removes ambiguous detections of each stream BEFORE it fuses them. Ours fuses without any knowledge
    of annotated times and leaves the filter to the evaluator, so the order of the release is rebuilt here from our parts."""
    streams = {stream: rows(detect(gold, settings, [stream])) for stream in ("rgb", "flow")}
    streams = {stream: table[~ambiguous(gold, table)] for stream, table in streams.items()}
    table = []
    for video in gold["filtered_to_test_index"]:
        found = {stream: by_class(among(every, video)) for stream, every in streams.items()}
        for label, left in fuse(found, GRID, settings).items():
            size = len(left.score)
            table.append(np.stack([np.full(size, label), np.full(size, video), left.start, left.end, left.score], axis=1))
    return np.concatenate(table)


def by_class(table):
    return {int(c): Proposals(*table[table[:, 0] == c][:, 2:].T) for c in np.unique(table[:, 0])}


def test_fused_detections(gold, settings):
    agree(fused_like_the_release(gold, settings), listed(gold, "two.proposals"))


def test_without_ambiguous_times_fusion_is_the_release(gold, settings):
    """In videos without an ambiguous time, the whole of `localize` gives the released list."""
    keep = np.setdiff1d(gold["filtered_to_test_index"], gold["amb_video"])
    agree(among(rows(detect(gold, settings, ["rgb", "flow"])), keep), among(listed(gold, "two.proposals"), keep))


def ambiguous(gold, table):
    """Rows whose snippets overlap an ambiguous time, straight from the definition."""
    flags = np.zeros(len(table), dtype=bool)
    for video, start, end in zip(gold["amb_video"], gold["amb_start_sec"], gold["amb_end_sec"], strict=True):
        low, high = round(start * 25 / 16), round(end * 25 / 16)
        flags |= (table[:, 1] == video) & (np.minimum(table[:, 3], high) > np.maximum(table[:, 2], low))
    return flags


@pytest.mark.parametrize("key", ["rgb.single", "flow.single", "two"])
def test_mean_average_precision(gold, settings, key):
    if key == "two":
        label, video, start, end, score = fused_like_the_release(gold, settings).T
        found = detections(gold, label, video, GRID.seconds(start), GRID.seconds(end), score)
    else:
        found = detect(gold, settings, [key.removesuffix(".single")])
    result = evaluate(truth(gold), found, PROTOCOLS["thumos-facnet"], gold["iou"].tolist())
    np.testing.assert_allclose(result.ap, gold[f"{key}.ap"], atol=1e-6)
    np.testing.assert_allclose(100 * result.mAP, gold[f"{key}.map"], atol=1e-6)
