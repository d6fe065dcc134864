"""Histograms of a dataset: what they show by hand, and that the drawing shows it."""

import numpy as np
import pytest

from tests.report.drawn import legend, points
from wstal.report import figure_dataset
from wstal.report.plots import FOUND, INK

OWN = {"length (s)": np.array([1.5, 2.5, 2.5, 9.5]), "instances": np.array([1.0, 1.0, 3.0])}


def test_distributions_by_hand():
    length, count = figure_dataset.distributions(OWN, {"instances": 2.125}).quantities
    assert (length.name, length.mean, length.published, length.whole) == ("length (s)", 4, None, False)
    assert (count.name, round(count.mean, 9), count.published, count.whole) == ("instances", round(5 / 3, 9), 2.125, True)
    assert (length.title, count.title) == ("mean 4.00", "mean 1.67, published 2.12")


def test_whole_numbers_far_apart_are_binned():
    assert not figure_dataset.Quantity("n", np.array([0.0, 40.0]), None).whole
    assert figure_dataset.Quantity("n", np.array([0.0, 39.0]), None).whole


def test_distributions_as_drawn():
    found = figure_dataset.distributions(OWN, {"instances": 2.125})
    figure = found.draw()
    length, count = figure.axes
    assert [bar.get_height() for bar in count.patches] == [2, 0, 1]
    assert [bar.get_x() + bar.get_width() / 2 for bar in count.patches] == [1, 2, 3]
    assert len(length.patches) == 20 and sum(bar.get_height() for bar in length.patches) == 4
    assert length.patches[0].get_x() == 1.5 and length.patches[2].get_height() == 2
    assert [x for (x, _), _ in points(length)] == [4]
    assert [x for (x, _), _ in points(count)] == pytest.approx([5 / 3, 2.125])
    assert [line.get_color() for line in count.lines] == [INK, FOUND]
    assert [axis.get_xlabel() for axis in figure.axes] == list(OWN) and length.get_ylabel() == "count"
    assert [axis.get_title("left") for axis in figure.axes] == [one.title for one in found.quantities]
    assert legend(figure) == ["mean", "published mean"]
