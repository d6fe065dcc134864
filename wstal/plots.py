"""Figures from metrics, scores and truth. Functions return the Figure; only `save` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.paths import Tree
from wstal.timegrid import TimeGrid
from wstal.types import VideoScores

if TYPE_CHECKING:
    from wstal.metrics import Metrics

INK, TRUTH, FOUND, FOREGROUND, ACTION = "#333333", "#2a9d5c", "#d1495b", "#30638e", "#edae49"

sns.set_theme(style="ticks", context="notebook", font_scale=0.85)
matplotlib.rcParams |= {"figure.dpi": 110, "savefig.dpi": 110, "svg.hashsalt": "wstal", "axes.titlelocation": "left"}


def save(figure: Figure, entry: str, name: str, tree: Tree) -> None:
    """Write reports/figures/<entry>/<name>.png; the bytes depend on the drawing alone."""
    path = tree.output(tree.figures(entry) / f"{name}.png")
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})


def published_and_ours(metrics: Metrics) -> Figure:
    """Average mAP of every row: the paper's value, our mean, and each seed."""
    rows = list(metrics.rows)
    figure, axis = plt.subplots(figsize=(7, 0.8 + 0.27 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        seeds, printed = metrics.average(row), published.values(metrics.entry, row)
        axis.plot(seeds, np.full(len(seeds), y), ".", color=FOREGROUND, alpha=0.45, label="" if y else "ours, each seed")
        axis.plot(seeds.mean(), y, "D", color=FOREGROUND, label="" if y else "ours, mean")
        if "AVG" in printed:
            axis.plot(printed["AVG"], y, "|", ms=13, mew=2.5, color=FOUND, label="" if y else "published")
    axis.set_yticks(range(len(rows)), [published.label(metrics.entry, row) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(f"average mAP, tIoU {metrics.tious[0]:g}–{metrics.tious[-1]:g} (%)")
    axis.grid(axis="x", alpha=0.4)
    figure.legend(loc="outside upper right", ncols=3, frameon=False)
    sns.despine(figure)
    return figure


def variants(metrics: Metrics, groups: Sequence[str]) -> Figure:
    """Average mAP of every row under several groups of the metrics, a marker a group; means over the seeds."""
    figure, axis = plt.subplots(figsize=(7, 1.0 + 0.45 * len(metrics.rows)), layout="constrained")
    for group, marker in zip(groups, cycle("osD^vP*X"), strict=False):
        means = [metrics.average(row, group).mean() for row in metrics.rows]
        axis.plot(means, range(len(means)), marker, ms=7, alpha=0.75, label=group)
    axis.set_yticks(range(len(metrics.rows)), list(metrics.rows))
    axis.set_ylim(len(metrics.rows) - 0.5, -0.5)
    axis.set_xlabel("average mAP (%)")
    axis.grid(axis="x", alpha=0.4)
    figure.legend(loc="outside right upper", frameon=False)
    sns.despine(figure)
    return figure


def overlap(names: Sequence[str], shares: np.ndarray) -> Figure:
    """Of the instances that either of two models misses, the share that both miss: (K, K), as a map."""
    figure, axis = plt.subplots(figsize=(1.6 + 0.75 * len(names), 1.0 + 0.6 * len(names)), layout="constrained")
    off = np.eye(len(names), dtype=bool)
    sns.heatmap(shares, ax=axis, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="mako", mask=off, square=True)
    axis.set_xticklabels(names, rotation=30, ha="right")
    axis.set_yticklabels(names, rotation=0)
    axis.set_title("missed by both, of what either misses")
    return figure


def curves(metrics: Metrics, rows: Sequence[str]) -> Figure:
    """mAP over tIoU, a line a row with a band of one standard deviation over the seeds."""
    figure, axis = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    for row in (row for row in rows if row in metrics.rows):
        values = metrics.curve(row)
        mean, spread = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else 0
        (line,) = axis.plot(metrics.tious, mean, ".-", label=published.label(metrics.entry, row))
        axis.fill_between(metrics.tious, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, lw=0)
    axis.set(xlabel="tIoU", ylabel="mAP (%)", ylim=(0, None))
    axis.legend(frameon=False)
    sns.despine(figure)
    return figure


def sweep(metrics: Metrics, names: Mapping[str, str]) -> Figure:
    """Average mAP over one parameter, a panel a parameter {name: axis label}; its rows are called <name>_<value>."""
    figure, axes = plt.subplots(1, len(names), figsize=(4.5 * len(names), 3.2), layout="constrained", squeeze=False)
    for axis, (name, label) in zip(axes[0], names.items(), strict=True):
        points = sorted((float(row.removeprefix(f"{name}_")), row) for row in metrics.rows if row.startswith(f"{name}_"))
        seeds = [metrics.average(row) for _, row in points]
        spread = [values.std(ddof=1) if len(values) > 1 else 0 for values in seeds]
        axis.errorbar([x for x, _ in points], [v.mean() for v in seeds], spread, fmt="o-", color=FOREGROUND, capsize=3)
        axis.set(xlabel=label, ylabel="average mAP (%)")
    sns.despine(figure)
    return figure


def sweeps(metrics: Metrics) -> Figure:
    """FAC-Net Figure 4: average mAP over the weights of two losses, the third fixed at 1. Rows are cw<a>_ca<b>_mil<c>."""
    points = {tuple(float(part.lstrip("cwamil")) for part in row.split("_")): row for row in metrics.rows}
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4), layout="constrained")
    low = min(metrics.average(row).mean() for row in metrics.rows)
    high = max(metrics.average(row).mean() for row in metrics.rows)
    for fixed, (axis, name) in enumerate(zip(axes, ("cw", "ca", "mil"), strict=True)):
        others = [i for i in range(3) if i != fixed]
        chosen = {point: row for point, row in points.items() if point[fixed] == 1}
        values = [sorted({point[i] for point in chosen}) for i in others]
        grid = np.full([len(v) for v in values], np.nan)
        for point, row in chosen.items():
            grid[values[0].index(point[others[0]]), values[1].index(point[others[1]])] = metrics.average(row).mean()
        sns.heatmap(
            grid, ax=axis, annot=True, fmt=".1f", vmin=low, vmax=high, cmap="viridis", cbar=fixed == 2, mask=np.isnan(grid),
            xticklabels=[f"{v:g}" for v in values[1]], yticklabels=[f"{v:g}" for v in values[0]],
        )  # fmt: skip
        names = [("cw", "ca", "mil")[i] for i in others]
        axis.set(title=rf"$\lambda_{{{name}}}$ = 1", ylabel=rf"$\lambda_{{{names[0]}}}$", xlabel=rf"$\lambda_{{{names[1]}}}$")
        axis.invert_yaxis()
    return figure


def losses(histories: Mapping[str, np.ndarray], terms: Sequence[str], smooth: int = 20) -> Figure:
    """Training losses {label: (steps, terms)}, a panel a term, running mean over `smooth` steps."""
    figure, axes = plt.subplots(1, len(terms), figsize=(3.6 * len(terms), 2.8), layout="constrained", squeeze=False)
    for column, (axis, term) in enumerate(zip(axes[0], terms, strict=True)):
        for label, history in histories.items():
            window = min(smooth, len(history))
            axis.plot(np.convolve(history[:, column], np.ones(window) / window, "valid"), lw=1, label=label)
        axis.set(title=f"loss {term}", xlabel="step")
    axes[0, 0].legend(frameon=False, fontsize="small")
    sns.despine(figure)
    return figure


def timeline(
    panels: Mapping[str, VideoScores],
    label: int,
    truth: np.ndarray,
    found: Mapping[str, np.ndarray],
    grid: TimeGrid,
    title: str,
) -> Figure:
    """Score curves of one video under several models, with ground truth and detections.

    panels: {model: scores}; label: class index; truth (M, 2) seconds; found: {model: (N, 3) start_s, end_s, score}.
    Curves are scaled to [0, 1] within each panel; darker detections have higher scores.
    """
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9.5, 0.5 + 1.45 * len(panels)), sharex=True, layout="constrained", squeeze=False
    )
    for axis, (name, scores) in zip(axes[:, 0], panels.items(), strict=True):
        centres = grid.seconds(np.arange(len(scores.actionness)) + 0.5)
        for start, end in truth:
            axis.axvspan(start, end, color=TRUTH, alpha=0.22, lw=0)
        axis.plot(centres, rescale(scores.actionness), color=FOREGROUND, lw=1.3)
        axis.plot(centres, rescale(scores.activation[:, label]), color=ACTION, lw=1.3)
        strength = rescale(found[name][:, 2]) if len(found[name]) else []
        for (start, end, _), alpha in zip(found[name], strength, strict=True):
            axis.plot([start, end], [-0.14, -0.14], color=FOUND, lw=5, solid_capstyle="butt", alpha=0.25 + 0.75 * alpha)
        axis.set(ylim=(-0.25, 1.05), yticks=[], title=name, xlim=(0, centres[-1]))
    axes[-1, 0].set_xlabel("time (s)")
    figure.legend(handles=key(), loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle(title, x=0.01, ha="left")
    sns.despine(figure, left=True)
    return figure


def key() -> list:
    """Legend of a timeline."""
    patch, line = matplotlib.patches.Patch, matplotlib.lines.Line2D
    return [
        patch(color=TRUTH, alpha=0.3, label="ground truth"),
        line([], [], color=FOREGROUND, label="foreground score"),
        line([], [], color=ACTION, label="action score"),
        line([], [], color=FOUND, lw=5, label="detections"),
    ]


def rescale(values: np.ndarray) -> np.ndarray:
    """Values moved to [0, 1]; constant ones become 1."""
    low, high = np.min(values), np.max(values)
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def embeddings(clouds: Mapping[str, np.ndarray], foreground: np.ndarray) -> Figure:
    """t-SNE maps {model: (N, 2)} of snippet embeddings, coloured by whether a snippet is foreground (N,) bool."""
    figure, axes = plt.subplots(1, len(clouds), figsize=(4.6 * len(clouds), 4.2), layout="constrained", squeeze=False)
    for axis, (name, points) in zip(axes[0], clouds.items(), strict=True):
        for inside, colour, label in ((False, "#b5b5b5", "background"), (True, FOUND, "foreground")):
            chosen = points[foreground == inside]
            axis.scatter(*chosen.T, s=5, color=colour, alpha=0.7, lw=0, label=label)
        axis.set(title=name, xticks=[], yticks=[])
    axes[0, 0].legend(frameon=False, markerscale=3, loc="upper left")
    sns.despine(figure, left=True, bottom=True)
    return figure


def distributions(own: Mapping[str, np.ndarray], published: Mapping[str, float]) -> Figure:
    """Histograms of a dataset's quantities, each with the published mean where there is one."""
    figure, axes = plt.subplots(1, len(own), figsize=(3.4 * len(own), 2.7), layout="constrained")
    for axis, (name, values) in zip(axes, own.items(), strict=True):
        sns.histplot(values, ax=axis, color=FOREGROUND, bins=20)
        axis.axvline(values.mean(), color=INK, label=f"mean {values.mean():.2f}")
        if name in published:
            axis.axvline(published[name], color=FOUND, ls="--", label=f"published mean {published[name]:.2f}")
        axis.set(xlabel=name, ylabel="")
        axis.legend(frameon=False, fontsize="x-small")
    sns.despine(figure)
    return figure
