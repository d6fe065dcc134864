"""Figures of the rows of an entry: beside published values, under several groups of the metrics, over tIoU."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.evaluation.metrics import Metrics
from wstal.published import AVERAGE, originals
from wstal.report import naming
from wstal.report.plots import FOREGROUND, FOUND, INK, MARKERS, head, legend


def average(metrics: Metrics) -> str:
    """The name of an axis of average mAP."""
    made = ", simulated" if originals.is_simulated(metrics.dataset) else ""
    return f"average mAP{made}, mean over {len(metrics.tious)} tIoUs from {metrics.tious[0]:g} to {metrics.tious[-1]:g} (%)"


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
class RowsPanel:
    """Some rows of an entry, the first one uppermost."""

    title: str  # what their names begin with; empty where all rows stand in one panel
    rows: tuple[Dots, ...]


@dataclass(frozen=True)
class BesidePublished:
    """A dot for each seed, a diamond for their mean, a bar for the published value.

    What a paper prints of another dataset has an axis of its own, beside ours; of several panels, below them.
    """

    title: str
    axis: str
    dataset: str  # as a sentence names it
    original: str | None  # the dataset that published values are of, where it is another one
    panels: tuple[RowsPanel, ...]

    def draw(self) -> Figure:
        """The figure."""
        apart = self.original is not None and any(row.published is not None for panel in self.panels for row in panel.rows)
        several = len(self.panels) > 1
        most = max(len(panel.rows) for panel in self.panels)
        rows, columns = (1 + apart, len(self.panels)) if several else (1, 1 + apart)
        height = 1.35 + 0.27 * max(most, 4 * several) * rows + 0.5 * several
        figure, axes = plt.subplots(
            rows, columns, figsize=(9 if several else 7 + 2.5 * apart, height),
            layout="constrained", squeeze=False, sharey=True, sharex="row" if several else "none",
        )  # fmt: skip
        here, there = (axes[0], axes[-1]) if several else (axes[0, :1], axes[0, 1:])
        for axis, panel in zip(here, self.panels, strict=True):
            for y, row in enumerate(panel.rows):
                heights, name = np.full(len(row.seeds), y), f"each seed on {self.dataset}"
                axis.plot(row.seeds, heights, ".", color=FOREGROUND, alpha=0.45, label=name)
                axis.plot(row.mean, y, "D", color=FOREGROUND, label="mean")
            axis.set(xlabel="" if several else textwrap.fill(self.axis, 32), title=panel.title)
        published = there if apart else here
        for axis, panel in zip(published, self.panels, strict=True):
            for y, row in enumerate(panel.rows):
                if row.published is not None:
                    axis.plot(row.published, y, "|", ms=13, mew=2.5, color=FOUND, label="printed")
            if apart:
                axes[0, 0].plot([], [], "|", ms=13, mew=2.5, color=FOUND, label=f"printed, on {self.original}")
                axis.set_xlabel("" if several else textwrap.fill(f"printed, on {self.original} (%)", 26))
        if several:
            axes[0, 0].set_ylabel(textwrap.fill(self.dataset, 16))
            if apart:
                axes[1, 0].set_ylabel(textwrap.fill(f"printed, {self.original}", 16))
        for axis in axes.flat:
            axis.grid(axis="x", alpha=0.4)
        axes[0, 0].set_yticks(range(most), self.labels(several))
        axes[0, 0].set_ylim(most - 0.5, -0.5)
        legend(figure, axes[0, 0], columns=3)
        head(figure, f"{self.title}\n{self.axis}" if several else self.title)
        sns.despine(figure)
        return figure

    def labels(self, several: bool) -> list[str]:
        """Names of the lines; in several panels what follows the panel's title."""
        first = self.panels[0]
        return [row.label.removeprefix(f"{first.title}, ") if several else row.label for row in first.rows]


def beside_published(metrics: Metrics) -> BesidePublished:
    """Average mAP of every row: the paper's value and each seed."""
    rows = [
        Dots(
            published.label(metrics.entry, row),
            metrics.average(row),
            published.values(metrics.entry, row).get(AVERAGE),
        )
        for row in metrics.rows
    ]
    theirs = originals.original(metrics.dataset) if originals.is_simulated(metrics.dataset) else None
    return BesidePublished(naming.title(metrics), average(metrics), originals.spoken(metrics.dataset), theirs, panels(rows))


def panels(rows: Sequence[Dots]) -> tuple[RowsPanel, ...]:
    """A panel for each beginning "A" of names "A, B", where every beginning has the same ends; otherwise one for all."""
    groups: dict[str, list[Dots]] = {}
    for row in rows:
        groups.setdefault(row.label.partition(", ")[0], []).append(row)
    ends = {tuple(row.label.partition(", ")[2] for row in group) for group in groups.values()}
    if len(groups) < 2 or len(ends) != 1 or not all(next(iter(ends))):
        return (RowsPanel("", tuple(rows)),)
    return tuple(RowsPanel(name, tuple(group)) for name, group in groups.items())


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
        naming.title(metrics),
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
    return Curves(title, f"mAP (%) on {originals.spoken(metrics.dataset)}", tuple(metrics.tious), tuple(lines))
