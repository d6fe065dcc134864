"""The order of rows here and in print: correlations by hand, and which rows and tables have one."""

import numpy as np
import pytest

from tests.report.made import averages, make_metrics
from wstal.report import ranks
from wstal.report.ranks import RankOrder

PRINTED = np.array([1.0, 2.0, 3.0, 4.0])


def order(title, *ours, official=None):
    """An order of these averages, one list of seeds a row."""
    ours = np.array(ours, dtype=float)
    return RankOrder(title, PRINTED, ours, ours if official is None else np.array(official, dtype=float))


def test_correlations_by_hand():
    assert ranks.spearman(PRINTED, 10 * PRINTED) == 1 and ranks.spearman(PRINTED, -PRINTED) == -1
    assert ranks.spearman(PRINTED, np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(0.6)  # 1 - 6 * 4 / (4 * 15)
    assert ranks.spearman(PRINTED, np.array([1.0, 2.0, 2.0, 3.0])) == pytest.approx(4.5 / np.sqrt(5 * 4.5))
    assert np.isnan(ranks.spearman(PRINTED, np.ones(4)))


def test_rows_that_print_an_average_have_an_order():
    """W-TALC's row lacks a column and its average, deep metric learning is not in the table."""
    found = ranks.order(averages(stpn=[1, 3], wtalc=[9, 9], wsad=[8, 8], bm=[3, 5], basnet=[2, 3], um=[7, 8]))
    assert found.printed.tolist() == [27.0, 36.3, 35.3, 41.9] and found.ours.mean(1).tolist() == [2.0, 4.0, 2.5, 7.5]
    assert ranks.order(averages(stpn=[1], bm=[3], um=[7])) is None


def test_a_table_without_averages_is_ordered_by_the_mean_of_its_columns():
    rows = {f"kappa_{k}": [{"all": [k, k], "unified": [k, k]}] for k in (2, 3, 4, 5)}
    found = ranks.order(make_metrics(rows, "metric_table5"))
    assert found.printed == pytest.approx([35.5, 36.525, 37.1, 36.2])


def test_a_table_by_hand():
    one = order("Paper, Table 1: a", [1, 3], [3, 3], [5, 4], [6, 9], official=[[4], [3], [2], [1]])
    two = order("Paper, Table 2: b", [2], [1], [4], [3])
    other = order("Other, Table 1: c", [1], [2], [3], [4])
    found = ranks.table([one, two, other]).rows
    assert [row[:3] + row[4:] for row in found] == [
        ("Paper, Table 1: a", "4", "+1.00", "−1.00"),
        ("Paper, Table 2: b", "4", "+0.60", "+0.60"),
        ("Paper, mean of its tables", "–", "+0.80", "−0.20"),
        ("Other, Table 1: c", "4", "+1.00", "+1.00"),
    ]
    assert found[3][3] == "[+1.00, +1.00]" and found[1][3].startswith("[−") and found[1][3].endswith("+1.00]")


def test_a_few_seeds_that_disagree_widen_the_interval():
    sure = order("a, b", *[[value] * 6 for value in (1, 2, 3, 4)])
    unsure = order("a, b", *[[value, -value] * 3 for value in (1, 2, 3, 4)])
    low = [np.nanquantile(ranks.resampled(one, 0), 0.05) for one in (sure, unsure)]
    assert low[0] == pytest.approx(1) and low[1] < 0
