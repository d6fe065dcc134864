"""Claims: signs, verdicts that can go either way, a paired test, and their count."""

import numpy as np
import pytest
from scipy import stats

from tests.report.made import averages, make_metrics
from wstal.report import claims
from wstal.report.claims import Claim

CASES = [
    ([50, 61, 55], [40, 50, 45], "holds"),
    ([40, 50, 45], [50, 61, 55], "fails"),
    ([50, 60, 50], [55, 40, 45], "undecided, for"),
    ([50, 40, 50], [55, 60, 45], "undecided, against"),
    ([50], [40], "undecided, for"),
]


@pytest.mark.parametrize(("better", "worse", "verdict"), CASES)
def test_claims_hold_fail_or_stay_undecided(better, worse, verdict):
    (claim,) = claims.claims(averages(full=better, no_background=worse))
    assert claim.verdict == verdict and claim.text == "the background class helps"
    np.testing.assert_allclose(claim.differences, np.subtract(better, worse))


def test_a_row_of_the_table_by_hand():
    found = Claim("one is better than two", "AVG", np.array([10.0, 20.0, -1.5]))
    t = found.differences.mean() / (found.differences.std(ddof=1) / np.sqrt(3))
    p = f"{2 * stats.t.sf(t, 2):.3f}"
    table = claims.verdicts([found])
    assert table.header == ("claim", "measure", "here", "difference", "seeds for it", "p")
    assert table.rows == (("one is better than two", "AVG", "undecided, for", "+9.5", "2 of 3", p),)
    assert "p < 0.05" in table.caption and table.title == "1 claim: 0 hold here, 0 fail, 1 undecided"


def test_the_count_tells_the_verdicts_apart():
    checked = [claims.claims(averages(full=better, no_background=worse))[0] for better, worse, _ in CASES]
    assert claims.count(checked) == "5 claims: 1 hold here, 1 fail, 3 undecided"
    assert claims.verdicts(checked).title == claims.count(checked)
    assert [row[2] for row in claims.verdicts(checked).rows] == [verdict for *_, verdict in CASES]


def test_a_claim_is_tested_at_the_tiou_that_the_paper_names():
    rows = {"wsad": [{"all": [60, 10]}], "wtalc": [{"all": [50, 90]}]}
    found = claims.claims(make_metrics(rows, "metric_table2", tious=[0.1, 0.3]))
    assert [(claim.measure, round(float(claim.differences[0]))) for claim in found] == [("mAP@0.1", 10), ("mAP@0.3", -80)]
    assert claims.claims(make_metrics(rows, "metric_table2")) == []


def test_claims_about_missing_rows_are_left_out():
    assert claims.claims(averages(full=[40])) == []


def test_the_paired_test_is_a_t_test():
    (claim,) = claims.claims(averages(full=[50, 60, 70], no_background=[40, 40, 60]))
    differences = np.array([10.0, 20.0, 10.0])
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(3))
    assert claim.p == pytest.approx(2 * stats.t.sf(t, 2))


def test_equal_seeds_decide_nothing():
    (claim,) = claims.claims(averages(full=[50, 60], no_background=[40, 50]))
    assert claim.p == 1 and claim.verdict == "undecided, for"


def test_a_small_p_is_no_zero():
    (claim,) = claims.claims(averages(full=[50, 50.01, 50.02], no_background=[30, 30, 30]))
    assert claim.cells()[-1] == "<0.001"
