"""Figures of the rows of an entry: beside published values, under several groups of the metrics, over tIoU."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.evaluation.metrics import Metrics
from wstal.published import AVERAGE
from wstal.report.plots import FOREGROUND, FOUND, INK, MARKERS, head, legend


def average(metrics: Metrics) -> str:
    """The name of an axis of average mAP."""
    return f"average mAP, mean over {len(metrics.tious)} tIoUs from {metrics.tious[0]:g} to {metrics.tious[-1]:g} (%)"


@dataclass(frozen=True)
class Dots:
    """Average mAP of one row, percent."""

    label: str
    seeds: np.ndarray  # (S,)
    published: float | None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return self.seeds.mean()


@dataclass(frozen=True)
class BesidePublished:
    """A dot for each seed, a diamond for their mean, a bar for the published value; the first row uppermost."""

    title: str
    axis: str
    dataset: str
    rows: tuple[Dots, ...]

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(7, 1.35 + 0.27 * len(self.rows)), layout="constrained")
        for y, row in enumerate(self.rows):
            heights, name = np.full(len(row.seeds), y), f"each seed on {self.dataset}"
            axis.plot(row.seeds, heights, ".", color=FOREGROUND, alpha=0.45, label=name)
            axis.plot(row.mean, y, "D", color=FOREGROUND, label="mean")
            if row.published is not None:
                axis.plot(row.published, y, "|", ms=13, mew=2.5, color=FOUND, label="published, on the paper's features")
        axis.set_yticks(range(len(self.rows)), [row.label for row in self.rows])
        axis.set_ylim(len(self.rows) - 0.5, -0.5)
        axis.set_xlabel(self.axis)
        axis.grid(axis="x", alpha=0.4)
        legend(figure, axis)
        head(figure, self.title)
        sns.despine(figure)
        return figure


def beside_published(metrics: Metrics) -> BesidePublished:
    """Average mAP of every row: the paper's value and each seed."""
    rows = tuple(
        Dots(
            published.label(metrics.entry, row),
            metrics.average(row),
            published.values(metrics.entry, row).get(AVERAGE),
        )
        for row in metrics.rows
    )
    return BesidePublished(published.entry(metrics.entry).title, average(metrics), metrics.dataset, rows)


@dataclass(frozen=True)
class Variants:
    """A marker a group in every row. Groups lie apart within a row, the first one uppermost: many have one value."""

    title: str
    axis: str
    labels: tuple[str, ...]  # of the R rows, the first uppermost
    groups: dict[str, np.ndarray]  # group -> average mAP of the rows (R,), percent

    def draw(self) -> Figure:
        """The figure."""
        rows = len(self.labels)
        figure, axis = plt.subplots(figsize=(8.5, 1.2 + 0.6 * rows), layout="constrained")
        places = np.linspace(-0.33, 0.33, len(self.groups)) if len(self.groups) > 1 else np.zeros(1)
        for (group, means), place, marker in zip(self.groups.items(), places, cycle(MARKERS), strict=False):
            axis.plot(means, np.arange(rows) + place, marker, ms=6, label=group)
        axis.set_yticks(range(rows), self.labels)
        axis.set_ylim(rows - 0.5, -0.5)
        axis.hlines(np.arange(1, rows) - 0.5, 0, 1, transform=axis.get_yaxis_transform(), color=INK, alpha=0.15, lw=1)
        axis.set_xlabel(self.axis)
        axis.grid(axis="x", alpha=0.4)
        legend(figure, axis, "outside right upper", 1)
        head(figure, self.title)
        sns.despine(figure)
        return figure


def variants(metrics: Metrics, groups: Sequence[str]) -> Variants:
    """Average mAP of every row under several groups of the metrics; means over the seeds."""
    return Variants(
        f"{published.entry(metrics.entry).title}, on {metrics.dataset}",
        f"{average(metrics)}, mean over seeds",
        tuple(published.label(metrics.entry, row) for row in metrics.rows),
        {group: np.array([metrics.average(row, group).mean() for row in metrics.rows]) for group in groups},
    )


@dataclass(frozen=True)
class Curve:
    """mAP of one row at K tIoUs, percent."""

    label: str
    mean: np.ndarray  # (K,) over the seeds
    spread: np.ndarray  # (K,) one standard deviation over the seeds; 0 for a single one


@dataclass(frozen=True)
class Curves:
    """A line a row over tIoU, with a band of its spread."""

    title: str
    axis: str
    tious: tuple[float, ...]
    rows: tuple[Curve, ...]

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
        for row, marker in zip(self.rows, cycle(MARKERS), strict=False):
            (line,) = axis.plot(self.tious, row.mean, marker=marker, ms=5, label=row.label)
            band = row.mean - row.spread, row.mean + row.spread
            axis.fill_between(self.tious, *band, color=line.get_color(), alpha=0.15, lw=0)
        axis.set(xlabel="tIoU", ylabel=self.axis, ylim=(0, None), xticks=self.tious)
        legend(figure, axis, columns=2)
        head(figure, self.title)
        sns.despine(figure)
        return figure


def curves(metrics: Metrics, rows: Sequence[str], title: str) -> Curves:
    """mAP over tIoU of those of `rows` that were run."""
    lines = []
    for row in (row for row in rows if row in metrics.rows):
        values = metrics.curve(row)
        spread = values.std(0, ddof=1) if len(values) > 1 else np.zeros(len(metrics.tious))
        lines.append(Curve(published.label(metrics.entry, row), values.mean(0), spread))
    return Curves(title, f"mAP (%) on {metrics.dataset}", tuple(metrics.tious), tuple(lines))
