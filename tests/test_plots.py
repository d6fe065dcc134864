"""Figures show the numbers of the metrics."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from wstal import plots
from wstal.metrics import Cell, Metrics


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
    figure = plots.curves(metrics, ["bbce", "bce"])
    (line,) = figure.axes[0].lines
    np.testing.assert_allclose(line.get_ydata(), [70, 30])
    assert "balanced" in line.get_label()


def test_a_sweep_is_in_the_order_of_its_values(metrics):
    axis = plots.sweep(metrics, {"k": "k"}).axes[0]
    np.testing.assert_allclose(axis.lines[0].get_xydata(), [[2, 30], [10, 25]])


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
