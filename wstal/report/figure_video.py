"""The figure of one video: score curves under several models, ground truth and detections."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.report.plots import ACTION, FOREGROUND, FOUND, TRUTH, head


@dataclass(frozen=True)
class Panel:
    """One model. Curves and strengths are scaled to [0, 1] within the panel."""

    name: str
    centres_s: np.ndarray  # (T,) of the snippets
    end_s: float
    foreground: np.ndarray  # (T,) foreground score
    action: np.ndarray  # (T,) score of the class
    detections_s: np.ndarray  # (N, 2) start, end, in the order in which they are drawn
    strength: np.ndarray  # (N,) of their scores


@dataclass(frozen=True)
class Timeline:
    """A panel a model, over the ground truth.

    Detections are drawn over each other in the order given, darker for a higher score: with the best one last, each moment has
    the colour of its best detection.
    """

    title: str
    truth_s: np.ndarray  # (M, 2) start, end
    panels: tuple[Panel, ...]

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


def timeline(
    models: Mapping[str, VideoScores],
    label: int,
    truth_s: np.ndarray,
    found: Mapping[str, np.ndarray],
    grid: TimeGrid,
    title: str,
) -> Timeline:
    """One video under {model: scores} for the class of index `label`.

    truth_s (M, 2) start, end; found: {model: (N, 3) start_s, end_s, score}, in the order in which they are drawn.
    """
    return Timeline(title, truth_s, tuple(panel(name, one, label, found[name], grid) for name, one in models.items()))


def panel(name: str, scores: VideoScores, label: int, found: np.ndarray, grid: TimeGrid) -> Panel:
    """The curves and detections (N, 3) start_s, end_s, score of one model."""
    length_t = len(scores.actionness)
    return Panel(
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


def blend(color: str, share: float) -> tuple[float, ...]:
    """A colour over white."""
    return tuple(1 - share * (1 - np.array(to_rgb(color))))


def rescale(values: np.ndarray) -> np.ndarray:
    """Values (N,) moved to [0, 1]; constant ones become 1."""
    if not len(values):
        return values
    low, high = np.min(values), np.max(values)
    return (values - low) / (high - low) if high > low else np.ones_like(values)
