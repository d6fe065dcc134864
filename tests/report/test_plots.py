"""The look of figures: legends and files."""

import pytest
from matplotlib import pyplot as plt

from tests.report import boxes
from tests.report.drawn import legend
from wstal.base.paths import Tree
from wstal.report import plots


def figure():
    drawn, axis = plt.subplots(layout="constrained")
    for label in ("one", "other", "one"):
        axis.plot([0, 1], label=label)
    plots.legend(drawn, axis)
    return drawn


def test_a_legend_has_each_label_once():
    assert legend(figure()) == ["one", "other"]


def test_a_saved_figure_is_the_same_file_each_time(tmp_path):
    tree = Tree(tmp_path)
    for name in ("one", "two"):
        plots.save(figure(), "mine", name, tree)
    one, two = ((tree.figures("mine") / f"{name}.png").read_bytes() for name in ("one", "two"))
    assert one == two and one.startswith(b"\x89PNG")


@pytest.mark.unlaid
def test_labels_that_leave_a_figure_or_overlap_are_found():
    """The test that looks at every other test's figures can fail."""
    figure, axis = plt.subplots(figsize=(3, 2), layout="constrained")
    axis.text(0.5, 0.5, "one")
    assert boxes.faults(figure) == []
    axis.text(0.5, 0.5, "two", size=4)
    figure.text(0.9, 0.97, "out of the frame")
    assert boxes.faults(figure) == [
        "'out of the frame' leaves the figure", "'one' and 'two' overlap", "'two' is smaller than 9 pixels"
    ]  # fmt: skip
