"""Scores -> detections: select classes, normalise, threshold, group, score, suppress, fuse. Pure NumPy.

Every method of the field runs these steps with other numbers, so the numbers are `Localize` in params.yaml and the steps
stand here once. Positions are *boundaries* on the (up-sampled) snippet grid until the last line turns them into seconds.
The post-processing of every method is a preset in params.yaml, held against its released code in tests/golden.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.record import Count, Index, NonNegative, Positive, Record, Share
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, VideoScores
from wstal.detect.watershed import group


class Classes(Record):
    """Which classes of a video are localized."""

    threshold: float  # keep a class whose video score is at least this
    fallback: Literal["none", "argmax"]  # when no class is kept: nothing, or the best one


class Thresholds(Record):
    """Where a class activation counts as action: strictly above each of the values."""

    kind: Literal["absolute", "range"]  # the values themselves, or fractions from the video's minimum to its maximum
    values: Annotated[tuple[float, ...], msgspec.Meta(min_length=1)]


class Scoring(Record):
    """Score of a proposal [s, e) of n positions: inner - outer_weight * outer + video_weight * video score."""

    track: Literal["activation", "weighted_logits"]  # what is averaged: the activation, or actionness * logits (STPN)
    inner: Literal["mean", "max"]
    inner_extra: Index  # positions after the proposal that count as inner (FAC-Net: 1)
    outer_ratio: NonNegative  # length of each outer part, as a share of n
    outer_weight: float
    outer_last: bool  # whether the last position can be outer (FAC-Net: false)
    outer_zeroed: bool  # means over the sequence with zeros below the threshold (BaS-Net), or over the sequence itself
    video_weight: float
    video_binary: bool  # the video score of a kept class counts as 1 (BaS-Net)


class Suppression(Record, omit_defaults=True):
    """Greedy non-maximum suppression within a class of a video.

    "remove": what overlaps a better segment by more than the threshold is removed. "demote": it stays, with its score times
    exp(-overlap² / sigma), and removes nothing itself (AICL). "gaussian": all stay; each segment in turn, the best of the rest
    first, lowers all of the rest by that factor, whatever the threshold (CO2-Net).
    """

    overlap: Literal["iou", "lower"]  # intersection over union, or over the length of the lower-scored segment (FAC-Net)
    threshold: NonNegative  # segments that overlap more than this are removed; 1 and above keeps all
    plus: NonNegative  # added to intersections and lengths, in `unit` (1 is a habit from pixels)
    unit: Literal["snippet", "second"]
    mode: Literal["remove", "demote", "gaussian"] = "remove"
    sigma: Positive = 0.3  # of demote and gaussian


class Localize(Record, omit_defaults=True):
    """The whole post-processing, one section of params.yaml."""

    classes: Classes
    upsample: Count  # linear interpolation to this many positions a snippet
    normalize: Literal["none", "minmax", "minmax_clip"]  # over time, each class apart
    thresholds: Thresholds
    grouping: tuple[Share, ...]  # close stretches make groups filled to these shares (TAG's watershed); none: no groups
    actionness_thresholds: tuple[float, ...]  # stretches of actionness above these: proposals of every kept class, too (UM)
    min_length: Count  # shortest proposal, in (up-sampled) positions
    extend_end: Index  # positions added to the end of each proposal (FAC-Net: 1)
    scoring: Scoring
    suppression: Suppression
    clip: bool  # cut segments at the ends of the video
    stream_scale: dict[str, float]  # factor on the scores of each stream before fusion
    fusion: Suppression  # suppression over the union of the streams
    min_length_after: NonNegative = 0.0  # shortest detection that suppression leaves, in snippets (DELU: 2)


class Proposals(msgspec.Struct, frozen=True):
    """Scored segments of one class of one video, in boundaries of the snippet grid: what may become detections.

    What suppression leaves of them are the detections, in the same columns.
    """

    start: np.ndarray  # (N,) float64
    end: np.ndarray  # (N,) float64
    score: np.ndarray  # (N,) float64

    def take(self, index: np.ndarray) -> "Proposals":
        """The rows `index` (K,), in that order."""
        return Proposals(self.start[index], self.end[index], self.score[index])


def localize(
    scores: Mapping[str, Mapping[str, VideoScores]],
    classes: Sequence[str],
    durations_s: Mapping[str, float],
    grid: TimeGrid,
    settings: Localize,
) -> Detections:
    """Detections of all videos, sorted by (-score, video, label, start).

    scores: {stream: {video: VideoScores}}; the streams are fused late, class by class. durations_s: {video: seconds}, which
    also says which videos there are.
    """
    videos = sorted(durations_s)
    found: list[tuple[int, int, Proposals]] = []  # of each video and class
    for v, name in enumerate(videos):
        streams = mix({stream: of_video[name] for stream, of_video in scores.items() if name in of_video}, settings.scoring)
        fused = fuse({stream: detect(one, grid, settings) for stream, one in streams.items()}, grid, settings)
        found += [(v, c, left) for c, left in fused.items()]
    counts = np.array([len(left.score) for _, _, left in found], dtype=int)
    video, label = (np.repeat(np.array([row[k] for row in found], dtype=np.int32), counts) for k in (0, 1))
    start, end, score = columns([left for _, _, left in found])
    start_s, end_s = grid.seconds(start), grid.seconds(end)
    if settings.clip:
        ends = np.array([durations_s[name] for name in videos])
        start_s, end_s = np.clip(start_s, 0, ends[video]), np.clip(end_s, 0, ends[video])
    order = np.lexsort((start_s, label, video, -score))
    return Detections(tuple(videos), tuple(classes), *(a[order] for a in (video, label, start_s, end_s, score)))


def mix(streams: dict[str, VideoScores], scoring: Scoring) -> dict[str, VideoScores]:
    """Where proposals are scored on logits, all streams of a video get the mean of theirs: both judge a proposal (STPN)."""
    if scoring.track == "activation":
        return streams
    every = [logits(scores) for scores in streams.values()]
    return {name: replace(scores, logits=np.mean(every, axis=0)) for name, scores in streams.items()}


def logits(scores: VideoScores) -> np.ndarray:
    """Raw class scores of each snippet, (T, C).

    Raises:
        UserError: there are none, as in the mean of several models' scores.
    """
    if scores.logits is None:
        raise UserError(
            "params.yaml: `scoring.track: weighted_logits` needs the logits of one model, which the mean scores of an "
            "ensemble lack; set it to activation."
        )
    return scores.logits


def detect(scores: VideoScores, grid: TimeGrid, settings: Localize) -> dict[int, Proposals]:
    """Detections of one stream in one video: {class index: what suppression leaves}."""
    found = {}
    actionness = upsample(scores.actionness, settings.upsample)
    weighted = settings.scoring.track == "weighted_logits"
    for label in keep_classes(scores.video_score, settings.classes):
        activation = upsample(normalize(scores.activation[:, label], settings.normalize), settings.upsample)
        track = upsample(scores.actionness * logits(scores)[:, label], settings.upsample) if weighted else activation
        video_score = float(scores.video_score[label])
        foreground = [scored(actionness > value, track, video_score, settings) for value in settings.actionness_thresholds]
        proposals = union([propose(activation, video_score, settings, track), *foreground])
        if len(proposals.score):
            left = suppressed(proposals, grid, settings.suppression)
            found[int(label)] = left.take(np.flatnonzero(left.end - left.start >= settings.min_length_after))
    return found


def keep_classes(video_score: np.ndarray, classes: Classes) -> np.ndarray:
    """Indices of the classes to localize: video_score (C,) -> (K,)."""
    kept = np.flatnonzero(video_score >= classes.threshold)
    if len(kept) == 0 and classes.fallback == "argmax":
        kept = np.array([np.argmax(video_score)])
    return kept


def normalize(activation: np.ndarray, kind: str) -> np.ndarray:
    """Min-max over time of (T,) or, each column apart, (T, C); the same shape, "none" leaves it as it is.

    As BaS-Net and UM do it: both extremes are first cut at zero; "minmax_clip" also cuts the result to [0, 1] (UM).
    """
    if kind == "none":
        return activation
    low, high = np.maximum(activation.min(0), 0), np.maximum(activation.max(0), 0)
    scaled = between(activation, low, high)
    return np.clip(scaled, 0, 1) if kind == "minmax_clip" else scaled


def between(values: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Values (N, ...) on the scale from low (0) to high (1), both (...); where these are equal, `low` becomes 0."""
    return (values - low) / np.where(high > low, high - low, 1)


def upsample(activation: np.ndarray, factor: int) -> np.ndarray:
    """Linear interpolation of (T,) or (T, C) at i / factor for i < T * factor, continued past the last snippet."""
    length = len(activation)
    if factor == 1 or length == 1:
        return np.repeat(activation, factor, axis=0)
    position = np.arange(length * factor) / factor
    left = np.minimum(position.astype(int), length - 2)
    share = (position - left).reshape((-1,) + (1,) * (activation.ndim - 1))
    return activation[left] + share * (activation[left + 1] - activation[left])


def propose(activation: np.ndarray, video_score: float, settings: Localize, track: np.ndarray | None = None) -> Proposals:
    """Proposals for a class at all thresholds of its activation (L,), scored on `track` (L,) or, without one, on itself.

    They are in boundaries of the snippet grid, and not yet suppressed.
    """
    activation = np.asarray(activation, dtype=np.float64)
    track = activation if track is None else track
    parts = []
    for value in settings.thresholds.values:
        threshold = value if settings.thresholds.kind == "absolute" else activation.min() + value * np.ptp(activation)
        sequence = np.where(activation > threshold, track, 0.0) if settings.scoring.outer_zeroed else track
        parts.append(scored(activation > threshold, sequence, video_score, settings))
    return union(parts)


def scored(above: np.ndarray, sequence: np.ndarray, video_score: float, settings: Localize) -> Proposals:
    """Proposals from the stretches of `above` (L,): grouped, long enough, and scored on `sequence` (L,).

    They are in boundaries of the snippet grid.
    """
    starts, ends = group(*stretches(above), settings.grouping)
    long = ends - starts >= settings.min_length
    starts, ends = starts[long], ends[long]
    score = contrast(sequence, starts, ends, video_score, settings.scoring)
    return Proposals(starts / settings.upsample, (ends + settings.extend_end) / settings.upsample, score)


def union(parts: Sequence[Proposals]) -> Proposals:
    """All proposals, one part after the other; of no part, none."""
    return Proposals(*columns(parts))


def columns(parts: Sequence[Proposals]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Start, end and score (N,) of all proposals, one part after the other."""
    start, end, score = (np.concatenate([[], *(getattr(part, name) for part in parts)]) for name in ("start", "end", "score"))
    return start, end, score


def stretches(above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximal stretches [s, e) of True: (L,) bool -> starts (N,), ends (N,)."""
    padded = np.concatenate([[False], above, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return edges[::2], edges[1::2]


def contrast(sequence: np.ndarray, start: np.ndarray, end: np.ndarray, video_score: float, scoring: Scoring) -> np.ndarray:
    """Outer-inner contrast of proposals [start, end), both (N,), in `sequence` (L,) -> (N,). Empty outer parts count as 0."""
    length, n = len(sequence), end - start
    total = np.concatenate([[0.0], np.cumsum(sequence)])
    inner_end = np.minimum(end + scoring.inner_extra, length)
    if scoring.inner == "mean":
        inner = (total[inner_end] - total[start]) / np.maximum(inner_end - start, 1)
    else:
        inner = np.array([sequence[s:e].max() for s, e in zip(start, inner_end, strict=True)])
    left = np.maximum((start - scoring.outer_ratio * n).astype(int), 0)
    first = end + scoring.inner_extra
    right = np.minimum((first + scoring.outer_ratio * n).astype(int), length - (not scoring.outer_last))
    first, right = np.minimum(first, length), np.maximum(right, np.minimum(first, length))
    size = (start - left) + (right - first)
    outer = (total[start] - total[left] + total[right] - total[first]) / np.maximum(size, 1)
    return inner - scoring.outer_weight * outer + scoring.video_weight * (1.0 if scoring.video_binary else video_score)


def suppressed(proposals: Proposals, grid: TimeGrid, suppression: Suppression) -> Proposals:
    """What suppression leaves of proposals, in the order of `suppress`, with its scores."""
    left, score = suppress(proposals, grid, suppression)
    return Proposals(proposals.start[left], proposals.end[left], score)


def suppress(proposals: Proposals, grid: TimeGrid, suppression: Suppression) -> tuple[np.ndarray, np.ndarray]:
    """Indices (K,) that suppression leaves and their scores (K,) after it; equal scores in the order (start, end).

    The best are first, but for "gaussian", where the order is that in which they lowered others.
    """
    unit, plus = 1.0 if suppression.unit == "snippet" else grid.step_s, suppression.plus
    start, end, threshold = proposals.start * unit, proposals.end * unit, suppression.threshold
    if suppression.mode == "remove":
        kept = nms(start, end, proposals.score, threshold, overlap=suppression.overlap, plus=plus)
        return kept, proposals.score[kept]
    soft = demote if suppression.mode == "demote" else gaussian
    return soft(start, end, proposals.score, suppression)


def nms(start: np.ndarray, end: np.ndarray, score: np.ndarray, threshold: float, *, overlap: str, plus: float) -> np.ndarray:
    """Greedy suppression by the rules of `Suppression`. start, end, score (N,) -> kept indices (K,), best first."""
    order = np.lexsort((end, start, -score))
    kept = []
    while len(order):
        best, rest = order[0], order[1:]
        kept.append(best)
        shared, length = common(start, end, best, rest, overlap, plus)
        order = rest[shared <= threshold * length]
    return np.array(kept, dtype=int)


def common(
    start: np.ndarray, end: np.ndarray, best: int, rest: np.ndarray, overlap: str, plus: float
) -> tuple[np.ndarray, np.ndarray]:
    """What segments `rest` (R,) have in common with the segment `best`, and the length whose share that is: two (R,)."""
    shared = np.maximum(np.minimum(end[best], end[rest]) - np.maximum(start[best], start[rest]) + plus, 0)
    length = end[rest] - start[rest] + plus
    if overlap == "iou":
        length = length + (end[best] - start[best] + plus) - shared
    return shared, length


def demote(start: np.ndarray, end: np.ndarray, score: np.ndarray, suppression: Suppression) -> tuple[np.ndarray, np.ndarray]:
    """As `nms`, but what it removes follows with a lower score: start, end, score (N,) -> all indices, scores (N,)."""
    order, score = np.lexsort((end, start, -score)), score.copy()
    while len(order):
        best, rest = order[0], order[1:]
        shared, length = common(start, end, best, rest, suppression.overlap, suppression.plus)
        below = shared > suppression.threshold * length
        score[rest[below]] *= np.exp(-((shared[below] / length[below]) ** 2) / suppression.sigma)
        order = rest[~below]
    order = np.lexsort((end, start, -score))
    return order, score[order]


def gaussian(start: np.ndarray, end: np.ndarray, score: np.ndarray, suppression: Suppression) -> tuple[np.ndarray, np.ndarray]:
    """Soft suppression of all by all: start, end, score (N,) -> all indices, as they lowered others, and scores (N,)."""
    rest, score, order = np.lexsort((end, start)), score.copy(), []
    while len(rest):
        first = np.argmax(score[rest])
        best, rest = rest[first], np.delete(rest, first)
        order.append(best)
        shared, length = common(start, end, best, rest, suppression.overlap, suppression.plus)
        score[rest] *= np.exp(-((shared / length) ** 2) / suppression.sigma)
    found = np.array(order, dtype=int)
    return found, score[found]


def fuse(streams: Mapping[str, dict[int, Proposals]], grid: TimeGrid, settings: Localize) -> dict[int, Proposals]:
    """Class-wise union over the streams, scores scaled, then suppression; a stream alone passes through unchanged."""
    if len(streams) == 1:
        return next(iter(streams.values()))
    fused = {}
    for label in sorted({label for found in streams.values() for label in found}):
        parts = [(settings.stream_scale[name], found[label]) for name, found in streams.items() if label in found]
        every = union([Proposals(part.start, part.end, scale * part.score) for scale, part in parts])
        fused[label] = suppressed(every, grid, settings.fusion)
    return fused
