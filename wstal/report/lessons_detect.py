"""From scores to detections in small pictures: thresholds and proposals, outer-inner contrast, non-maximum suppression.

Each lesson is a function that returns numbers, computed by wstal/detect/localize.py, and one that draws them. Positions are
boundaries in snippets: a proposal [2, 5) covers the snippets 2, 3 and 4. The pictures show a tiny case in
notebooks/00_tour.ipynb and a trained run in notebooks/00_localize.ipynb.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.base.timegrid import TimeGrid
from wstal.detect import localize
from wstal.detect.localize import Proposals, Scoring, Suppression
from wstal.evaluation.matching import Segments, overlap
from wstal.report.lessons import HATCH, WIDTH, steps, unit
from wstal.report.plots import ACTION, FOUND, INK, blend, legend, rescale


@dataclass(frozen=True)
class Thresholded:
    """Stretches of a curve above each of several thresholds, in positions of the curve."""

    curve: np.ndarray  # (L,)
    thresholds: tuple[float, ...]
    stretches: tuple[np.ndarray, ...]  # of each threshold (N, 2): start, end


def threshold(curve: np.ndarray, thresholds: Sequence[float]) -> Thresholded:
    """Where a curve (L,) lies above each threshold."""
    stretches = tuple(np.stack(localize.stretches(curve > value), axis=1) for value in thresholds)
    return Thresholded(curve, tuple(thresholds), stretches)


def draw_threshold(lesson: Thresholded, edges: np.ndarray | None = None) -> Figure:
    """The curve with the thresholds above, the stretches of each threshold below; edges (L + 1,) boundaries in seconds."""
    place = np.arange(len(lesson.curve) + 1) if edges is None else edges
    count = len(lesson.thresholds)
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(WIDTH, 2.7 + 0.22 * count), layout="constrained", sharex=True, height_ratios=(2, 0.35 + 0.22 * count)
    )
    steps(above, lesson.curve, edges, color=ACTION, lw=1.6)
    for row, (value, stretches) in enumerate(zip(lesson.thresholds, lesson.stretches, strict=True)):
        above.axhline(value, color=INK, lw=1, ls="--")
        start, end = place[stretches.T]
        below.barh(np.full(len(stretches), row), end - start, left=start, height=0.6, color=FOUND)
    above.set(title="class score and thresholds")
    below.set(title="stretches above each threshold", xlabel=unit(edges), ylim=(-0.6, count - 0.4))
    below.set_yticks(range(count), [f"> {value:g}" for value in lesson.thresholds])
    sns.despine(figure)
    return figure


@dataclass(frozen=True)
class Contrasted:
    """Outer-inner contrast of N proposals in a curve: score = inner - outer + video."""

    curve: np.ndarray  # (L,)
    start: np.ndarray  # (N,) positions
    end: np.ndarray  # (N,)
    weight: np.ndarray  # (N, L) what a position adds to the score, per unit: positive inside, negative outside
    video: np.ndarray  # (N,) what the video-level score adds
    score: np.ndarray  # (N,)

    @property
    def inner(self) -> np.ndarray:
        """What the inside adds: (N,)."""
        return (np.maximum(self.weight, 0) * self.curve).sum(1)

    @property
    def outer(self) -> np.ndarray:
        """What the outside takes off: (N,)."""
        return (np.maximum(-self.weight, 0) * self.curve).sum(1)


def scoring(outer_ratio: float, outer_weight: float) -> Scoring:
    """Mean inside minus `outer_weight` times the mean outside, nothing else."""
    return Scoring(
        track="activation", inner="mean", inner_extra=0, outer_ratio=outer_ratio, outer_weight=outer_weight, outer_last=True,
        outer_zeroed=False, video_weight=0.0, video_binary=False,
    )  # fmt: skip


def contrast(
    curve: np.ndarray, start: Sequence[int], end: Sequence[int], scoring: Scoring, video_score: float = 0.0
) -> Contrasted:
    """Scores of proposals [start, end) in a curve (L,), and the weight of each position in them.

    With the mean as `inner` a score is linear in the curve, so a weight is what a curve adds that is 1 at one position.
    """
    segments = np.asarray(start), np.asarray(end)
    video = localize.contrast(np.zeros(len(curve)), *segments, video_score, scoring)
    weight = np.stack([localize.contrast(one, *segments, video_score, scoring) - video for one in np.eye(len(curve))], axis=1)
    return Contrasted(curve, *segments, weight, video, localize.contrast(curve, *segments, video_score, scoring))


def draw_contrast(lesson: Contrasted, edges: np.ndarray | None = None) -> Figure:
    """A panel a proposal: inside in colour, outside hatched, and the score above; edges (L + 1,) boundaries in seconds."""
    place = np.arange(len(lesson.curve) + 1) if edges is None else edges
    count = len(lesson.score)
    figure, axes = plt.subplots(
        count, 1, figsize=(WIDTH, 0.7 + 1.35 * count), layout="constrained", sharex=True, sharey=True, squeeze=False
    )
    parts = zip(axes[:, 0], lesson.start, lesson.end, lesson.weight, terms(lesson), strict=True)
    for axis, start, end, weight, text in parts:
        steps(axis, lesson.curve, edges, color=ACTION, lw=1.6)
        steps(axis, np.where(weight > 0, lesson.curve, 0), edges, color=ACTION, fill=True, alpha=0.4, label="inside")
        steps(axis, np.where(weight < 0, lesson.curve.max(), 0), edges, fill=True, **HATCH, label="outside")
        axis.set_title(f"proposal [{place[start]:.3g}, {place[end]:.3g}): {text}")
    axes[-1, 0].set_xlabel(unit(edges))
    legend(figure, axes[0, 0])
    sns.despine(figure)
    return figure


def terms(lesson: Contrasted) -> list[str]:
    """The sum that makes each score, in words; the video-level score only where it adds something."""
    parts = zip(lesson.inner, lesson.outer, lesson.video, lesson.score, strict=True)
    return [
        f"{inner:.2f} inside − {outer:.2f} outside{f' + {video:.2f} video' if video else ''} = {score:.2f}"
        for inner, outer, video, score in parts
    ]


@dataclass(frozen=True)
class Suppressed:
    """Proposals after greedy non-maximum suppression."""

    proposals: Proposals  # N, best first
    kept: np.ndarray  # (N,) bool
    by: np.ndarray  # (N,) index of the kept proposal that removed this one, its own for a kept one
    tiou: np.ndarray  # (N,) with the proposal `by`


def suppress(proposals: Proposals, grid: TimeGrid, suppression: Suppression) -> Suppressed:
    """What `localize.suppress` keeps, and which kept proposal removed each of the others: the best that alone would, too."""
    proposals = proposals.take(np.lexsort((proposals.end, proposals.start, -proposals.score)))
    every = np.arange(len(proposals.score))
    best, _ = localize.suppress(proposals, grid, suppression)
    kept = np.isin(every, best)
    pairs = [[proposals.take(np.array([j, i])) for j in best] for i in every]
    removes = [[len(localize.suppress(pair, grid, suppression)[0]) == 1 for pair in row] for row in pairs]
    by = np.array([i if kept[i] else best[removes[i].index(True)] for i in every], dtype=int)
    segments = Segments(np.zeros_like(every), np.zeros_like(every), proposals.start, proposals.end)
    return Suppressed(proposals, kept, by, overlap(segments, segments, every, by, 0.0))


def draw_suppress(lesson: Suppressed, grid: TimeGrid | None = None, most: int = 12) -> Figure:
    """The `most` best proposals, best first: the kept ones filled, the others hollow with the rank of what removed them.

    With a time grid the axis is in seconds, without one in snippets.
    """
    shown = min(most, len(lesson.kept))
    figure, axis = plt.subplots(figsize=(WIDTH, 1.2 + 0.27 * shown), layout="constrained")
    best = lesson.proposals.take(np.arange(shown))
    start, end = (place if grid is None else grid.seconds(place) for place in (best.start, best.end))
    for row, strength in enumerate(rescale(best.score) if shown else []):
        kept = lesson.kept[row]
        look = {"color": blend(FOUND, 0.3 + 0.7 * strength)} if kept else {"color": "white", "edgecolor": INK, "ls": "--"}
        axis.barh(row, end[row] - start[row], left=start[row], height=0.62, **look)
        text = f"{best.score[row]:.2f} kept" if kept else f"removed by {lesson.by[row] + 1}, tIoU {lesson.tiou[row]:.2f}"
        axis.annotate(text, (1.01, row), xycoords=("axes fraction", "data"), va="center", size="small", color=INK)
    axis.set_yticks(range(shown), [str(row + 1) for row in range(shown)])
    axis.set(xlim=(0, None), ylim=(max(shown, 1) - 0.5, -0.5), xlabel="snippet" if grid is None else "time (s)", ylabel="rank")
    axis.set_title(f"{lesson.kept.sum()} of {len(lesson.kept)} proposals are kept")
    sns.despine(figure)
    return figure
