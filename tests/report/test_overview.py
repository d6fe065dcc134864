"""All claims at a glance: every verdict has its field, every paper its counts and its sum."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.report.made import make_metrics
from wstal.report import claims, overview
from wstal.report.claims import Claim
from wstal.report.overview import Strip
from wstal.report.plots import FOREGROUND, FOUND, PALE, TRUTH
from wstal.report.tables import Table

SURE = np.array([10.0, 10.1, 9.9])
UNSURE, NOTHING = np.array([3.0, -1.0, 1.0]), SURE / 100


def strip(title, *found, dataset="thumos14-sim"):
    """The claims of differences, or of (differences, official differences), one table."""
    pairs = [one if isinstance(one, tuple) else (one, None) for one in found]
    made = [Claim(chr(97 + n), "AVG", here, official=official) for n, (here, official) in enumerate(pairs)]
    return Strip(title, tuple(claims.judge(made)), dataset)


@pytest.fixture
def strips():
    return [
        strip("Paper, Table 1: one", SURE, -SURE, NOTHING, UNSURE),
        strip("Paper, Table 2: two", (UNSURE, -SURE), (-5 * SURE, -5 * SURE)),
    ]


def test_strips_are_the_claims_of_entries_that_have_some(monkeypatch):
    rows = {
        name: [{"all": [value + seed], "unified": [value]} for seed in range(3)] for name, value in (("full", 50), ("um", 20))
    }
    made = {"facnet_table1": make_metrics(rows, tious=[0.5]), "clips": make_metrics(rows, "clips", tious=[0.5])}
    monkeypatch.setattr(overview.metrics, "read", lambda entry, tree: made[entry])
    (found,) = overview.strips(list(made), None)
    assert (found.place, found.paper, found.dataset) == ("FAC-Net, Table 1", "FAC-Net", "thumos14-sim")
    assert [one.claim.text for one in found.claims] == ["FAC-Net is better than UM"] and len(found.verdicts) == 1
    assert overview.strips(list(made), None, claims.ours) == []


def test_a_field_has_the_colour_and_the_sign_of_its_verdict(strips):
    axis = overview.draw(strips).axes[0]
    fields = [
        (int(bar.get_x()), round(bar.get_y() + bar.get_height() / 2, 2), to_hex(bar.get_facecolor())) for bar in axis.patches
    ]
    assert fields == [
        (0, 0, TRUTH), (1, 0, FOUND), (2, 0, FOREGROUND), (3, 0, PALE),
        (0, 1, PALE), (0, 1.28, FOUND), (1, 1, FOUND), (1, 1.28, FOUND),
    ]  # fmt: skip
    seeds = [str(strips[row].claims[place].here.needed) for row, place in ((0, 3), (1, 0))]
    assert [text.get_text() for text in axis.texts] == [
        strips[0].title,
        "✓",
        "×",
        "=",
        seeds[0],
        strips[1].title,
        seeds[1],
        "×",
    ]


def test_every_kind_of_field_is_explained(strips):
    (legend,) = overview.draw(strips).legends
    assert {text.get_text() for text in legend.get_texts()} == {*overview.LEGEND.values(), overview.THIN}


def test_an_undecided_field_says_how_many_seeds_it_needs():
    (far, single) = strip("a", np.array([1.9, 22.0, -17.8])).claims + strip("b", np.array([3.0])).claims
    assert (overview.mark(far), overview.mark(single)) == (">200", "?")


def test_decided_claims_are_sorted_by_their_difference(strips):
    table = overview.decided(strips, "fails")
    assert table.title == "Claims that fail here: 2"
    assert [row[:2] for row in table.rows] == [
        ("Paper, Table 2, on simulated THUMOS14", "b"),
        ("Paper, Table 1, on simulated THUMOS14", "b"),
    ]
    assert overview.decided(strips[1:], "holds").rows == ()


def test_what_depends_on_the_evaluator(strips):
    table = overview.depending(strips)
    assert table.title == "Claims that depend on the evaluator: 1"
    ((*cells, p),) = table.rows
    assert cells == ["Paper, Table 2, on simulated THUMOS14", "a", "undecided", "+1.0", "fails", "−10.0", "−11.0"]
    assert 0 < float(p) < 0.05


def test_counts_by_hand(strips):
    other = strip("Other, Table 1: x", NOTHING)
    table = overview.counts([*strips, other])
    assert table.header == ("paper", "judged by", "claims", "holds", "fails", "no difference", "undecided")
    assert table.rows == (
        ("Paper", overview.HERE, "6", "1", "2", "1", "2"),
        ("Paper", overview.OFFICIAL, "6", "1", "3", "1", "1"),
        ("Paper", overview.ALONE, "6", "2", "2", "0", "2"),  # a tenth of a point, certainly above 0
        ("Other", overview.HERE, "1", "0", "0", "1", "0"),
        ("Other", overview.OFFICIAL, "1", "0", "0", "1", "0"),
        ("Other", overview.ALONE, "1", "1", "0", "0", "0"),
    )


def test_papers_in_sum_by_hand():
    """Middle half of 1 to 8 over two tables."""
    first = strip("Paper, Table 1: one", (np.array([1.0, 2.0]), np.array([-1.0, 2.0])), np.array([3.0, 4.0]))
    second = strip("Paper, Table 2: two", np.array([5.0, 6.0]), np.array([7.0, 8.0]), dataset="hacs-sim")
    ((paper, tables, count, ours, better, official, wins),) = overview.aggregates([first, second]).rows
    assert (paper, tables, count) == ("Paper", "2", "4")
    assert ours.startswith("+4.5 [+") and better == "100 % [100, 100]"
    assert official.startswith("+4.5 [+") and wins.startswith("88 % [")  # 1/2, 1, 1, 1


def test_a_sum_of_one_seed_has_no_interval_and_nothing_that_a_paper_prints():
    made = [Claim("", "AVG", np.array([1.0]), printed) for printed in (1.0, 2.0, 3.0, 100.0)]
    assert overview.aggregates([Strip("Paper, Table 1", tuple(claims.judge(made)), "a")]).rows[0][3:5] == ("+1.0", "100 %")


def test_strata_are_datasets_and_numbers_of_seeds():
    found = [strip("a", UNSURE, SURE), strip("b", NOTHING), strip("c", UNSURE, dataset="x"), strip("d", np.zeros(2))]
    assert [one.shape for one in overview.strata(found, overview.by_paper_evaluator)] == [(3, 3), (1, 3), (1, 2)]


def test_claims_that_two_are_alike_are_counted_and_not_summed():
    alike = Claim("", "AVG", NOTHING, 50.0, alike=True)
    better = Claim("", "AVG", SURE, 3.0)
    found = Strip("Paper, Table 1: a", tuple(claims.judge([alike, better])), "a")
    assert [row[3:] for row in overview.counts([found]).rows] == [("2", "0", "0", "0")] * 3
    assert [one.shape for one in overview.strata([found], overview.by_paper_evaluator)] == [(1, 3)]
    assert overview.alone(Claim("", "AVG", SURE, alike=True)) == "fails"


def test_folded_tables_open_below_their_title():
    text = overview.folded([Table("Title", "Caption.", ("row", "value"), (("a", "1"),))])
    assert text.startswith("<details><summary>Title</summary>\n\n| row | value |") and "**Title**" not in text
    assert text.rstrip().endswith("*Caption.*\n\n</details>")
