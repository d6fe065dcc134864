"""FAC-Net's post-processing and mAP against the released code: detections of each stream, fused ones, and their mAP."""

import msgspec
import numpy as np
import pytest

from wstal import config
from wstal.evaluate import PROTOCOLS, evaluate
from wstal.localize import Localize, Runs, fuse, localize
from wstal.timegrid import TimeGrid
from wstal.types import Detections, Truth, VideoScores

GRID = TimeGrid(25.0, 16, 16)
STREAMS = {"rgb.single": ("rgb",), "flow.single": ("flow",), "two": ("rgb", "flow")}


@pytest.fixture(scope="module")
def gold(golden):
    return golden("facnet_post")


@pytest.fixture(scope="module")
def how(gold):
    """The `released` preset of params.yaml, with the thresholds of the golden file."""
    section = config.load().methods["facnet"]
    raw = config.merge(section.base, section.presets["released"])["localize"]
    return msgspec.convert(config.merge(raw, {"thresholds": {"values": gold["thresholds"].tolist()}}), Localize)


def name(v):
    return f"video_{int(v):05d}"


def detect(gold, how, streams):
    classes = [f"class_{c:03d}" for c in range(int(gold["num_classes"]))]
    scores = {
        stream: {
            name(v): VideoScores(
                activation=gold[f"{stream}.cas_{v}"].astype(np.float64)[:, : len(classes)],
                video_score=gold[f"{stream}.vid_pred"][v].astype(np.float64)[: len(classes)],
                actionness=np.zeros(len(gold[f"{stream}.cas_{v}"])),
            )
            for v in range(int(gold["num_test_videos"]))
        }
        for stream in streams
    }
    durations_s = {name(v): float(t) * GRID.step_s for v, t in enumerate(gold["T"])}
    return localize(scores, classes, durations_s, GRID, how)


def rows(gold, found, keep):
    """Sorted rows [class, test video, start, end, score] in snippets, for the test videos `keep`."""
    columns = (found.label, found.video, GRID.snippets(found.start_s), GRID.snippets(found.end_s), found.score)
    table = np.stack(columns, axis=1)
    return in_order(table[np.isin(table[:, 1], keep)])


def in_order(table):
    table = np.round(table, 9)
    return table[np.lexsort(table.T[::-1])]


def expected(gold, key):
    table = gold[key].astype(np.float64).copy()
    table[:, 1] = gold["filtered_to_test_index"][table[:, 1].astype(int)]
    return in_order(table)


@pytest.mark.parametrize("stream", ["rgb", "flow"])
def test_detections_of_a_stream(gold, how, stream):
    found = rows(gold, detect(gold, how, [stream]), gold["filtered_to_test_index"])
    np.testing.assert_allclose(found, expected(gold, f"{stream}.single.proposals_no_ambiguity_filter"), atol=1e-6)


def fused_like_the_release(gold, how):
    """The released code removes ambiguous detections of each stream BEFORE it fuses them. Ours fuses without any knowledge
    of annotated times and leaves the filter to the evaluator, so the order of the release is rebuilt here from our parts."""
    streams = {s: rows(gold, detect(gold, how, [s]), gold["filtered_to_test_index"]) for s in ("rgb", "flow")}
    streams = {stream: table[~ambiguous(gold, table)] for stream, table in streams.items()}
    table = []
    for video in gold["filtered_to_test_index"]:
        found = {stream: by_class(rows_[rows_[:, 1] == video]) for stream, rows_ in streams.items()}
        for label, runs in fuse(found, GRID, how).items():
            size = len(runs.score)
            table.append(np.stack([np.full(size, label), np.full(size, video), runs.start, runs.end, runs.score], axis=1))
    return in_order(np.concatenate(table))


def by_class(table):
    return {int(c): Runs(*table[table[:, 0] == c][:, 2:].T) for c in np.unique(table[:, 0])}


def test_fused_detections(gold, how):
    np.testing.assert_allclose(fused_like_the_release(gold, how), expected(gold, "two.proposals"), atol=1e-6)


def test_without_ambiguous_times_fusion_is_the_release(gold, how):
    """In videos without an ambiguous time, the whole of `localize` gives the released list."""
    keep = np.setdiff1d(gold["filtered_to_test_index"], gold["amb_video"])
    wanted = expected(gold, "two.proposals")
    found = rows(gold, detect(gold, how, ["rgb", "flow"]), keep)
    assert len(found)
    np.testing.assert_allclose(found, wanted[np.isin(wanted[:, 1], keep)], atol=1e-6)


def ambiguous(gold, table):
    """Rows whose snippets overlap an ambiguous time, straight from METHODS' definition."""
    flags = np.zeros(len(table), dtype=bool)
    for video, start, end in zip(gold["amb_video"], gold["amb_start_sec"], gold["amb_end_sec"], strict=True):
        low, high = round(start * 25 / 16), round(end * 25 / 16)
        flags |= (table[:, 1] == video) & (np.minimum(table[:, 3], high) > np.maximum(table[:, 2], low))
    return flags


def ground_truth(gold):
    videos = tuple(name(v) for v in range(int(gold["num_test_videos"])))
    labels = tuple(f"class_{c:03d}" for c in range(int(gold["num_classes"])))
    return Truth(
        videos, labels, gold["gt_video"].astype(np.int32), gold["gt_label"].astype(np.int32), gold["gt_start_sec"],
        gold["gt_end_sec"], gold["amb_video"].astype(np.int32), gold["amb_start_sec"], gold["amb_end_sec"],
    )  # fmt: skip


@pytest.mark.parametrize("key", STREAMS)
def test_mean_average_precision(gold, how, key):
    found = detect(gold, how, STREAMS[key])
    if key == "two":
        label, video, start, end, score = fused_like_the_release(gold, how).T
        index = (video.astype(np.int32), label.astype(np.int32))
        found = Detections(found.videos, found.labels, *index, GRID.seconds(start), GRID.seconds(end), score)
    result = evaluate(ground_truth(gold), found, PROTOCOLS["thumos-facnet"], gold["iou"].tolist())
    np.testing.assert_allclose(result.ap, gold[f"{key}.ap"], atol=1e-6)
    np.testing.assert_allclose(100 * result.mAP, gold[f"{key}.map"], atol=1e-6)
