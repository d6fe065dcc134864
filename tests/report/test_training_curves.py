"""Losses of all rows: known answers, and panels that carry them."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt

from wstal.report import training_curves
from wstal.report.training_curves import Ending, History


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def falling():
    """Two runs of 20 steps: the first term is 4 in the first part, 2 in the middle, 1 in the last part; the second is 3."""
    first = np.array([4.0] * 2 + [2.0] * 16 + [1.0] * 2)
    one = np.stack([first, np.full(20, 3.0)], axis=1)
    return History("full", ("cw", "ca"), np.stack([one - 0.5, one + 0.5]))


def test_histories_hold_every_row_network_and_seed(monkeypatch):
    class Run:
        card = SimpleNamespace(entry="facnet_table1")

        def __init__(self, row, terms):
            self.row, self.settings = row, SimpleNamespace(loss_names=terms)

    kept = {"full": {"rgb": np.zeros((3, 2)), "flow": np.ones((3, 2))}, "own": {"joint": np.full((4, 1), 2.0)}}
    monkeypatch.setattr(training_curves.experiment, "histories", lambda runs, row: kept[row])
    runs = [Run("full", ("cw", "ca")), Run("full", ("cw", "ca")), Run("own", ("cls",))]
    full, own = training_curves.histories(runs)
    assert (full.label, own.label) == ("FAC-Net", "own") and (full.terms, own.terms) == (("cw", "ca"), ("cls",))
    assert full.values.shape == (2, 3, 2) and full.values[:, 0, 0].tolist() == [0, 1] and own.values.shape == (1, 4, 1)


def test_endings_are_means_over_parts_and_runs():
    first, second = training_curves.endings([falling()])
    assert (first.term, first.first, first.before, first.last) == ("cw", 4, 2, 1)
    assert (first.change, first.trend) == (-50, "falls")
    assert (second.term, second.first, second.before, second.last, second.trend) == ("ca", 3, 3, 3, "level")


@pytest.mark.parametrize(
    ("before", "last", "trend"),
    [(1.0, 0.94, "falls"), (1.0, 0.96, "level"), (1.0, 1.06, "rises"), (-1.0, -1.2, "falls"), (0.0, 1.0, "level")],
)
def test_a_small_change_is_none(before, last, trend):
    assert Ending("row", "term", 2.0, before, last).trend == trend


def test_a_training_of_one_step_has_an_end():
    (ending,) = training_curves.endings([History("row", ("cls",), np.full((1, 1, 1), 2.0))])
    assert (ending.first, ending.before, ending.last, ending.trend) == (2, 2, 2, "level")


def test_the_table_counts_what_still_falls():
    table = training_curves.table(training_curves.endings([falling()]))
    assert table.title == "1 of 2 losses still fall at the end"
    assert table.rows == (("full", "cw", "4", "1", "−50.0", "falls"), ("full", "ca", "3", "3", "+0.0", "level"))


def test_running_means():
    values = np.arange(40.0).reshape(1, 40, 1)
    np.testing.assert_allclose(training_curves.smooth(values)[0, :, 0], np.arange(39) + 0.5)


def test_terms_are_shares_of_their_largest_mean():
    history = History("row", ("a", "zero"), np.array([[[2.0, 0.0], [1.0, 0.0]], [[6.0, 0.0], [3.0, 0.0]]]))
    np.testing.assert_allclose(training_curves.shares(history)[..., 0], [[0.5, 0.25], [1.5, 0.75]])
    assert not training_curves.shares(history)[..., 1].any()


def test_every_row_has_a_panel_with_its_terms():
    own = History("own", ("cls",), np.linspace(5.0, 1.0, 20).reshape(1, 20, 1))
    figure = training_curves.draw([falling(), own])
    full, single = figure.axes
    assert [axis.get_title(loc="left") for axis in (full, single)] == ["full", "own"]
    np.testing.assert_allclose(full.lines[0].get_ydata()[[0, 5, -1]], [1, 0.5, 0.25])
    assert full.lines[1].get_ydata().tolist() == [1] * 20
    assert full.lines[0].get_xdata()[[0, -1]].tolist() == [1, 20]
    band = full.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (0.5 / 4, 4.5 / 4)
    assert [line.get_label() for line in single.lines] == ["cls"] and len(single.lines) == 1


def test_rows_of_one_method_share_a_legend_and_many_stay_readable():
    figure = training_curves.draw([falling()] * 4)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["cw", "ca"]
    assert len(figure.axes) == 4 and all(axis.get_legend() is None for axis in figure.axes)


def test_long_names_are_cut():
    assert training_curves.shortened("short") == "short"
    assert training_curves.shortened("abcdef ghi", most=8) == "abcdef…"
