"""How detections are judged in small pictures: tIoU, and the average precision of ranked detections.

Each lesson is a function that returns numbers, computed by wstal/evaluation, and one that draws them. Times are seconds of one
video, and all instances and detections are of one class.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.base.types import Detections, Truth
from wstal.evaluation.evaluate import PROTOCOLS, evaluate, prepare
from wstal.evaluation.matching import Segments, candidates, match, overlap
from wstal.report.lessons import SHADES, WIDTH
from wstal.report.plots import FOUND, INK, MARKERS, TRUTH, legend

PROTOCOL = PROTOCOLS["activitynet"]


@dataclass(frozen=True)
class Overlaps:
    """Detections against one instance."""

    instance: np.ndarray  # (2,) start_s, end_s
    detections: np.ndarray  # (N, 2) start_s, end_s
    tiou: np.ndarray  # (N,)


def overlaps(instance: Sequence[float], detections: Sequence[Sequence[float]]) -> Overlaps:
    """tIoU of each detection [start_s, end_s] with one instance [start_s, end_s]."""
    one, found = np.array(instance, dtype=float), np.array(detections, dtype=float)
    rows, first = np.arange(len(found)), np.zeros(len(found), dtype=int)
    instances = Segments(first[:1], first[:1], one[:1], one[1:])
    return Overlaps(one, found, overlap(Segments(first, first, *found.T), instances, rows, first, 0.0))


def draw_overlaps(lesson: Overlaps) -> Figure:
    """The instance as a band, a bar a detection, its tIoU beside it."""
    count = len(lesson.tiou)
    figure, axis = plt.subplots(figsize=(WIDTH, 0.9 + 0.34 * count), layout="constrained")
    start, end = lesson.instance
    axis.axvspan(start, end, color=TRUTH, alpha=0.25, lw=0, label="ground truth")
    lengths = lesson.detections[:, 1] - lesson.detections[:, 0]
    axis.barh(range(count), lengths, left=lesson.detections[:, 0], height=0.5, color=FOUND, label="detection")
    for row, tiou in enumerate(lesson.tiou):
        text = f"tIoU {tiou:.2f}"
        axis.annotate(text, (1.01, row), xycoords=("axes fraction", "data"), va="center", size="small", color=INK)
    axis.set(yticks=[], ylim=(count - 0.4, -0.6), xlim=(0, None), xlabel="time (s)")
    legend(figure, axis)
    sns.despine(figure, left=True)
    return figure


@dataclass(frozen=True)
class Ranked:
    """N ranked detections of one class with M instances, judged at K tIoUs."""

    tious: tuple[float, ...]  # K
    score: np.ndarray  # (N,) best first
    hit: np.ndarray  # (K, N) bool, whether a detection takes an instance
    precision: np.ndarray  # (K, N) share of hits among the detections up to each rank
    recall: np.ndarray  # (K, N) share of the instances that they found
    ap: np.ndarray  # (K,) average precision


def rank(instances: Sequence[Sequence[float]], detections: Sequence[Sequence[float]], tious: Sequence[float]) -> Ranked:
    """Instances [start_s, end_s] and detections [start_s, end_s, score] under the official ActivityNet evaluator."""
    truth, found = columns(np.array(instances, dtype=float), np.array(detections, dtype=float))
    rows, segments, _ = prepare(truth, found, PROTOCOL)
    hit = np.zeros((len(tious), len(rows)), dtype=bool)
    for row, tiou in zip(hit, tious, strict=True):
        who, instance, _ = candidates(rows, segments, tiou, **PROTOCOL.preference)
        row[who[match(who, instance, len(segments))]] = True
    hits = hit.cumsum(axis=1)
    precision, recall = hits / np.arange(1, len(rows) + 1), hits / len(segments)
    ap = evaluate(truth, found, PROTOCOL, tious).ap[:, 0]
    return Ranked(tuple(tious), np.sort(found.score)[::-1], hit, precision, recall, ap)


def columns(instances: np.ndarray, detections: np.ndarray) -> tuple[Truth, Detections]:
    """One video and one class in the layout of the evaluator: instances (M, 2), detections (N, 3)."""
    own, found = (np.zeros(len(rows), dtype=np.int32) for rows in (instances, detections))
    none, nothing = np.zeros(0, dtype=np.int32), np.zeros(0)
    names = (("video",), ("action",))
    (start_s, end_s), (from_s, to_s, score) = instances.T, detections.T
    truth = Truth(*names, own, own, start_s, end_s, none, nothing, nothing)
    return truth, Detections(*names, found, found, from_s, to_s, score)


def draw_rank(ranked: Ranked) -> Figure:
    """Hits and misses by rank above; below, precision over recall with its envelope, whose area is the average precision."""
    count = len(ranked.tious)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(WIDTH, 3.6 + 0.3 * count), layout="constrained", height_ratios=(0.5 + 0.3 * count, 2.6)
    )
    ranks, looks = np.arange(1, len(ranked.score) + 1), zip(SHADES[-count:], cycle(MARKERS), strict=False)
    parts = zip(ranked.tious, ranked.hit, ranked.precision, ranked.recall, ranked.ap, looks, strict=False)
    for row, (tiou, hit, precision, recall, ap, (shade, marker)) in enumerate(parts):
        above.plot(ranks[hit], np.full(hit.sum(), row), "o", color=TRUTH, ms=9, label="takes an instance")
        above.plot(ranks[~hit], np.full((~hit).sum(), row), "x", color=FOUND, ms=8, mew=2, label="false positive")
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        wide = 1.6 + 1.6 * (count - 1 - row)  # where curves coincide, all are seen
        below.plot(recall, precision, marker, color=shade, ms=4 + wide)
        below.stairs(envelope[hit], np.append(0, recall[hit]), baseline=None, color=shade, lw=wide)
        below.plot([], [], marker + "-", color=shade, lw=wide, label=f"tIoU {tiou:g}: AP {ap:.2f}")
    above.set(ylim=(count - 0.5, -0.5), xticks=ranks, xlabel="rank of the detection")
    above.set_yticks(range(count), [f"tIoU {tiou:g}" for tiou in ranked.tious])
    below.set(xlim=(-0.02, 1.02), ylim=(-0.04, 1.06), xlabel="recall", ylabel="precision")
    below.grid(alpha=0.4)
    handles = [
        *dict(zip(*above.get_legend_handles_labels()[::-1], strict=True)).values(),
        *below.get_legend_handles_labels()[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    sns.despine(figure)
    return figure
