"""The figure of claims: its record by hand, and a drawing that carries it."""

import msgspec
import numpy as np
import pytest

from tests.report.made import averages, make_metrics
from wstal.report import figure_claims, paired
from wstal.report.figure_claims import INSIDE, ClaimRow, Forest


@pytest.fixture
def found():
    return averages(full=[50, 60, 55], no_background=[40, 49, 45.5], um=[49.9, 60.1, 55], wtalc=[10, 90, 20])


def test_the_record_by_hand(found):
    forest = figure_claims.forest(found)
    assert forest.title == "FAC-Net, Table 1: detection, on simulated THUMOS14"
    rows = {row.label.removeprefix("FAC-Net is better than "): row for row in forest.rows}
    assert {name: (row.verdict, round(row.mean, 6), row.published, row.bound) for name, row in rows.items()} == {
        "W-TALC": ("undecided", 15, None, 2),
        "UM": ("undecided", 0, None, 0.3),
        "the background class helps": ("holds", round(30.5 / 3, 6), None, 2),
    }
    helps = rows["the background class helps"]
    assert helps.interval == pytest.approx((9.5, 11)) and helps.official == pytest.approx(helps.mean)


def test_what_no_paper_claims_stands_below_and_is_corrected_by_itself():
    alone, (claim, asked) = (
        figure_claims.forest(averages(full=[50, 61, 55], wsad=[40, 50, 45], **more)).rows
        for more in ({}, {"no_background": [40, 49, 45.5]})
    )
    assert claim.label == "the background class helps" and asked.label.startswith("ours: FAC-Net is better than deep metric")
    assert alone == (asked,)


def test_what_the_paper_prints_of_the_same_dataset_lies_beside_ours(found):
    forest = figure_claims.forest(msgspec.structs.replace(found, dataset="thumos14"))
    assert [row.published for row in forest.rows] == [None, 0.3, 3.4] and "simulated" not in forest.title


def test_a_label_names_a_single_tiou():
    rows = {name: [{"all": [value]}] for name, value in (("wsad", 60), ("wtalc", 50))}
    (row,) = figure_claims.forest(make_metrics(rows, "metric_table2", tious=[0.1], protocol="activitynet")).rows
    assert row.label == "the method is better than W-TALC, mAP@0.1" and row.official is None
    assert np.isnan(row.interval).all()


def test_the_drawing_carries_the_record():
    rows = (
        ClaimRow("first", "holds", 3.0, (2.0, 4.0), 2.0, 1.5, 2.5),
        ClaimRow("second", "no difference", 0.1, (-0.1, 0.2), 1.0, None, None),
    )
    axis = Forest("title", rows).draw().axes[0]
    drawn = {
        (line.get_label(), y): x for line in axis.lines for x, y in zip(*map(tuple, line.get_data()), strict=True)
        if not line.get_label().startswith("_")
    }  # fmt: skip
    assert drawn == {
        ("holds", 0): 3.0, ("official evaluator", 0): 2.5, ("published difference", 0): 1.5, ("no difference", 1): 0.1,
    }  # fmt: skip
    spans = [tuple(line.get_xdata()) for line in axis.lines if len(line.get_xdata()) == 2]
    assert spans[:2] == [(2.0, 4.0), (-0.1, 0.2)]
    bounds = [one.get_paths()[0].get_extents().x1 for one in axis.collections]
    assert bounds == [2.0, 1.0] and axis.collections[0].get_label() == INSIDE
    assert [text.get_text() for text in axis.get_yticklabels()] == ["first", "second"]
    assert axis.get_ylim() == (1.5, -0.5)


def test_every_verdict_has_a_look_and_no_claims_are_an_empty_figure():
    assert set(figure_claims.LOOKS) == set(paired.VERDICTS) and len(set(figure_claims.LOOKS.values())) == 4
    assert Forest("none", ()).draw().axes[0].get_ylim() == (0.5, -0.5)
