"""Figures of errors: what they show by hand, and that the drawing shows it."""

import dataclasses

import matplotlib
import numpy as np
import pytest

from tests.report.drawn import cells, legend, texts, ticks
from wstal.evaluation.complementarity import Complementarity
from wstal.evaluation.diagnosis import ERRORS, KINDS, Diagnosis
from wstal.report import figure_errors
from wstal.report.plots import SHADES

ONE = Diagnosis(
    0.5, np.zeros(0), dict(zip(KINDS, (0.5, 0.1, 0.2, 0.02, 0.0, 0.18), strict=True)), 0.4, dict.fromkeys(ERRORS, 0.0), 0.6,
    (1.0, 2.0, 3.0), (0.1, 0.2, 0.3, 0.4),
)  # fmt: skip
OTHER = dataclasses.replace(ONE, share=dict(zip(KINDS, (0.3, 0.3, 0.0, 0.04, 0.1, 0.26), strict=True)))
DIAGNOSES = {"um": [ONE, OTHER], "full": [OTHER, OTHER]}
SHARES = [[40, 20, 10, 3, 5, 22], [30, 30, 0, 4, 10, 26]]


def test_kinds_by_hand():
    found = figure_errors.error_kinds("facnet_table1", DIAGNOSES)
    assert found.title == "What the best detections are at tIoU 0.5" and found.labels == ("UM", "FAC-Net")
    assert found.axis == "best detections of each class, as many as it has instances (%), mean over seeds"
    np.testing.assert_allclose(found.shares, SHARES)


def test_kinds_as_drawn():
    figure = figure_errors.error_kinds("facnet_table1", DIAGNOSES).draw()
    (axis,) = figure.axes
    bars = np.array(axis.patches).reshape(2, len(KINDS))
    np.testing.assert_allclose([[bar.get_width() for bar in row] for row in bars], SHARES, atol=1e-9)
    starts = [[0, 40, 60, 70, 73, 78], [0, 30, 60, 60, 64, 74]]
    np.testing.assert_allclose([[bar.get_x() for bar in row] for row in bars], starts)
    assert [bar.get_y() + bar.get_height() / 2 for bar in bars[:, 0]] == pytest.approx([0, 1])
    assert [bar.get_facecolor()[:3] for bar in bars[0]] == [matplotlib.colors.to_rgb(shade) for shade in SHADES]
    assert texts(axis.texts) == ["40", "20", "10", "5", "22", "30", "30", "4", "10", "26"]  # 3 % and 0 % have no place
    centres = [text.get_position() for text in axis.texts]
    np.testing.assert_allclose(centres[:3], [(20, 0), (50, 0), (65, 0)])
    assert ticks(axis, "y") == ["UM", "FAC-Net"] and axis.get_ylim() == (1.5, -0.5) and axis.get_xlim() == (0, 100)
    assert legend(figure) == list(KINDS)


MODELS = Complementarity(("a", "b", "c"), np.array([[1, 1, 0, 0], [1, 0, 0, 1], [0, 0, 0, 0]], dtype=bool))


def test_shared_errors_by_hand():
    """a misses instances 2 and 3, b 1 and 2, c all four: of the three that a or b misses they share one."""
    found = figure_errors.shared_errors(MODELS)
    assert (found.title, found.scale) == ("Missed by both, of what either misses", "share missed by both")
    assert found.models == ("a", "b", "c")
    np.testing.assert_allclose(found.shares, [[1, 1 / 3, 1 / 2], [1 / 3, 1, 1 / 2], [1 / 2, 1 / 2, 1]])


def test_shared_errors_as_drawn():
    shares = np.array([[1, 0.25, 0.5], [0.125, 1, 0.75], [0.375, 0.625, 1]])
    found = dataclasses.replace(figure_errors.shared_errors(MODELS), shares=shares)
    figure = found.draw()
    axis, bar = figure.axes
    np.testing.assert_allclose(cells(axis), np.where(np.eye(3), np.nan, shares))
    assert texts(axis.texts) == ["0.25", "0.50", "0.12", "0.75", "0.38", "0.62"]
    assert ticks(axis, "x") == ticks(axis, "y") == ["a", "b", "c"]
    assert axis.collections[0].get_clim() == (0, 1) and bar.get_ylabel() == found.scale
    assert figure.get_suptitle() == found.title
