"""Figures of what is wrong with detections: kinds of errors, and which are shared by models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.evaluation.complementarity import Complementarity
from wstal.evaluation.diagnosis import KINDS, Diagnosis
from wstal.report.plots import INK, SHADES, head, legend

FITS = 4  # percent of the width in which a number fits


@dataclass(frozen=True)
class ErrorKinds:
    """A bar a row, stacked from KINDS in their order; the first row uppermost."""

    title: str
    axis: str
    labels: tuple[str, ...]  # of the R rows
    shares: np.ndarray  # (R, len(KINDS)) percent, means over the seeds

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(8.5, 1.6 + 0.36 * len(self.labels)), layout="constrained")
        for y, shares in enumerate(self.shares):
            left = 0.0
            for kind, share, color in zip(KINDS, shares, SHADES, strict=True):
                axis.barh(y, share, left=left, height=0.72, color=color, edgecolor="white", label=kind)
                if share >= FITS:
                    axis.text(left + share / 2, y, f"{share:.0f}", ha="center", va="center", color=INK, size="small")
                left += share
        axis.set_yticks(range(len(self.labels)), self.labels)
        axis.set(xlim=(0, 100), ylim=(len(self.labels) - 0.5, -0.5))
        axis.set_xlabel(self.axis)
        legend(figure, axis, columns=6)
        head(figure, self.title)
        sns.despine(figure, left=True)
        return figure


def error_kinds(entry: str, diagnoses: Mapping[str, Sequence[Diagnosis]]) -> ErrorKinds:
    """Kinds of the best detections of every row {row: one diagnosis a seed} of an entry; means over the seeds."""
    tiou = next(iter(diagnoses.values()))[0].tiou
    return ErrorKinds(
        f"What the best detections are at tIoU {tiou:g}",
        "best detections of each class, as many as it has instances (%), mean over seeds",
        tuple(published.label(entry, row) for row in diagnoses),
        np.array([[100 * np.mean([one.share[kind] for one in seeds]) for kind in KINDS] for seeds in diagnoses.values()]),
    )


@dataclass(frozen=True)
class SharedErrors:
    """A map of models by models."""

    title: str
    scale: str
    models: tuple[str, ...]
    shares: np.ndarray  # (K, K) of the instances that either of two models misses, the share that both miss

    def draw(self) -> Figure:
        """The figure, without the diagonal."""
        count = len(self.models)
        figure, axis = plt.subplots(figsize=(2.6 + 0.75 * count, 1.4 + 0.6 * count), layout="constrained")
        sns.heatmap(
            self.shares, ax=axis, annot=True, fmt=".2f", vmin=0, vmax=1, cmap="mako", mask=np.eye(count, dtype=bool),
            square=True, cbar_kws={"label": self.scale},
        )  # fmt: skip
        axis.set_xticklabels(self.models, rotation=30, ha="right", rotation_mode="anchor")
        axis.set_yticklabels(self.models, rotation=0)
        head(figure, self.title)
        return figure


def shared_errors(result: Complementarity) -> SharedErrors:
    """Whether two models miss the same instances."""
    return SharedErrors("Missed by both, of what either misses", "share missed by both", result.models, result.shared_errors)
