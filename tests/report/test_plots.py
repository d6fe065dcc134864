"""Figures show the numbers of the metrics."""

import matplotlib
import msgspec
import numpy as np
import pytest
from matplotlib import pyplot as plt

from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.evaluation.metrics import Cell, Metrics
from wstal.report import plots


@pytest.fixture
def metrics():
    """Three rows of metric_figures, two seeds, two thresholds."""
    rows = {
        "bbce": {"0": {"all": Cell([0.6, 0.2], 0.4)}, "1": {"all": Cell([0.8, 0.4], 0.6)}},
        "k_2": {"0": {"all": Cell([0.5, 0.1], 0.3)}, "1": {"all": Cell([0.5, 0.1], 0.3)}},
        "k_10": {"0": {"all": Cell([0.4, 0.2], 0.3)}, "1": {"all": Cell([0.4, 0.0], 0.2)}},
    }
    yield Metrics(
        "metric_figures", "thumos14-sim", "Simulated.", "thumos-wsad", [0.3, 0.5], dict.fromkeys(rows, "released"), rows
    )
    plt.close("all")


def test_curves_are_means_over_seeds_and_missing_rows_are_left_out(metrics):
    figure = plots.curves(metrics, ["bbce", "bce"], "Figure 2")
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), [70, 30])
    assert "balanced" in line.get_label()


def test_a_sweep_is_in_the_order_of_its_values(metrics):
    axis = plots.sweep(metrics, {"k": "k"}, "Figure 4").axes[0]
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[2, 30], [10, 25]])
    assert axis.get_ylim()[0] == 0 and [line.get_ydata().tolist() for line in axis.lines[1:]] == [[30, 30], [30, 20]]


def test_a_dot_for_each_seed_and_a_diamond_for_the_mean(metrics):
    axis = plots.published_and_ours(metrics).axes[0]
    assert sorted(len(line.get_xdata()) for line in axis.lines) == [1, 1, 1, 2, 2, 2]
    assert axis.get_xlabel().endswith("(%)")


def test_the_map_of_shared_errors_hides_the_diagonal(metrics):
    axis = plots.overlap(["a", "b"], np.array([[1.0, 0.25], [0.5, 1.0]])).axes[0]
    assert sorted(text.get_text() for text in axis.texts) == ["0.25", "0.50"]


def test_variants_are_means_of_their_groups(metrics):
    (line,) = plots.variants(metrics, ["all"]).axes[0].lines
    np.testing.assert_allclose(line.get_xdata(), [50, 30, 25])


def test_variants_of_one_value_lie_apart(metrics):
    first, second = plots.variants(metrics, ["all", "all"]).axes[0].lines
    assert (second.get_ydata() - first.get_ydata() > 0.5).all()


def test_the_legend_names_what_only_the_last_row_has(metrics):
    rows = {"csn": metrics.rows["bbce"], "all": metrics.rows["k_2"]}
    found = msgspec.structs.replace(metrics, entry="lgbm_union", rows=rows)
    texts = [text.get_text() for text in plots.published_and_ours(found).legends[0].get_texts()]
    assert texts == ["each seed on thumos14-sim", "mean", "published, on the paper's features"]


def test_of_detections_over_each_other_the_last_and_best_one_is_seen():
    grid, scores = TimeGrid(25.0, 16, 16), VideoScores(np.zeros((10, 2)), np.zeros(2), np.zeros(10))
    found = np.array([[0.0, 6.0, 0.1], [2.0, 4.0, 0.9]])
    axis = plots.timeline({"a": scores}, 0, np.array([[2.0, 4.0]]), {"a": found}, grid, "title").axes[0]
    worse, better = (bar for bar in axis.patches if bar.get_y() < 0 and bar.get_height() < 0.5)
    assert better.get_facecolor() == pytest.approx((*matplotlib.colors.to_rgb(plots.FOUND), 1)) and worse.get_alpha() is None
    assert worse.get_facecolor()[1] > better.get_facecolor()[1] and axis.get_xlim() == pytest.approx((0, 6.4))
