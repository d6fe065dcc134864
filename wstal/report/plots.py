"""Figures from metrics, scores and truth. Functions return the Figure; only `save` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores

if TYPE_CHECKING:
    from wstal.evaluation.diagnosis import Diagnosis
    from wstal.evaluation.metrics import Metrics

INK, PALE, TRUTH, FOUND, FOREGROUND, ACTION = "#333333", "#b5b5b5", "#2a9d5c", "#d1495b", "#30638e", "#e08a1e"
SHADES = ("#3aa67c", "#8fd0f5", "#d98c00", "#f0e442", "#d58fb8", "#d4d4d4")  # kinds of detections, the true ones first
MARKERS = "osD^vP*X"  # shapes tell lines apart where colours do not

sns.set_theme(style="ticks", context="notebook", font_scale=0.85, palette="colorblind")
matplotlib.rcParams |= {"figure.dpi": 110, "savefig.dpi": 110, "svg.hashsalt": "wstal", "axes.titlelocation": "left"}


def save(figure: Figure, entry: str, name: str, tree: Tree) -> None:
    """Write reports/figures/<entry>/<name>.png; the bytes depend on the drawing alone."""
    path = tree.output(tree.figures(entry) / f"{name}.png")
    figure.savefig(path, bbox_inches="tight", metadata={"Software": None})


def published_and_ours(metrics: Metrics) -> Figure:
    """Average mAP of every row: the paper's value, our mean, and each seed."""
    rows = list(metrics.rows)
    figure, axis = plt.subplots(figsize=(7, 1.35 + 0.27 * len(rows)), layout="constrained")
    for y, row in enumerate(rows):
        seeds, printed = metrics.average(row), published.values(metrics.entry, row)
        axis.plot(seeds, np.full(len(seeds), y), ".", color=FOREGROUND, alpha=0.45, label=f"each seed on {metrics.dataset}")
        axis.plot(seeds.mean(), y, "D", color=FOREGROUND, label="mean")
        if "AVG" in printed:
            axis.plot(printed["AVG"], y, "|", ms=13, mew=2.5, color=FOUND, label="published, on the paper's features")
    axis.set_yticks(range(len(rows)), [published.label(metrics.entry, row) for row in rows])
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_xlabel(average(metrics))
    axis.grid(axis="x", alpha=0.4)
    legend(figure, axis)
    head(figure, published.entry(metrics.entry)["title"])
    sns.despine(figure)
    return figure


def average(metrics: Metrics) -> str:
    """The name of an axis of average mAP."""
    return f"average mAP, mean over {len(metrics.tious)} tIoUs from {metrics.tious[0]:g} to {metrics.tious[-1]:g} (%)"


def head(figure: Figure, title: str) -> None:
    """What a figure shows, above its left edge."""
    figure.suptitle(title, x=0.01, ha="left")


def legend(figure: Figure, axis: Axes, place: str = "outside lower center", columns: int = 4, scale: float = 1) -> None:
    """A legend beside the data, each label once."""
    found = {text: handle for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found, loc=place, ncols=columns, markerscale=scale, frameon=False)


def variants(metrics: Metrics, groups: Sequence[str]) -> Figure:
    """Average mAP of every row under several groups of the metrics, a marker a group; means over the seeds.

    Groups are moved apart within a row, the first one uppermost: many lie on one value.
    """
    figure, axis = plt.subplots(figsize=(8.5, 1.2 + 0.6 * len(metrics.rows)), layout="constrained")
    places = np.linspace(-0.33, 0.33, len(groups)) if len(groups) > 1 else np.zeros(1)
    for group, place, marker in zip(groups, places, cycle(MARKERS), strict=False):
        means = [metrics.average(row, group).mean() for row in metrics.rows]
        axis.plot(means, np.arange(len(means)) + place, marker, ms=6, label=group)
    axis.set_yticks(range(len(metrics.rows)), [published.label(metrics.entry, row) for row in metrics.rows])
    axis.set_ylim(len(metrics.rows) - 0.5, -0.5)
    axis.hlines(np.arange(1, len(metrics.rows)) - 0.5, 0, 1, transform=axis.get_yaxis_transform(), color=INK, alpha=0.15, lw=1)
    axis.set_xlabel(f"{average(metrics)}, mean over seeds")
    axis.grid(axis="x", alpha=0.4)
    legend(figure, axis, "outside right upper", 1)
    head(figure, f"{published.entry(metrics.entry)['title']}, on {metrics.dataset}")
    sns.despine(figure)
    return figure


def overlap(names: Sequence[str], shares: np.ndarray) -> Figure:
    """Of the instances that either of two models misses, the share that both miss: (K, K), as a map."""
    figure, axis = plt.subplots(figsize=(2.6 + 0.75 * len(names), 1.4 + 0.6 * len(names)), layout="constrained")
    off = np.eye(len(names), dtype=bool)
    sns.heatmap(
        shares, ax=axis, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="mako", mask=off, square=True,
        cbar_kws={"label": "share missed by both"},
    )  # fmt: skip
    axis.set_xticklabels(names, rotation=30, ha="right", rotation_mode="anchor")
    axis.set_yticklabels(names, rotation=0)
    head(figure, "Missed by both, of what either misses")
    return figure


def error_kinds(entry: str, diagnoses: Mapping[str, Sequence[Diagnosis]]) -> Figure:
    """Kinds of the best detections of every row {row: one diagnosis a seed} of an entry, stacked; means over the seeds."""
    tiou = next(iter(diagnoses.values()))[0].tiou
    figure, axis = plt.subplots(figsize=(8.5, 1.6 + 0.36 * len(diagnoses)), layout="constrained")
    for y, seeds in enumerate(diagnoses.values()):
        left = 0.0
        for kind, color in zip(seeds[0].share, SHADES, strict=True):
            share = 100 * np.mean([one.share[kind] for one in seeds])
            axis.barh(y, share, left=left, height=0.72, color=color, edgecolor="white", label=kind)
            if share >= 4:  # a number fits
                axis.text(left + share / 2, y, f"{share:.0f}", ha="center", va="center", color=INK, size="small")
            left += share
    axis.set_yticks(range(len(diagnoses)), [published.label(entry, row) for row in diagnoses])
    axis.set(xlim=(0, 100), ylim=(len(diagnoses) - 0.5, -0.5))
    axis.set_xlabel("best detections of each class, as many as it has instances (%), mean over seeds")
    legend(figure, axis, columns=6)
    head(figure, f"What the best detections are at tIoU {tiou:g}")
    sns.despine(figure, left=True)
    return figure


def curves(metrics: Metrics, rows: Sequence[str], title: str) -> Figure:
    """mAP over tIoU, a line a row with a band of one standard deviation over the seeds."""
    figure, axis = plt.subplots(figsize=(6.4, 4.4), layout="constrained")
    for row, marker in zip((row for row in rows if row in metrics.rows), cycle(MARKERS), strict=False):
        values = metrics.curve(row)
        mean, spread = values.mean(0), values.std(0, ddof=1) if len(values) > 1 else 0
        (line,) = axis.plot(metrics.tious, mean, marker=marker, ms=5, label=published.label(metrics.entry, row))
        axis.fill_between(metrics.tious, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, lw=0)
    axis.set(xlabel="tIoU", ylabel=f"mAP (%) on {metrics.dataset}", ylim=(0, None), xticks=metrics.tious)
    legend(figure, axis, columns=2)
    head(figure, title)
    sns.despine(figure)
    return figure


def sweep(metrics: Metrics, names: Mapping[str, str], title: str) -> Figure:
    """Average mAP over one parameter, a panel a parameter {name: axis label}; its rows are called <name>_<value>."""
    figure, axes = plt.subplots(
        1, len(names), figsize=(4.5 * len(names), 3.8), layout="constrained", squeeze=False, sharey=True
    )
    for axis, (name, label) in zip(axes[0], names.items(), strict=True):
        points = sorted((float(row.removeprefix(f"{name}_")), row) for row in metrics.rows if row.startswith(f"{name}_"))
        axis.plot(
            [x for x, _ in points], [metrics.average(row).mean() for _, row in points], "D-", color=FOREGROUND, label="mean"
        )
        for x, row in points:
            seeds = metrics.average(row)
            axis.plot(np.full(len(seeds), x), seeds, ".", color=FOREGROUND, alpha=0.45, label=f"each seed on {metrics.dataset}")
        axis.set(xlabel=label, ylim=(0, None), xticks=[x for x, _ in points])
    axes[0, 0].set_ylabel(average(metrics))
    legend(figure, axes[0, 0])
    head(figure, title)
    sns.despine(figure)
    return figure


def sweeps(metrics: Metrics) -> Figure:
    """FAC-Net Figure 4: average mAP over the weights of two losses, the third fixed at 1. Rows are cw<a>_ca<b>_mil<c>."""
    points = {tuple(float(part.lstrip("cwamil")) for part in row.split("_")): row for row in metrics.rows}
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.3), layout="constrained")
    low = min(metrics.average(row).mean() for row in metrics.rows)
    high = max(metrics.average(row).mean() for row in metrics.rows)
    symbols = [rf"$\lambda_\mathrm{{{name}}}$" for name in ("CW", "CA", "MIL")]
    for fixed, axis in enumerate(axes):
        others = [i for i in range(3) if i != fixed]
        chosen = {point: row for point, row in points.items() if point[fixed] == 1}
        values = [sorted({point[i] for point in chosen}) for i in others]
        grid = np.full([len(v) for v in values], np.nan)
        for point, row in chosen.items():
            grid[values[0].index(point[others[0]]), values[1].index(point[others[1]])] = metrics.average(row).mean()
        sns.heatmap(
            grid, ax=axis, annot=True, fmt=".1f", vmin=low, vmax=high, cmap="viridis", cbar=False, mask=np.isnan(grid),
            xticklabels=[f"{v:g}" for v in values[1]], yticklabels=[f"{v:g}" for v in values[0]], square=True,
        )  # fmt: skip
        axis.tick_params(axis="y", rotation=0)
        axis.set(title=f"{symbols[fixed]} = 1", ylabel=symbols[others[0]], xlabel=symbols[others[1]])
        axis.invert_yaxis()
    figure.colorbar(axes[-1].collections[0], ax=axes, label=average(metrics), pad=0.02, shrink=0.85)
    head(figure, f"{published.entry(metrics.entry)['title']}, on {metrics.dataset}")
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
    Curves are scaled to [0, 1] within each panel. Detections are drawn over each other in the order given, darker for a higher
    score: with the best one last, each moment has the colour of its best detection.
    """
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(9.5, 0.5 + 1.45 * len(panels)), sharex=True, layout="constrained", squeeze=False
    )
    for axis, (name, scores) in zip(axes[:, 0], panels.items(), strict=True):
        centres = grid.seconds(np.arange(len(scores.actionness)) + 0.5)
        for start, end in truth:
            axis.axvspan(start, end, color=TRUTH, alpha=0.22, lw=0)
        axis.plot(centres, rescale(scores.actionness), color=FOREGROUND, lw=1.4)
        axis.plot(centres, rescale(scores.activation[:, label]), color=ACTION, lw=1.4)
        strength = rescale(found[name][:, 2]) if len(found[name]) else []
        for (start, end, _), alpha in zip(found[name], strength, strict=True):
            axis.barh(-0.16, end - start, left=start, height=0.16, color=blend(FOUND, 0.08 + 0.92 * alpha), lw=0)
        axis.set(ylim=(-0.28, 1.05), yticks=[0, 1], title=name, xlim=(0, grid.seconds(len(centres))))
    axes[-1, 0].set_xlabel("time (s)")
    figure.legend(handles=key(), loc="outside lower center", ncols=4, frameon=False)
    head(figure, title)
    sns.despine(figure, left=True)
    return figure


def key() -> list:
    """Legend of a timeline."""
    patch, line = matplotlib.patches.Patch, matplotlib.lines.Line2D
    return [
        patch(color=TRUTH, alpha=0.3, label="ground truth"),
        line([], [], color=FOREGROUND, label="foreground score"),
        line([], [], color=ACTION, label="action score"),
        line([], [], color=FOUND, lw=5, label="detections, darker for a higher score"),
    ]


def blend(color: str, share: float) -> tuple[float, ...]:
    """A colour over white."""
    return tuple(1 - share * (1 - np.array(matplotlib.colors.to_rgb(color))))


def rescale(values: np.ndarray) -> np.ndarray:
    """Values moved to [0, 1]; constant ones become 1."""
    low, high = np.min(values), np.max(values)
    return (values - low) / (high - low) if high > low else np.ones_like(values)


def embeddings(clouds: Mapping[str, np.ndarray], foreground: np.ndarray) -> Figure:
    """t-SNE maps {model: (N, 2)} of snippet embeddings, coloured by whether a snippet is foreground (N,) bool."""
    figure, axes = plt.subplots(1, len(clouds), figsize=(4.6 * len(clouds), 4.2), layout="constrained", squeeze=False)
    for axis, (name, points) in zip(axes[0], clouds.items(), strict=True):
        for inside, colour, label in ((False, PALE, "background"), (True, FOUND, "foreground")):
            chosen = points[foreground == inside]
            axis.scatter(*chosen.T, s=7, color=colour, alpha=0.8, lw=0, label=label)
        axis.set(title=name, xticks=[], yticks=[])
    legend(figure, axes[0, 0], scale=3)
    head(figure, "t-SNE of snippet embeddings")
    sns.despine(figure, left=True, bottom=True)
    return figure


def distributions(own: Mapping[str, np.ndarray], published: Mapping[str, float]) -> Figure:
    """Histograms of a dataset's quantities, each with the published mean where there is one."""
    figure, axes = plt.subplots(1, len(own), figsize=(3.4 * len(own), 3.1), layout="constrained")
    for axis, (name, values) in zip(axes, own.items(), strict=True):
        whole = bool(np.all(values == np.round(values))) and np.ptp(values) < 40
        sns.histplot(values, ax=axis, color=FOREGROUND, discrete=whole, bins="auto" if whole else 20)
        axis.axvline(values.mean(), color=INK, label="mean")
        title = f"mean {values.mean():.2f}"
        if name in published:
            axis.axvline(published[name], color=FOUND, ls="--", label="published mean")
            title += f", published {published[name]:.2f}"
        axis.set(xlabel=name, ylabel="", title=title)
    axes[0].set_ylabel("count")
    legend(figure, max(axes, key=lambda axis: len(axis.get_legend_handles_labels()[1])))
    sns.despine(figure)
    return figure
