"""Losses of all rows of an entry, and how they end: small panels and a table. Knows of no segment time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wstal import published
from wstal.report.plots import legend
from wstal.report.tables import Table
from wstal.training import experiment
from wstal.training.experiment import Run

PART = 10  # a part of training is one in so many of its steps
LEVEL = 5.0  # percent up to which a change from one part to the next is none
COLUMNS = 3  # panels side by side


@dataclass(frozen=True)
class History:
    """Losses of one row over training, unweighted, a bag: R networks and seeds, S steps, K terms."""

    label: str  # name of the row
    terms: tuple[str, ...]  # K
    values: np.ndarray  # (R, S, K)


def histories(runs: Sequence[Run]) -> list[History]:
    """Losses of every row of an entry, in its order."""
    first = {run.row: run for run in reversed(runs)}
    rows = dict.fromkeys(run.row for run in runs)
    return [
        History(
            published.label(runs[0].card.entry, row),
            first[row].settings.loss_names,
            np.stack(list(experiment.histories(list(runs), row).values())),
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Ending:
    """How one loss term of a row ends: means over parts of training, networks and seeds."""

    label: str
    term: str
    first: float  # mean over the first part
    before: float  # over the last but one
    last: float  # over the last

    @property
    def change(self) -> float:
        """From the last but one part to the last, in percent of the former; 0 where that is 0."""
        return 100 * (self.last - self.before) / abs(self.before) if self.before else 0.0

    @property
    def trend(self) -> str:
        """What the loss still does at the end of training."""
        return "level" if abs(self.change) <= LEVEL else "falls" if self.change < 0 else "rises"


def endings(losses: Sequence[History]) -> list[Ending]:
    """Every row and term. A part has at least one step; the two last parts of a training of one step are the same."""
    ends = []
    for history in losses:
        steps = history.values.mean(0)  # (S, K)
        part = max(len(steps) // PART, 1)
        parts = (steps[:part], steps[-2 * part :][:part], steps[-part:])
        columns = zip(history.terms, *(rows.mean(0).tolist() for rows in parts), strict=True)
        ends += [Ending(history.label, *column) for column in columns]
    return ends


def table(ends: Sequence[Ending]) -> Table:
    """How every loss ends, those that still fall counted in the title."""
    falling = sum(end.trend == "falls" for end in ends)
    caption = (
        f"Unweighted, a bag, mean over networks and seeds. A part is {100 // PART} % of the steps; change: from the last but "
        f"one part to the last, in percent of the former; up to {LEVEL:g} % is level."
    )
    header = ("row", "loss", "first part", "last part", "change (%)", "at the end")
    rows = [
        (end.label, end.term, f"{end.first:.3g}", f"{end.last:.3g}", f"{end.change:+.1f}".replace("-", "−"), end.trend)
        for end in ends
    ]
    return Table(f"{falling} of {len(ends)} losses still fall at the end", caption, header, tuple(rows))


def smooth(values: np.ndarray) -> np.ndarray:
    """Running means over half a part of the steps: (R, S, K) -> (R, S', K)."""
    width = max(values.shape[1] // (2 * PART), 1)
    total = np.cumsum(np.insert(values.astype(np.float64), 0, 0.0, axis=1), axis=1)
    return (total[:, width:] - total[:, :-width]) / width


def shares(history: History) -> np.ndarray:
    """What `draw` shows: running means over the steps, each term divided by the largest size of its mean curve.

    Terms of other scales share an axis so. -> (R, S', K); a term that is 0 throughout stays so.
    """
    curves = smooth(history.values)
    largest = np.abs(curves.mean(0)).max(0)
    return curves / np.where(largest > 0, largest, 1)


def draw(losses: Sequence[History]) -> Figure:
    """A panel a row, a line a term: mean over networks and seeds, with a band from the lowest to the highest of them."""
    lines = -(-len(losses) // COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(7.4, 0.9 + 1.55 * lines), layout="constrained", squeeze=False)
    curves = [shares(history) for history in losses]
    low, high = min(0.0, *(rows.min() for rows in curves)), max(1.05, *(rows.max() for rows in curves))
    alike = len({history.terms for history in losses}) == 1
    for axis, history, rows in zip(axes.flat, losses, curves, strict=False):
        panel(axis, history, rows)
        axis.set(ylim=(low, high))
        axis.tick_params(labelleft=axis in axes[:, 0])
        axis.set_title(shortened(history.label), size="small", pad=6 if alike else 16)
        if not alike:
            names_above(axis)
    for axis in axes.flat[len(losses) :]:
        axis.remove()
    for axis in axes.flat[: len(losses)][-COLUMNS:]:
        axis.set_xlabel("step")
    if alike:
        legend(figure, axes[0, 0])
    figure.supylabel("share of the largest value", size="medium")
    sns.despine(figure)
    return figure


def names_above(axis: Axes) -> None:
    """The terms of a panel between its title and its lines: nowhere inside is free for sure."""
    axis.legend(
        loc="lower left", bbox_to_anchor=(-0.04, 0.96), ncols=4, fontsize="x-small", frameon=False, handlelength=0.7,
        handletextpad=0.3, columnspacing=0.7,
    )  # fmt: skip


def panel(axis: Axes, history: History, curves: np.ndarray) -> None:
    """The terms of one row, its curves (R, S', K) as `shares` gives them."""
    low, mean, high = curves.min(0), curves.mean(0), curves.max(0)
    steps = np.arange(len(mean)) + history.values.shape[1] - len(mean) + 1
    for column, term in enumerate(history.terms):
        (line,) = axis.plot(steps, mean[:, column], lw=1.4, label=term)
        axis.fill_between(steps, low[:, column], high[:, column], color=line.get_color(), alpha=0.2, lw=0)


def shortened(label: str, most: int = 30) -> str:
    """A row's name that fits above its panel."""
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"
