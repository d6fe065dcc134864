"""Claims: signs, four verdicts, two evaluators, the bound, and every cell of the table."""

import numpy as np
import pytest
from scipy import stats

from tests.report.made import averages, make_metrics
from wstal.report import claims
from wstal.report.claims import Claim

CASES = [
    ([50, 61, 55], [40, 50, 45], "holds"),
    ([40, 50, 45], [50, 61, 55], "fails"),
    ([50, 60, 50], [49.9, 60, 50.1], "no difference"),
    ([50, 60, 50], [55, 40, 45], "undecided"),
    ([50, 40, 50], [55, 60, 45], "undecided"),
    ([50], [40], "undecided"),
]


def judged(*differences, official=None):
    """Verdicts on claims of these differences, one table."""
    parts = zip(differences, official or [None] * len(differences), strict=True)
    return claims.judge(
        [
            Claim(f"claim {n}", "AVG", np.array(one), official=other if other is None else np.array(other))
            for n, (one, other) in enumerate(parts)
        ]
    )


@pytest.mark.parametrize(("better", "worse", "verdict"), CASES)
def test_a_claim_gets_one_of_four_verdicts(better, worse, verdict):
    (claim,) = claims.claims(averages(full=better, no_background=worse))
    np.testing.assert_allclose(claim.differences, np.subtract(better, worse))
    assert claim.text == "the background class helps" and claims.judge([claim])[0].verdict == verdict


def test_claims_of_a_table_are_corrected_together():
    sure = [10.0, 14.0, 17.0, 8.0]
    assert [one.verdict for one in judged(sure)] == ["holds"]
    assert [one.verdict for one in judged(sure, *[[5.0, -4.0, 1.0, 9.0]] * 9)] == ["undecided"] * 10


def test_the_bound_is_two_points_or_the_papers_smaller_difference():
    assert [Claim("", "AVG", np.zeros(3), printed).bound for printed in (None, 3.4, 0.3, 0.0, -1.0)] == [2, 2, 0.3, 2, 2]


def test_what_the_paper_prints_is_taken_from_its_table():
    metrics = averages(full=[50, 60], um=[40, 50], no_background=[30, 30], wtalc=[1, 2])
    assert {claim.text.split()[-1]: claim.published for claim in claims.claims(metrics)} == {
        "W-TALC": None,  # which prints no average
        "UM": 0.3,
        "helps": 3.4,
    }


def test_a_row_of_the_table_by_hand():
    found = Claim(
        "one is better than two", "AVG", np.array([10.0, 20.0, -1.5]), 1.25, np.array([9.0, 21.0, 0.0]), "Ours is best"
    )
    t = found.differences.mean() / (found.differences.std(ddof=1) / np.sqrt(3))
    p = f"{2 * stats.t.sf(t, 2):.3f}"
    table = claims.verdicts([found])
    assert table.header == claims.HEADER
    assert table.rows == (
        (
            "one is better than two", "AVG", "+1.25", "1.25", "undecided", "+9.5", "[−1.5, +20.0]", "67 % (2 of 3)", p, "13",
            "undecided", "+10.0", "“Ours is best”",
        ),
    )  # fmt: skip
    assert table.title == (
        "1 claim: 0 hold here, 0 fail, 0 show no difference that matters, 1 undecided; the official evaluator changes 0 of 1 "
        "verdicts"
    )
    assert "below 0.05 decides" in table.caption and "mean in 75 % of all cases at most" in table.caption


def test_the_p_of_no_difference_is_the_one_that_it_rests_on():
    (found,) = judged([0.1, -0.1, 0.2])
    t = (2 - np.mean([0.1, -0.1, 0.2])) / stats.sem([0.1, -0.1, 0.2])
    assert found.cells()[8] == f"{stats.t.sf(t, 2):.3f}" and found.cells()[9] == "–"


def test_columns_without_a_word_are_left_out():
    table = claims.verdicts([Claim("alone", "purity", np.array([5.0, 6.0, 5.5]))])
    assert table.header == ("claim", "measure", "bound", "here", "difference", "95 % interval", "better on", "p")
    assert "evaluator" not in table.title and "Official" not in table.caption
    assert claims.verdicts([]).header == claims.HEADER


def test_the_count_tells_the_verdicts_apart():
    checked = [claims.judge(claims.claims(averages(full=better, no_background=worse)))[0] for better, worse, _ in CASES]
    assert claims.count(checked) == (
        "6 claims: 1 hold here, 1 fail, 1 show no difference that matters, 3 undecided; the official evaluator changes 0 of 6 "
        "verdicts"
    )


def test_both_evaluators_judge_and_where_they_differ_is_said():
    same, moves, turns = judged(
        [10.0, 11.0, 9.0, 10.0], [3.0, -5.0, 4.0, 1.0], [9.0, 10.0, 9.5, 9.0],
        official=[[10.0, 11.1, 9.0, 10.0], [-3.0, -11.1, -2.0, -5.0], [-9.0, -10.0, -9.4, -9.0]],
    )  # fmt: skip
    assert [(one.verdict, one.official.verdict) for one in (same, moves, turns)] == [
        ("holds", "holds"), ("undecided", "undecided"), ("holds", "fails"),
    ]  # fmt: skip
    assert [one.changed for one in (same, moves, turns)] == [False, False, True]
    assert [one.depends for one in (same, moves, turns)] == [False, True, True]
    table = claims.verdicts([one.claim for one in (same, moves, turns)])
    assert table.title.endswith("the official evaluator changes 1 of 3 verdicts")
    assert table.caption.endswith(
        "What depends on the evaluator: claim 1 (undecided with +0.8, official undecided with −5.3); claim 2 (holds with +9.4, "
        "official fails with −9.3)."
    )


def test_the_official_evaluator_is_the_group_unified():
    rows = {"wsad": [{"all": [60, 10], "unified": [50, 20]}], "stpn": [{"all": [50, 90], "unified": [45, 10]}]}
    (claim,) = claims.claims(make_metrics(rows, "metric_table1", tious=[0.1, 0.5]))
    np.testing.assert_allclose(claim.differences, [-80])
    np.testing.assert_allclose(claim.official, [10])
    (claim,) = claims.claims(make_metrics(rows, "metric_table1", tious=[0.1, 0.5], protocol="activitynet"))
    assert claim.official is None


def test_a_claim_is_tested_at_the_tiou_that_the_paper_names():
    rows = {"wsad": [{"all": [60, 10]}], "wtalc": [{"all": [50, 90]}]}
    found = claims.claims(make_metrics(rows, "metric_table2", tious=[0.1, 0.3], protocol="activitynet"))
    assert [(claim.measure, round(float(claim.differences[0]))) for claim in found] == [("mAP@0.1", 10), ("mAP@0.3", -80)]
    assert [claim.published for claim in found] == [6.6, 2.9]
    assert claims.claims(make_metrics(rows, "metric_table2")) == []


def test_a_claim_that_two_are_alike_holds_where_they_are_and_fails_where_they_differ():
    same, differ, open_ = ([0.1, -0.1, 0.2], [10.0, 11.0, 9.0], [5.0, -9.0, 1.0])
    table = [Claim("", "AVG", np.array(one), official=np.array(one), alike=True) for one in (same, differ, open_)]
    assert [(one.verdict, one.official.verdict) for one in claims.judge(table)] == [
        ("holds", "holds"), ("fails", "fails"), ("undecided", "undecided"),
    ]  # fmt: skip
    negative = claims.judge([Claim("", "AVG", -np.array(differ), alike=True)])
    assert [one.verdict for one in negative] == ["fails"]


def test_what_no_paper_says_stands_apart_and_does_not_count():
    """FAC-Net's table has no deep metric learning: that comparison is ours, and corrected by itself."""
    found = averages(full=[50, 61, 55], no_background=[40, 50, 45], wsad=[40, 50, 45])
    paper, ours = claims.claims(found), claims.ours(found)
    assert [one.text for one in paper] == ["the background class helps"] and paper[0].quote
    assert [one.text.split(",")[0] for one in ours] == ["FAC-Net is better than deep metric learning"] and not ours[0].quote
    table = claims.verdicts(paper, ours)
    assert table.title.startswith("1 claim: 1 hold here") and len(table.rows) == 2
    assert table.rows[1][0].startswith("ours: FAC-Net is better") and table.rows[0][8] == table.rows[1][8]
    assert table.header[-1] == "the paper" and table.rows[1][-1] == "–"
    assert table.caption.endswith(" What no paper claims is marked ours, corrected by itself, and not counted.")
    assert "marked ours" not in claims.verdicts(paper).caption
    alone = claims.verdicts([], ours)
    assert alone.title == "No claim of a paper" and len(alone.rows) == 1 and "Official: " in alone.caption


def test_claims_about_missing_rows_are_left_out():
    assert claims.claims(averages(full=[40])) == []


def test_a_single_seed_says_little():
    (found,) = judged([10.0])
    assert found.cells()[4:] == ("undecided", "+10.0", "–", "100 % (1 of 1)", "1.000", "–", "–", "–", "–")


@pytest.mark.parametrize(("seeds", "share"), [(2, "50 %"), (5, "94 %"), (6, None), (10, None)])
def test_a_caption_says_what_few_seeds_cover(seeds, share):
    text = claims.caption(judged(list(np.arange(float(seeds)))))
    assert (f"of {seeds} seeds" in text) == (share is not None) and (share is None or f"mean in {share} of all cases" in text)


def test_a_small_p_is_no_zero():
    assert (claims.small(0.0004), claims.small(0.0005), claims.small(0.25)) == ("<0.001", "0.001", "0.250")


def test_seeds_to_decide_have_an_end():
    (found,) = judged([1.9, 22.0, -17.8])
    assert found.cells()[9] == ">200"
