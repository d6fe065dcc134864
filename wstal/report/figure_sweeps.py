"""Figures of parameters: average mAP over the values of one, and over the weights of two losses."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.evaluation.metrics import Metrics
from wstal.published import originals
from wstal.report import naming
from wstal.report.figure_rows import average
from wstal.report.plots import FOREGROUND, head, legend

WIDE = 34  # letters in a line of an upright label
BRANCHES = ("CW", "CA", "MIL")  # of FAC-Net, in the order of the names of Figure 4's rows


@dataclass(frozen=True)
class Swept:
    """Average mAP, percent, at the V values of one parameter, in their order."""

    axis: str
    values: tuple[float, ...]
    seeds: tuple[np.ndarray, ...]  # V times (S,)

    @property
    def means(self) -> list[float]:
        """V means over the seeds."""
        return [seeds.mean() for seeds in self.seeds]


@dataclass(frozen=True)
class Sweep:
    """A panel a parameter: a dot for each seed, a line through the means."""

    title: str
    axis: str
    dataset: str
    panels: tuple[Swept, ...]

    def draw(self) -> Figure:
        """The figure."""
        count = len(self.panels)
        figure, axes = plt.subplots(1, count, figsize=(4.5 * count, 3.8), layout="constrained", squeeze=False, sharey=True)
        for axis, panel in zip(axes[0], self.panels, strict=True):
            axis.plot(panel.values, panel.means, "D-", color=FOREGROUND, label="mean")
            for x, seeds in zip(panel.values, panel.seeds, strict=True):
                places, name = np.full(len(seeds), x), f"each seed on {self.dataset}"
                axis.plot(places, seeds, ".", color=FOREGROUND, alpha=0.45, label=name)
            axis.set(xlabel=panel.axis, ylim=(0, None), xticks=panel.values)
        axes[0, 0].set_ylabel(textwrap.fill(self.axis, WIDE))
        legend(figure, axes[0, 0])
        head(figure, self.title)
        sns.despine(figure)
        return figure


def sweep(metrics: Metrics, names: Mapping[str, str], title: str) -> Sweep:
    """Average mAP over each parameter {name: axis label}; its rows are called <name>_<value>."""
    panels = []
    for name, axis in names.items():
        points = sorted((float(row.removeprefix(f"{name}_")), row) for row in metrics.rows if row.startswith(f"{name}_"))
        panels.append(Swept(axis, tuple(x for x, _ in points), tuple(metrics.average(row) for _, row in points)))
    return Sweep(title, average(metrics), originals.spoken(metrics.dataset), tuple(panels))


@dataclass(frozen=True)
class Plane:
    """Average mAP, percent, over two loss weights; the third is 1."""

    title: str
    rows: str  # the weight that changes from row to row
    columns: str
    row_values: tuple[float, ...]  # R, ascending
    column_values: tuple[float, ...]  # C, ascending
    mAP: np.ndarray  # (R, C) means over the seeds; nan where no row has these weights


@dataclass(frozen=True)
class Weights:
    """FAC-Net, Figure 4: three maps on one scale, low weights at the lower left."""

    title: str
    scale: str
    panels: tuple[Plane, ...]
    low: float
    high: float

    def draw(self) -> Figure:
        """The figure."""
        figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.3), layout="constrained")
        for axis, panel in zip(axes, self.panels, strict=True):
            sns.heatmap(
                panel.mAP, ax=axis, annot=True, fmt=".1f", vmin=self.low, vmax=self.high, cmap="viridis", cbar=False,
                mask=np.isnan(panel.mAP), xticklabels=[f"{v:g}" for v in panel.column_values],
                yticklabels=[f"{v:g}" for v in panel.row_values], square=True,
            )  # fmt: skip
            axis.tick_params(axis="y", rotation=0)
            axis.set(title=panel.title, ylabel=panel.rows, xlabel=panel.columns)
            axis.invert_yaxis()
        figure.colorbar(axes[-1].collections[0], ax=axes, label=textwrap.fill(self.scale, WIDE), pad=0.02, shrink=0.85)
        head(figure, self.title)
        return figure


def weights(metrics: Metrics) -> Weights:
    """Average mAP over the weights of two losses, the third fixed at 1. Rows are cw<a>_ca<b>_mil<c>."""
    means = {weights_of(row): metrics.average(row).mean() for row in metrics.rows}
    title = naming.title(metrics)
    panels = tuple(plane(means, fixed) for fixed in range(len(BRANCHES)))
    return Weights(title, average(metrics), panels, min(means.values()), max(means.values()))


def weights_of(row: str) -> tuple[float, ...]:
    """cw<a>_ca<b>_mil<c> -> (a, b, c)."""
    return tuple(float(part.lstrip("cwamil")) for part in row.split("_"))


def plane(means: Mapping[tuple[float, ...], float], fixed: int) -> Plane:
    """The map over two of the weights {(CW, CA, MIL): mAP}, that of branch number `fixed` being 1."""
    symbols = [rf"$\lambda_\mathrm{{{name}}}$" for name in BRANCHES]
    row, column = (i for i in range(len(BRANCHES)) if i != fixed)
    chosen = {(point[row], point[column]): mean for point, mean in means.items() if point[fixed] == 1}
    rows, columns = (tuple(sorted({point[i] for point in chosen})) for i in range(2))
    grid = np.array([[chosen.get((y, x), np.nan) for x in columns] for y in rows]).reshape(len(rows), len(columns))
    return Plane(f"{symbols[fixed]} = 1", symbols[row], symbols[column], rows, columns, grid)
