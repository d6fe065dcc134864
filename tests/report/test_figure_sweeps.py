"""Figures of parameters: what they show by hand, and that the drawing shows it."""

import numpy as np
import pytest

from tests.report.drawn import cells, legend, points, texts, ticks
from tests.report.made import make_metrics
from wstal.report import figure_sweeps

AXIS = "average mAP, simulated, mean over 2 tIoUs from 0.5 to 0.7 (%)"


def seeds(*averages):
    """One {group: mAP} a seed with these averages."""
    return [{"all": [average + 5, average - 5]} for average in averages]


@pytest.fixture
def swept():
    """k in another order than its values; rows of other parameters beside it."""
    rows = {"k_10": seeds(20, 30), "bbce": seeds(1, 1), "k_2": seeds(30, 34), "block_6": seeds(9, 11), "k_3": seeds(10, 10)}
    return make_metrics(rows, "metric_figures")


def test_a_sweep_by_hand(swept):
    found = figure_sweeps.sweep(swept, {"block": "a block", "k": "k"}, "Figure 4")
    assert (found.title, found.axis, found.dataset) == ("Figure 4", AXIS, "simulated THUMOS14")
    block, k = found.panels
    assert (block.axis, block.values, block.means) == ("a block", (6.0,), pytest.approx([10]))
    assert (k.axis, k.values, k.means) == ("k", (2.0, 3.0, 10.0), pytest.approx([32, 10, 25]))
    np.testing.assert_allclose(k.seeds, [[30, 34], [10, 10], [20, 30]])


def test_a_sweep_as_drawn(swept):
    figure = figure_sweeps.sweep(swept, {"block": "a block", "k": "k"}, "Figure 4").draw()
    block, k = figure.axes
    assert points(block) == [[[6, 10]], [[6, 9], [6, 11]]]
    assert points(k) == [[[2, 32], [3, 10], [10, 25]], [[2, 30], [2, 34]], [[3, 10], [3, 10]], [[10, 20], [10, 30]]]
    assert [line.get_marker() for line in k.lines] == ["D", ".", ".", "."]
    assert ticks(k, "x") == ["2", "3", "10"] and k.get_ylim()[0] == 0
    assert (block.get_xlabel(), k.get_xlabel(), block.get_ylabel().replace("\n", " ")) == ("a block", "k", AXIS)
    assert legend(figure) == ["mean", "each seed on simulated THUMOS14"] and figure.get_suptitle() == "Figure 4"


@pytest.fixture
def weighted():
    """Weights of CW, CA, MIL; every mean tells its row."""
    rows = {
        "cw1_ca1_mil1": seeds(50, 52),
        "cw1_ca0.1_mil0.01": seeds(40, 40),
        "cw1_ca0.01_mil0.1": seeds(30, 30),
        "cw0.1_ca1_mil0.01": seeds(20, 20),
        "cw0.1_ca0.01_mil1": seeds(10, 12),
    }
    return make_metrics(rows, "facnet_figure4")


NAN = np.nan
CW, CA, MIL = (rf"$\lambda_\mathrm{{{name}}}$" for name in ("CW", "CA", "MIL"))


def test_weights_by_hand(weighted):
    found = figure_sweeps.weights(weighted)
    assert found.title.endswith(", on simulated THUMOS14") and found.scale == AXIS
    assert (found.low, found.high) == pytest.approx((11, 51))
    cw, ca, mil = found.panels
    assert [panel.title for panel in found.panels] == [f"{CW} = 1", f"{CA} = 1", f"{MIL} = 1"]
    assert [(panel.rows, panel.columns) for panel in found.panels] == [(CA, MIL), (CW, MIL), (CW, CA)]
    assert cw.row_values == cw.column_values == (0.01, 0.1, 1)
    np.testing.assert_allclose(cw.mAP, [[NAN, 30, NAN], [40, NAN, NAN], [NAN, NAN, 51]])
    assert (ca.row_values, ca.column_values) == ((0.1, 1), (0.01, 1))
    np.testing.assert_allclose(ca.mAP, [[20, NAN], [NAN, 51]])
    assert (mil.row_values, mil.column_values) == ((0.1, 1), (0.01, 1))
    np.testing.assert_allclose(mil.mAP, [[11, NAN], [NAN, 51]])


def test_weights_as_drawn(weighted):
    found = figure_sweeps.weights(weighted)
    figure = found.draw()
    *axes, bar = figure.axes
    for axis, panel in zip(axes, found.panels, strict=True):
        np.testing.assert_allclose(cells(axis), panel.mAP)
        assert ticks(axis, "y") == [f"{value:g}" for value in panel.row_values]
        assert ticks(axis, "x") == [f"{value:g}" for value in panel.column_values]
        assert (axis.get_title("left"), axis.get_ylabel(), axis.get_xlabel()) == (panel.title, panel.rows, panel.columns)
        assert axis.get_ylim() == (0, len(panel.row_values))  # low weights below
        assert axis.collections[0].get_clim() == pytest.approx((11, 51))
    assert texts(axes[0].texts) == ["30.0", "40.0", "51.0"] and texts(axes[1].texts) == ["20.0", "51.0"]
    assert bar.get_ylabel().replace("\n", " ") == AXIS and figure.get_suptitle() == found.title


@pytest.mark.filterwarnings("ignore:Attempting to set identical")
def test_weights_of_which_no_row_was_run_leave_their_map_empty():
    """As in a smoke run, which has the first rows alone."""
    found = figure_sweeps.weights(make_metrics({"cw1_ca0.1_mil0.01": seeds(40)}, "facnet_figure4"))
    assert [panel.mAP.shape for panel in found.panels] == [(1, 1), (0, 0), (0, 0)]
    assert [len(axis.texts) for axis in found.draw().axes[:3]] == [1, 0, 0]
