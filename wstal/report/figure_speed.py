"""Figures of speed: ratios to the straightforward way, cost a video as videos grow more, and both modes of training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.report.benchmarks import Measured, Modes
from wstal.report.plots import ACTION, FOREGROUND, INK, MARKERS, PALE, head, legend


@dataclass(frozen=True)
class Ratios:
    """How many times faster each piece of work is than in the straightforward way, by group."""

    works: tuple[str, ...]
    ratios: np.ndarray  # (N,)

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(8, 0.6 + 0.26 * len(self.works)), layout="constrained")
        places = np.arange(len(self.works))[::-1]
        axis.barh(places, self.ratios, color=FOREGROUND, height=0.7)
        for place, ratio in zip(places, self.ratios, strict=True):
            axis.text(ratio * 1.05, place, f"{ratio:.3g}", va="center", color=INK, fontsize=8)
        axis.axvline(1, color=PALE)
        axis.set(xscale="log", yticks=places, yticklabels=self.works, xlabel="times as fast as the straightforward way")
        axis.margins(x=0.12, y=0.01)
        sns.despine(figure)
        return figure


def ratios(files: Sequence[Measured]) -> Ratios:
    """Of all rows that were measured both ways, in their order."""
    rows = [row for file in files for row in file.rows if row.ratio is not None]
    return Ratios(tuple(f"{row.group}: {row.work}" for row in rows), np.array([row.ratio for row in rows], dtype=float))


@dataclass(frozen=True)
class Growth:
    """Milliseconds a video of work on more and more videos."""

    lines: dict[str, tuple[np.ndarray, np.ndarray]]  # "group: unit" -> videos (N,), milliseconds a video (N,)

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
        for marker, (name, (videos, each_ms)) in zip(MARKERS, self.lines.items(), strict=False):
            axis.plot(videos, each_ms, marker=marker, label=name)
        axis.set(xscale="log", xlabel="videos", ylabel="milliseconds a video")
        axis.set_ylim(bottom=0)
        legend(figure, axis)
        sns.despine(figure)
        return figure


def growth(files: Sequence[Measured]) -> Growth:
    """Of all rows in seconds that say of how many videos they are."""
    found: dict[str, list[tuple[int, float]]] = {}
    for file in files:
        for row in file.rows:
            if row.size and row.unit == "s":
                found.setdefault(row.group, []).append((row.size, 1e3 * row.ours / row.size))
    lines = {name: np.array(sorted(points), dtype=float).T for name, points in found.items()}
    return Growth({name: (videos, each_ms) for name, (videos, each_ms) in lines.items()})


@dataclass(frozen=True)
class BothModes:
    """Average mAP of each row of an entry over the seeds, trained in both modes."""

    entry: str
    rows: tuple[str, ...]
    values: dict[str, list[np.ndarray]]  # mode -> of each row (S,), percent

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(7, 0.9 + 0.38 * len(self.rows)), layout="constrained")
        places = np.arange(len(self.rows))[::-1]
        for (mode, values), shift, colour in zip(self.values.items(), (0.14, -0.14), (FOREGROUND, ACTION), strict=True):
            for place, seeds in zip(places, values, strict=True):
                axis.plot(seeds, np.full(len(seeds), place + shift), "o", ms=4, alpha=0.5, color=colour, lw=0)
                axis.plot(seeds.mean(), place + shift, "D", ms=7, color=colour, label=mode, lw=0)
        axis.set(yticks=places, yticklabels=self.rows, xlabel="average mAP (%)")
        legend(figure, axis)
        head(figure, f"{self.entry}, both modes")
        sns.despine(figure)
        return figure


def both_modes(modes: Modes) -> BothModes:
    """Of the rows that both have."""
    rows = tuple(row for row in modes.reproducible if row in modes.fast)
    values = {"reproducible": modes.reproducible, "fast": modes.fast}
    return BothModes(modes.entry, rows, {mode: [np.array(of[row]) for row in rows] for mode, of in values.items()})
