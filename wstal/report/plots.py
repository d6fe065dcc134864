"""The look of all figures: colours, titles, legends, and `save`, the only function that writes one.

A file figure_<what>.py holds the figures of one kind. Each figure is a frozen record of the numbers and words that it shows,
made by a function, with a method `draw` that adds nothing to them.
"""

import textwrap
from typing import Literal

import matplotlib
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from wstal.base import files
from wstal.base.paths import Tree

LegendPlace = Literal["outside lower center", "outside right upper"]

INK, PALE, TRUTH, FOUND, FOREGROUND, ACTION = "#333333", "#b5b5b5", "#2a9d5c", "#d1495b", "#30638e", "#e08a1e"
SHADES = ("#3aa67c", "#8fd0f5", "#d98c00", "#f0e442", "#d58fb8", "#d4d4d4")  # kinds of detections, the true ones first
LETTERS = 10.5  # of a title, an inch
MARKERS = "osD^vP*X"  # shapes tell lines apart where colours do not

sns.set_theme(style="ticks", context="notebook", font_scale=0.85, palette="colorblind")
matplotlib.rcParams |= {"figure.dpi": 110, "savefig.dpi": 110, "svg.hashsalt": "wstal", "axes.titlelocation": "left"}


def save(figure: Figure, entry: str, name: str, tree: Tree) -> None:
    """Write reports/figures/<entry>/<name>.png; the bytes depend on the drawing alone."""
    with files.fresh(tree.output(tree.figures(entry) / f"{name}.png")) as path:
        figure.savefig(path, bbox_inches="tight", metadata={"Software": None})


def head(figure: Figure, title: str) -> None:
    """What a figure shows, above its left edge, in as many lines as its width asks for."""
    lines = (textwrap.fill(line, int(LETTERS * figure.get_figwidth())) for line in title.splitlines())
    figure.suptitle("\n".join(lines), x=0.01, ha="left")


def legend(figure: Figure, axis: Axes, place: LegendPlace = "outside lower center", columns: int = 4, scale: float = 1) -> None:
    """A legend beside the data, each label once."""
    found = {text: handle for handle, text in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(list(found.values()), list(found), loc=place, ncols=columns, markerscale=scale, frameon=False)


def blend(color: str, share: float) -> tuple[float, ...]:
    """A colour over white."""
    return tuple(1 - share * (1 - np.array(to_rgb(color))))


def rescale(values: np.ndarray) -> np.ndarray:
    """Values (N,) moved to [0, 1]; constant ones become 1."""
    if not len(values):
        return values
    low, high = np.min(values), np.max(values)
    return (values - low) / (high - low) if high > low else np.ones_like(values)
