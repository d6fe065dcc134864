"""Figures of snippets: maps of their embeddings, and how alike their features are."""

from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.report.plots import FOUND, PALE, head, legend


@dataclass(frozen=True)
class Embeddings:
    """t-SNE maps of the same N snippets under several models, coloured by whether a snippet is foreground."""

    maps: dict[str, np.ndarray]  # model -> (N, 2)
    foreground: np.ndarray  # (N,) bool

    def draw(self) -> Figure:
        """The figure."""
        count = len(self.maps)
        figure, axes = plt.subplots(1, count, figsize=(4.6 * count, 4.2), layout="constrained", squeeze=False)
        for axis, (name, points) in zip(axes[0], self.maps.items(), strict=True):
            for inside, colour, label in ((False, PALE, "background"), (True, FOUND, "foreground")):
                chosen = points[self.foreground == inside]
                axis.scatter(*chosen.T, s=7, color=colour, alpha=0.8, lw=0, label=label)
            axis.set(title=name, xticks=[], yticks=[])
        legend(figure, axes[0, 0], scale=3)
        head(figure, "t-SNE of snippet embeddings")
        sns.despine(figure, left=True, bottom=True)
        return figure


@dataclass(frozen=True)
class Similarity:
    """Maps of how alike the snippets of one video are, by stream."""

    maps: dict[str, np.ndarray]  # title -> (T, T) cosines

    def draw(self) -> Figure:
        """The figure."""
        count = len(self.maps)
        figure, axes = plt.subplots(1, count, figsize=(4.5 * count, 3.8), layout="constrained", squeeze=False)
        for axis, (title, cosine) in zip(axes[0], self.maps.items(), strict=True):
            sns.heatmap(cosine, ax=axis, cmap="mako", vmin=0, vmax=1, square=True, xticklabels=40, yticklabels=40)
            axis.set(title=title, xlabel="snippet", ylabel="snippet")
        return figure


def cosines(features: np.ndarray) -> np.ndarray:
    """Cosine of every pair of the rows (T, D): (T, T); 0 for rows of zeros."""
    x = features.astype(np.float64)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    return x @ x.T
