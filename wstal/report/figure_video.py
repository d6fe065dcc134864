"""The figure of one video: score curves under several models, ground truth and detections."""

from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.report.plots import ACTION, FOREGROUND, FOUND, TRUTH, blend, head, rescale


@dataclass(frozen=True)
class ModelPanel:
    """One model. Curves and strengths are scaled to [0, 1] within the panel."""

    name: str
    centres_s: np.ndarray  # (T,) of the snippets
    end_s: float
    foreground: np.ndarray  # (T,) foreground score
    action: np.ndarray  # (T,) score of the class
    detections_s: np.ndarray  # (N, 2) start, end, in the order in which they are drawn
    strength: np.ndarray  # (N,) of their scores


@dataclass(frozen=True)
class VideoPanels:
    """A panel a model, over the ground truth.

    Detections are drawn over each other in the order given, darker for a higher score: with the best one last, each moment has
    the colour of its best detection.
    """

    title: str
    truth_s: np.ndarray  # (M, 2) start, end
    panels: tuple[ModelPanel, ...]

    def draw(self) -> Figure:
        """The figure."""
        count = len(self.panels)
        size = (9.5, 0.5 + 1.45 * count)
        figure, axes = plt.subplots(count, 1, figsize=size, sharex=True, layout="constrained", squeeze=False)
        for axis, panel in zip(axes[:, 0], self.panels, strict=True):
            for start, end in self.truth_s:
                axis.axvspan(start, end, color=TRUTH, alpha=0.22, lw=0)
            axis.plot(panel.centres_s, panel.foreground, color=FOREGROUND, lw=1.4)
            axis.plot(panel.centres_s, panel.action, color=ACTION, lw=1.4)
            for (start, end), strength in zip(panel.detections_s, panel.strength, strict=True):
                axis.barh(-0.16, end - start, left=start, height=0.16, color=blend(FOUND, 0.08 + 0.92 * strength), lw=0)
            axis.set(ylim=(-0.28, 1.05), yticks=[0, 1], title=panel.name, xlim=(0, panel.end_s))
        axes[-1, 0].set_xlabel("time (s)")
        figure.legend(handles=key(), loc="outside lower center", ncols=4, frameon=False)
        head(figure, self.title)
        sns.despine(figure, left=True)
        return figure


def panel(name: str, scores: VideoScores, label: int, found: np.ndarray, grid: TimeGrid) -> ModelPanel:
    """One video under one model, for the class of index `label`.

    found (N, 3) start_s, end_s, score: detections in the order in which they are drawn.
    """
    length_t = len(scores.actionness)
    return ModelPanel(
        name,
        centres_s=grid.seconds(np.arange(length_t) + 0.5),
        end_s=float(grid.seconds(length_t)),
        foreground=rescale(scores.actionness),
        action=rescale(scores.activation[:, label]),
        detections_s=found[:, :2],
        strength=rescale(found[:, 2]),
    )


def key() -> list[Artist]:
    """Legend of a timeline."""
    return [
        Patch(color=TRUTH, alpha=0.3, label="ground truth"),
        Line2D([], [], color=FOREGROUND, label="foreground score"),
        Line2D([], [], color=ACTION, label="action score"),
        Line2D([], [], color=FOUND, lw=5, label="detections, darker for a higher score"),
    ]
