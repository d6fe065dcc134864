"""Several models -> one: the mean of their scores, or the union of their detections. Pure NumPy; reaches no segment time.

A model is anything with scores or detections of its own: another method, backbone, stream, seed. Models may differ in their
time grids and in the scale of their scores, so each is first brought to a common grid and, where asked for, a common scale.
Only the proportions of weights matter, and a model of weight 0 is not looked at.

    combine: scores      mean scores, localized once by localize.py: what LGBM-Net's report calls ensemble, as we read it
    combine: detections  each model localizes by itself, then suppression over all they found
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from wstal.base.errors import UserError
from wstal.base.record import NonNegative, Record
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, VideoScores
from wstal.detect.detections import places
from wstal.detect.localize import between, nms

Normalization = Literal["none", "minmax", "softmax"]


class Ensemble(Record, tag_field="combine"):
    """A section of params.yaml; `combine` says which kind it is."""

    weights: dict[str, NonNegative]  # of each model


class ScoreMean(Ensemble, tag="scores"):
    """Mean of the models' scores. Each model is scaled by itself, before the mean."""

    grid: TimeGrid  # of the mean
    activation: Normalization  # minmax: over the snippets of a video, each class apart; softmax: over the classes of a snippet
    actionness: Literal["none", "minmax"]  # over the snippets of a video
    video_score: Normalization  # over the classes of a video


class DetectionUnion(Ensemble, tag="detections"):
    """Union of the models' detections, then suppression within each class of each video."""

    score: Literal["none", "minmax", "rank"]  # over a model's detections: from 0 to 1, or the share that score no higher
    overlap: Literal["iou", "lower"]  # intersection over union, or over the length of the lower-scored segment
    threshold: NonNegative  # segments that overlap more than this are removed; 1 and above keeps all


Combination = ScoreMean | DetectionUnion


def average(
    scores: Mapping[str, Mapping[str, VideoScores]], grids: Mapping[str, TimeGrid], combination: ScoreMean
) -> dict[str, VideoScores]:
    """Mean scores of every video on `combination.grid`, as long as the longest model. scores: {model: {video: VideoScores}}.

    Raises:
        UserError: the weights name other models than there are, or a model lacks a video or a class of the others.
    """
    share = shares(combination.weights, scores)
    models = {model: scores[model] for model in share}
    check_alike(models)
    mean = {}
    for video in next(iter(models.values())):
        parts = {model: scaled(found[video], combination) for model, found in models.items()}
        length = max(covered(len(part.actionness), grids[model], combination.grid) for model, part in parts.items())
        aligned = [(share[model], align(part, grids[model], combination.grid, length)) for model, part in parts.items()]
        mean[video] = VideoScores(
            activation=weighted([(weight, part.activation) for weight, part in aligned]),
            video_score=weighted([(weight, part.video_score) for weight, part in aligned]),
            actionness=weighted([(weight, part.actionness) for weight, part in aligned]),
        )
    return mean


def weighted(parts: Sequence[tuple[float, np.ndarray]]) -> np.ndarray:
    """Sum of arrays of one shape (...), each times its weight -> (...)."""
    return sum((weight * values for weight, values in parts), start=np.zeros(()))


def shares(weights: Mapping[str, float], models: Mapping[str, object]) -> dict[str, float]:
    """Weights over their sum, without models of weight 0.

    Raises:
        UserError: the weights name other models than there are, or all are 0.
    """
    if set(weights) != set(models):
        raise UserError(
            f"params.yaml: an ensemble weighs {', '.join(sorted(weights)) or 'no model'}, but its models are "
            f"{', '.join(sorted(models)) or 'none'}; give each model a weight, 0 leaves it out."
        )
    total = sum(weights.values())
    if not total > 0:
        raise UserError(f"params.yaml: the weights of {', '.join(sorted(weights)) or 'an ensemble'} are all 0; raise one.")
    return {model: weights[model] / total for model in models if weights[model]}


def check_alike(models: Mapping[str, Mapping[str, VideoScores]]) -> None:
    """Raise a UserError unless all models have scores of the same videos and classes.

    Raises:
        UserError: a model lacks a video of another one, or scores another number of classes.
    """
    first, *others = models
    for other in others:
        if odd := sorted(set(models[first]) ^ set(models[other])):
            raise UserError(
                f"of models {first!r} and {other!r} one alone has scores of video {odd[0]!r}; predict it with both."
            )
        for video, one in models[first].items():
            sizes = len(one.video_score), len(models[other][video].video_score)
            if sizes[0] != sizes[1]:
                raise UserError(
                    f"models {first!r} and {other!r} score {sizes[0]} and {sizes[1]} classes in video {video!r}; "
                    "an ensemble needs models of one dataset."
                )


def scaled(scores: VideoScores, combination: ScoreMean) -> VideoScores:
    """One model's scores of a video on the scales that `combination` asks for."""
    over: dict[str, Callable[[np.ndarray], np.ndarray]] = {"none": np.asarray, "minmax": minmax, "softmax": softmax}
    return VideoScores(
        activation=over[combination.activation](scores.activation),
        video_score=over[combination.video_score](scores.video_score),
        actionness=over[combination.actionness](scores.actionness),
    )


def minmax(values: np.ndarray) -> np.ndarray:
    """Values (N, ...) from 0 at the lowest to 1 at the highest along the first axis; what is constant becomes 0."""
    return between(values, values.min(0), values.max(0))


def softmax(values: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, the classes: (..., C) -> (..., C)."""
    powers = np.exp(values - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def covered(snippets_t: int, source: TimeGrid, target: TimeGrid) -> int:
    """How many snippets of `target` the time takes that `snippets_t` of `source` cover, at least one."""
    return max(int(np.rint(target.snippets(source.seconds(snippets_t)))), 1)


def align(scores: VideoScores, source: TimeGrid, target: TimeGrid, length: int) -> VideoScores:
    """Scores on the first `length` snippets of the grid `target`; the video score is of no time."""
    return VideoScores(
        activation=resample(scores.activation, source, target, length),
        video_score=scores.video_score,
        actionness=resample(scores.actionness, source, target, length),
    )


def resample(values: np.ndarray, source: TimeGrid, target: TimeGrid, length: int) -> np.ndarray:
    """Linear interpolation between snippet centres, constant beyond the outer ones: (T, ...) -> (length, ...)."""
    known_s, wanted_s = source.seconds(np.arange(len(values)) + 0.5), target.seconds(np.arange(length) + 0.5)
    return np.apply_along_axis(lambda column: np.interp(wanted_s, known_s, column), 0, values)


def fuse(found: Mapping[str, Detections], combination: DetectionUnion) -> Detections:
    """Union of the models' detections {model: Detections}, sorted by (-score, video, label, start).

    Scores are multiplied by the model's weight over the largest weight, which lowers them unless they are negative: scale
    scores of unequal weights by "minmax" or "rank".

    Raises:
        UserError: the weights name other models than there are.
    """
    share = shares(combination.weights, found)
    models = [found[model] for model in share]
    top = max(share.values())
    score = np.concatenate([share[model] / top * rescaled(found[model].score, combination.score) for model in share])
    videos, video = merged([one.videos for one in models], [one.video for one in models])
    labels, label = merged([one.labels for one in models], [one.label for one in models])
    start_s, end_s = (np.concatenate([getattr(one, name) for one in models]) for name in ("start_s", "end_s"))
    kept = [
        rows[nms(start_s[rows], end_s[rows], score[rows], combination.threshold, overlap=combination.overlap, plus=0.0)]
        for rows in groups(video, label)
    ]
    rows = np.concatenate(kept)
    rows = rows[np.lexsort((start_s[rows], label[rows], video[rows], -score[rows]))]
    return Detections(videos, labels, *(column[rows] for column in (video, label, start_s, end_s, score)))


def groups(video: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    """Rows (K,) of each class of each video, given both indices of all rows (N,); of no row, one empty group."""
    rows = np.lexsort((label, video))
    return np.split(rows, np.flatnonzero(np.diff(video[rows]) | np.diff(label[rows])) + 1)


def rescaled(score: np.ndarray, scale: str) -> np.ndarray:
    """Scores of one model on a common scale, (N,) -> (N,); their order stays."""
    if scale == "none" or not len(score):
        return score
    if scale == "minmax":
        return minmax(score)
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    return np.cumsum(count)[place] / len(score)


def merged(names: list[tuple[str, ...]], index: list[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """All names once, in order of appearance, and the models' indices into them, joined: of each (N,) -> (sum of N,) int32."""
    every = tuple(dict.fromkeys(name for own in names for name in own))
    parts = [places(own, every)[i] for own, i in zip(names, index, strict=True)]
    return every, np.concatenate(parts).astype(np.int32)
