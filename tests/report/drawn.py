"""What a drawn figure shows: numbers and words read back from its artists."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure


def points(axis: Axes) -> list[list[list[float]]]:
    """The (x, y) of every line, line by line."""
    return [np.round(line.get_xydata(), 9).tolist() for line in axis.lines]


def texts(found) -> list[str]:
    """The words of text artists."""
    return [text.get_text() for text in found]


def ticks(axis: Axes, way: str) -> list[str]:
    """Tick labels of the axis "x" or "y"."""
    return texts(getattr(axis, f"get_{way}ticklabels")())


def legend(figure: Figure) -> list[str]:
    """The words of the figure's legend."""
    return texts(figure.legends[0].get_texts())


def cells(axis: Axes) -> np.ndarray:
    """The numbers of a heat map, row by row; nan where it is masked."""
    rows = len(axis.get_yticklabels())
    return np.ma.filled(axis.collections[0].get_array().astype(float), np.nan).reshape(rows, -1)
