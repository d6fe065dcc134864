"""One video of a trained run, step by step from its scores to its detections: what notebooks/00_localize.ipynb opens and draws.

The steps themselves are functions of wstal/detect/localize.py, which the notebook calls one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.detect.localize import Proposals
from wstal.evaluation.judging import Judging
from wstal.report.lessons import WIDTH, steps
from wstal.report.plots import ACTION, FOUND, INK, PALE, TRUTH, blend, rescale
from wstal.report.qualitative import choose, one_video
from wstal.report.qualitative import row as first
from wstal.report.tables import Table
from wstal.training import experiment
from wstal.training.experiment import Run
from wstal.training.predict import predict


@dataclass(frozen=True)
class OpenVideo:
    """A test video as localization sees it, and the truth that it does not see."""

    id: str
    classes: tuple[str, ...]
    label: int  # the class that is looked at
    scores: dict[str, VideoScores]  # of each network
    truth: np.ndarray  # (M, 2) start_s, end_s of the instances of the class
    grid: TimeGrid

    def edges(self, factor: int) -> np.ndarray:
        """Boundaries in seconds of a curve with `factor` positions a snippet: (T * factor + 1,)."""
        length = len(next(iter(self.scores.values())).actionness)
        return self.grid.seconds(np.arange(length * factor + 1) / factor)


def open_video(judging: Judging[Run], row: str, label: str, rule: str) -> OpenVideo:
    """The video that `qualitative.choose` picks by class and rule, with the scores of every network of a row's first seed."""
    run = first(judging, row)
    truth = judging.truth_of(run)
    name = choose(judging, label, rule)
    inside = (truth.video == truth.videos.index(name)) & (truth.label == truth.labels.index(label))
    bags = {network: one_video(run, network, name) for network in run.networks}
    scores = {network: predict(experiment.load(run, network), one)[name] for network, one in bags.items()}
    truth_s = np.stack([truth.start_s[inside], truth.end_s[inside]], axis=1)
    return OpenVideo(name, truth.labels, truth.labels.index(label), scores, truth_s, next(iter(bags.values())).grid)


def draw_classes(video_score: np.ndarray, classes: Sequence[str], kept: np.ndarray, threshold: float, most: int = 8) -> Figure:
    """Video-level scores (C,) of the `most` likely classes against the threshold; kept (K,) class indices in colour."""
    best = np.argsort(-video_score, kind="stable")[:most]
    figure, axis = plt.subplots(figsize=(WIDTH, 1.0 + 0.26 * len(best)), layout="constrained")
    colors = [ACTION if label in kept else PALE for label in best]
    axis.barh(range(len(best)), video_score[best], color=colors, height=0.65)
    axis.axvline(threshold, color=INK, lw=1.2, ls="--")
    axis.set_yticks(range(len(best)), [classes[label] for label in best])
    axis.set(ylim=(len(best) - 0.5, -0.5), xlabel=f"video-level score, threshold {threshold:g} dashed")
    sns.despine(figure)
    return figure


def draw_curves(curves: Mapping[str, np.ndarray], video: OpenVideo) -> Figure:
    """Curves (L,) of one class, a panel each, with the instances of the video; L is a multiple of the number of snippets."""
    figure, axes = plt.subplots(
        len(curves), 1, figsize=(WIDTH, 0.6 + 1.2 * len(curves)), layout="constrained", sharex=True, squeeze=False
    )
    for axis, (title, curve) in zip(axes[:, 0], curves.items(), strict=True):
        for start, end in video.truth:
            axis.axvspan(start, end, color=TRUTH, alpha=0.22, lw=0)
        steps(axis, curve, video.edges(len(curve) // (len(video.edges(1)) - 1)), color=ACTION, lw=1.4)
        axis.set_title(title)
    axes[-1, 0].set_xlabel("time (s), ground truth in green")
    sns.despine(figure)
    return figure


def draw_streams(streams: Mapping[str, Proposals], video: OpenVideo) -> Figure:
    """Detections of each stream, a row each, darker for a higher score within the row, with the instances of the video."""
    figure, axis = plt.subplots(figsize=(WIDTH, 1.0 + 0.42 * len(streams)), layout="constrained")
    for start, end in video.truth:
        axis.axvspan(start, end, color=TRUTH, alpha=0.22, lw=0)
    for row, found in enumerate(streams.values()):
        order = np.argsort(found.score, kind="stable")  # the best one last, above the others
        start, end = video.grid.seconds(found.start[order]), video.grid.seconds(found.end[order])
        colors = [blend(FOUND, 0.15 + 0.85 * share) for share in rescale(found.score[order])]
        axis.barh(np.full(len(order), row), end - start, left=start, height=0.6, color=colors, edgecolor="white", lw=0.5)
    axis.set_yticks(range(len(streams)), [f"{name}: {len(found.score)}" for name, found in streams.items()])
    edges = video.edges(1)
    axis.set(ylim=(len(streams) - 0.4, -0.6), xlim=(edges[0], edges[-1]), xlabel="time (s), ground truth in green")
    sns.despine(figure)
    return figure


def table(found: Proposals, video: OpenVideo, most: int = 5) -> Table:
    """The `most` best detections, times in seconds."""
    order = np.argsort(-found.score, kind="stable")[:most]
    times = np.stack([video.grid.seconds(found.start), video.grid.seconds(found.end), found.score], axis=1)
    rows = tuple((str(rank + 1), *(f"{value:.2f}" for value in times[i])) for rank, i in enumerate(order))
    caption = f"{min(most, len(order))} of {len(found.score)} detections of {video.classes[video.label]} in {video.id}."
    return Table("Best detections", caption, ("rank", "start (s)", "end (s)", "score"), rows)
