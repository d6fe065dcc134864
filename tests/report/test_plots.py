"""The look of figures: running means of losses, legends, and files."""

import numpy as np

from tests.report.drawn import legend, points
from wstal.base.paths import Tree
from wstal.report import plots


def test_a_running_mean_by_hand():
    assert plots.running_mean(np.array([1.0, 3.0, 8.0, 4.0]), 2).tolist() == [2, 5.5, 6]
    assert plots.running_mean(np.array([1.0, 3.0]), 20).tolist() == [2]


def test_losses_as_drawn():
    """A panel a term, a line a history."""
    histories = {"one": np.array([[1.0, 5.0], [3.0, 7.0], [5.0, 1.0]]), "other": np.array([[2.0, 9.0], [4.0, 9.0]])}
    figure = plots.losses(histories, ["cls", "fg"], smooth=2)
    cls, fg = figure.axes
    assert points(cls) == [[[0, 2], [1, 4]], [[0, 3]]] and points(fg) == [[[0, 6], [1, 4]], [[0, 9]]]
    assert [axis.get_title("left") for axis in figure.axes] == ["loss cls", "loss fg"] and cls.get_xlabel() == "step"
    assert legend(figure) == ["one", "other"]


def test_a_saved_figure_is_the_same_file_each_time(tmp_path):
    tree = Tree(tmp_path)
    for name in ("one", "two"):
        plots.save(plots.losses({"a": np.ones((30, 1))}, ["cls"]), "mine", name, tree)
    one, two = ((tree.figures("mine") / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert one == two and one.startswith(b"\x89PNG")
