"""Figures of rows: what they show by hand, and that the drawing shows it."""

import matplotlib
import numpy as np
import pytest

from tests.report.drawn import legend, points, ticks
from tests.report.made import make_metrics
from wstal.report import figure_rows
from wstal.report.plots import FOREGROUND, FOUND

AXIS = "average mAP, mean over 2 tIoUs from 0.5 to 0.7 (%)"
ROWS = {  # published averages of facnet_table1: 27.0, none, 42.2
    "stpn": [{"all": [30, 10], "unified": [12, 8]}, {"all": [40, 20], "unified": [22, 8]}],
    "wsad": [{"all": [20, 10], "unified": [14, 6]}, {"all": [22, 10], "unified": [16, 6]}],
    "full": [{"all": [50, 30], "unified": [40, 20]}, {"all": [54, 34], "unified": [44, 20]}],
}


@pytest.fixture
def metrics():
    return make_metrics(ROWS)


def test_beside_published_by_hand(metrics):
    found = figure_rows.beside_published(metrics)
    assert (found.title, found.axis, found.dataset) == ("FAC-Net, Table 1: detection on THUMOS14", AXIS, "thumos14-sim")
    assert [(row.label, row.seeds.round(9).tolist(), round(row.mean, 9), row.published) for row in found.rows] == [
        ("STPN", [20, 30], 25, 27.0),
        ("deep metric learning", [15, 16], 15.5, None),
        ("FAC-Net", [40, 44], 42, 42.2),
    ]


def test_beside_published_as_drawn(metrics):
    figure = figure_rows.beside_published(metrics).draw()
    (axis,) = figure.axes
    assert points(axis) == [
        [[20, 0], [30, 0]], [[25, 0]], [[27, 0]],
        [[15, 1], [16, 1]], [[15.5, 1]],
        [[40, 2], [44, 2]], [[42, 2]], [[42.2, 2]],
    ]  # fmt: skip
    assert [line.get_marker() for line in axis.lines] == [".", "D", "|", ".", "D", ".", "D", "|"]
    assert [line.get_color() for line in axis.lines[:3]] == [FOREGROUND, FOREGROUND, FOUND]
    assert ticks(axis, "y") == ["STPN", "deep metric learning", "FAC-Net"] and list(axis.get_yticks()) == [0, 1, 2]
    assert axis.get_ylim() == (2.5, -0.5)  # the first row uppermost
    assert legend(figure) == ["each seed on thumos14-sim", "mean", "published, on the paper's features"]
    assert axis.get_xlabel() == AXIS and figure.get_suptitle() == "FAC-Net, Table 1: detection on THUMOS14"


def test_the_legend_names_what_only_the_last_row_has():
    figure = figure_rows.beside_published(make_metrics({row: ROWS[row] for row in ("wsad", "full")})).draw()
    assert legend(figure) == ["each seed on thumos14-sim", "mean", "published, on the paper's features"]


def test_variants_by_hand(metrics):
    found = figure_rows.variants(metrics, ["unified", "all"])
    assert found.title == "FAC-Net, Table 1: detection on THUMOS14, on thumos14-sim"
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
    assert (found.title, found.axis, found.tious) == ("Figure 2", "mAP (%) on thumos14-sim", (0.5, 0.7))
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
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("tIoU", "mAP (%) on thumos14-sim")
