"""Tables of errors: every cell by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from wstal.evaluation.complementarity import Complementarity
from wstal.evaluation.diagnosis import ERRORS, KINDS, Diagnosis
from wstal.report import error_tables

ONE = Diagnosis(
    0.5, np.zeros(0), dict.fromkeys(KINDS, 0.0), 0.4, dict(zip(ERRORS, (0.01, 0.02, 0.03, 0.04, 0.05), strict=True)), 0.7,
    (1.0, 2.25, 3.0), (0.1, 0.2, 0.3, np.nan),
)  # fmt: skip
OTHER = dataclasses.replace(ONE, mAP=0.6, gain=dict.fromkeys(ERRORS, 0.1), recall=0.9, recall_by_length=(0.3, 0.2, 0.5, np.nan))
DIAGNOSES = {"um": [ONE, OTHER], "full": [ONE]}


def test_gains_by_hand():
    table = error_tables.gains("facnet_table1", DIAGNOSES)
    assert table.title == "What errors cost at tIoU 0.5"
    assert table.header == (
        "row", "mAP@0.5", "double detection", "wrong label", "localization", "confusion", "background"
    )  # fmt: skip
    assert table.rows == (
        ("UM", "50.0 ± 14.1", "5.5 ± 6.4", "6.0 ± 5.7", "6.5 ± 4.9", "7.0 ± 4.2", "7.5 ± 3.5"),
        ("FAC-Net", "40.0", "1.0", "2.0", "3.0", "4.0", "5.0"),
    )


def test_recalls_by_hand():
    table = error_tables.recalls("facnet_table1", DIAGNOSES)
    assert table.title == "Recall by instance length at tIoU 0.5"
    assert table.header == ("row", "up to 1.0 s", "1.0–2.2 s", "2.2–3.0 s", "over 3.0 s", "missed")
    assert table.rows == (
        ("UM", "20.0 ± 14.1", "20.0 ± 0.0", "40.0 ± 14.1", "–", "20.0 ± 14.1"),
        ("FAC-Net", "10.0", "20.0", "30.0", "–", "30.0"),
    )


def test_classes_are_ranked_by_the_mean_over_all_rows(monkeypatch):
    """`y` is better for the first row, `x` for both together; `z` has no instance."""

    def result(*ap):
        return SimpleNamespace(classes=("x", "y", "z"), ap=np.array([ap]))

    found = {"um": [result(0.2, 0.3, np.nan), result(0.4, 0.5, np.nan)], "full": [result(0.9, 0.1, np.nan)]}
    asked = []
    monkeypatch.setattr(error_tables, "by_row", lambda judging, judge, tious: asked.append(tious) or found)
    table = error_tables.per_class(SimpleNamespace(entry="facnet_table1"), 0.5)
    assert asked == [[0.5]] and table.title == "AP of each class at tIoU 0.5" and table.header == ("class", "UM", "FAC-Net")
    assert table.rows == (("x", "30.0 ± 14.1", "90.0"), ("y", "40.0 ± 14.1", "10.0"))


def test_what_models_find_and_miss_by_hand():
    """Of eight instances a finds four, b two of them and another one, c none."""
    found = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 1, 0, 0, 0], [0] * 8], dtype=bool)
    table = error_tables.overlap(Complementarity(("a", "b", "c"), found), "Title", "Caption.")
    assert table.header == ("model", "found", "missed by a", "missed by b", "missed by c")
    assert table.rows == (
        ("a", "50.0", "–", "25.0", "50.0"),
        ("b", "37.5", "12.5", "–", "37.5"),
        ("c", "0.0", "0.0", "0.0", "–"),
        ("any model", "62.5", "12.5", "25.0", "62.5"),
    )
