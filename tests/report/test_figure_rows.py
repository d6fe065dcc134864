"""Figures of rows: what they show by hand, and that the drawing shows it."""

import matplotlib
import msgspec
import numpy as np
import pytest

from tests.report.drawn import legend, points, ticks
from tests.report.made import make_metrics
from wstal.report import figure_rows
from wstal.report.plots import FOREGROUND, FOUND

AXIS = "average mAP, simulated, mean over 2 tIoUs from 0.5 to 0.7 (%)"
ROWS = {  # published averages of facnet_table1: 27.0, none, 42.2
    "stpn": [{"all": [30, 10], "unified": [12, 8]}, {"all": [40, 20], "unified": [22, 8]}],
    "wsad": [{"all": [20, 10], "unified": [14, 6]}, {"all": [22, 10], "unified": [16, 6]}],
    "full": [{"all": [50, 30], "unified": [40, 20]}, {"all": [54, 34], "unified": [44, 20]}],
}


@pytest.fixture
def metrics():
    return make_metrics(ROWS)


TITLE = "FAC-Net, Table 1: detection, on simulated THUMOS14"


def test_beside_published_by_hand(metrics):
    found = figure_rows.beside_published(metrics)
    assert (found.title, found.axis, found.dataset, found.original) == (TITLE, AXIS, "simulated THUMOS14", "THUMOS14")
    (panel,) = found.panels
    assert panel.title == "" and [(one.label, one.seeds.round(9).tolist(), one.mean, one.published) for one in panel.rows] == [
        ("STPN", [20, 30], 25, 27.0),
        ("deep metric learning", [15, 16], pytest.approx(15.5), None),
        ("FAC-Net", [40, 44], pytest.approx(42), 42.2),
    ]


def test_what_is_printed_of_another_dataset_has_an_axis_of_its_own(metrics):
    figure = figure_rows.beside_published(metrics).draw()
    here, there = figure.axes
    assert points(here)[:-1] == [  # the last line is for the legend
        [[20, 0], [30, 0]], [[25, 0]], [[15, 1], [16, 1]], [[15.5, 1]], [[40, 2], [44, 2]], [[42, 2]],
    ]  # fmt: skip
    assert points(there) == [[[27, 0]], [[42.2, 2]]] and {line.get_color() for line in there.lines} == {FOUND}
    assert [line.get_marker() for line in here.lines] == [".", "D"] * 3 + ["|"] and here.lines[0].get_color() == FOREGROUND
    assert ticks(here, "y") == ["STPN", "deep metric learning", "FAC-Net"] and list(here.get_yticks()) == [0, 1, 2]
    assert here.get_ylim() == there.get_ylim() == (2.5, -0.5)  # the first row uppermost
    assert legend(figure) == ["each seed on simulated THUMOS14", "mean", "printed, on THUMOS14"]
    assert here.get_xlabel().replace("\n", " ") == AXIS and there.get_xlabel() == "printed, on THUMOS14 (%)"
    assert figure.get_suptitle() == TITLE


def test_what_is_printed_of_the_same_dataset_lies_beside_ours(metrics):
    real = msgspec.structs.replace(metrics, dataset="thumos14")
    figure = figure_rows.beside_published(real).draw()
    (axis,) = figure.axes
    assert points(axis)[-2:] == [[[27, 0]], [[42.2, 2]]] and legend(figure) == ["each seed on thumos14", "mean", "printed"]
    assert "simulated" not in axis.get_xlabel() + figure.get_suptitle()


def test_names_of_two_parts_make_a_panel_a_beginning():
    """36 interleaved rows of FAC-Net's Table 4, of which two branches and two settings are here."""
    rows = {row: [{"all": [k], "unified": [k]}] for k, row in enumerate(("cw_1", "ca_1", "cw_1-2", "ca_1-2"), start=1)}
    found = figure_rows.beside_published(make_metrics(rows, "facnet_table4", tious=[0.5]))
    assert [(panel.title, [one.mean for one in panel.rows]) for panel in found.panels] == [
        ("CW", [pytest.approx(1), pytest.approx(3)]), ("CA", [pytest.approx(2), pytest.approx(4)]),
    ]  # fmt: skip
    figure = found.draw()
    assert [axis.get_title("left") for axis in figure.axes] == ["CW", "CA", "", ""]
    assert ticks(figure.axes[0], "y") == ["τ = 1", "τ = 1, 2"]


def test_names_that_do_not_repeat_stay_in_one_panel():
    dots = [figure_rows.Dots(name, np.ones(1), None) for name in ("CW", "CW, hybrid", "CA", "CA, hybrid")]
    assert [panel.title for panel in figure_rows.panels(dots)] == [""]


def test_variants_by_hand(metrics):
    found = figure_rows.variants(metrics, ["unified", "all"])
    assert found.title == TITLE
    assert found.axis == f"{AXIS}, mean over seeds"
    assert found.labels == ("STPN", "deep metric learning", "FAC-Net") and list(found.groups) == ["unified", "all"]
    np.testing.assert_allclose(found.groups["unified"], [12.5, 10.5, 31])
    np.testing.assert_allclose(found.groups["all"], [25, 15.5, 42])


def test_variants_as_drawn(metrics):
    figure = figure_rows.variants(metrics, ["unified", "all"]).draw()
    (axis,) = figure.axes
    assert points(axis) == [
        [[12.5, -0.33], [10.5, 0.67], [31, 1.67]],
        [[25, 0.33], [15.5, 1.33], [42, 2.33]],
    ]
    assert ticks(axis, "y") == ["STPN", "deep metric learning", "FAC-Net"] and axis.get_ylim() == (2.5, -0.5)
    assert legend(figure) == ["unified", "all"] and axis.get_xlabel() == f"{AXIS}, mean over seeds"


def test_one_variant_lies_in_the_middle_of_its_row(metrics):
    (axis,) = figure_rows.variants(metrics, ["all"]).draw().axes
    assert points(axis) == [[[25, 0], [15.5, 1], [42, 2]]]


def test_curves_by_hand(metrics):
    found = figure_rows.curves(metrics, ["full", "not_run", "stpn"], "Figure 2")
    assert (found.title, found.axis, found.tious) == ("Figure 2", "mAP (%) on simulated THUMOS14", (0.5, 0.7))
    assert [curve.label for curve in found.rows] == ["FAC-Net", "STPN"]
    np.testing.assert_allclose([curve.mean for curve in found.rows], [[52, 32], [35, 15]])
    np.testing.assert_allclose([curve.spread for curve in found.rows], np.sqrt([[8, 8], [50, 50]]))


def test_one_seed_has_no_spread():
    (curve,) = figure_rows.curves(make_metrics({"full": ROWS["full"][:1]}), ["full"], "").rows
    assert curve.mean.tolist() == [50, 30] and curve.spread.tolist() == [0, 0]


def test_curves_as_drawn(metrics):
    figure = figure_rows.curves(metrics, ["full", "stpn"], "Figure 2").draw()
    (axis,) = figure.axes
    assert points(axis) == [[[0.5, 52], [0.7, 32]], [[0.5, 35], [0.7, 15]]]
    bands = [band.get_paths()[0].get_extents() for band in axis.collections]
    np.testing.assert_allclose([band.y1 for band in bands], [52 + np.sqrt(8), 35 + np.sqrt(50)])
    np.testing.assert_allclose([band.y0 for band in bands], [32 - np.sqrt(8), 15 - np.sqrt(50)])
    colours = [matplotlib.colors.to_rgb(line.get_color()) for line in axis.lines]
    assert [tuple(band.get_facecolor()[0, :3]) for band in axis.collections] == colours
    assert ticks(axis, "x") == ["0.5", "0.7"] and axis.get_ylim()[0] == 0
    assert legend(figure) == ["FAC-Net", "STPN"] and figure.get_suptitle() == "Figure 2"
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("tIoU", "mAP (%) on simulated THUMOS14")
