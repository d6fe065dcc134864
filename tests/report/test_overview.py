"""All claims at a glance: every verdict has its field."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from wstal.report import overview
from wstal.report.claims import Claim
from wstal.report.overview import Strip
from wstal.report.plots import FOUND, PALE, TRUTH
from wstal.report.tables import Table

SURE, UNSURE = np.array([1.0, 1.1, 0.9]), np.array([3.0, -1.0, 1.0])


@pytest.fixture
def strips():
    first = (Claim("a", "AVG", SURE), Claim("b", "AVG", -SURE), Claim("c", "AVG", UNSURE))
    second = (Claim("d", "mAP@0.5", -UNSURE), Claim("e", "AVG", -5 * SURE))
    yield [Strip("Paper, Table 1: one", first), Strip("Paper, Table 2: two", second)]
    plt.close("all")


def test_strips_are_the_claims_of_entries_that_have_some(monkeypatch):
    claims = {"facnet_table2": [Claim("b", "AVG", SURE)], "facnet_table1": [Claim("a", "AVG", -SURE)], "clips": []}
    monkeypatch.setattr(overview.metrics, "read", lambda entry, tree: entry)
    monkeypatch.setattr(overview.claims, "claims", claims.get)
    found = overview.strips(list(claims), None)
    assert [strip.place for strip in found] == ["FAC-Net, Table 1", "FAC-Net, Table 2"]
    assert [strip.verdicts for strip in found] == [("fails",), ("holds",)]


def test_a_field_has_the_colour_and_the_sign_of_its_verdict(strips):
    axis = overview.draw(strips).axes[0]
    fields = [(bar.get_x(), round(bar.get_y() + bar.get_height() / 2), to_hex(bar.get_facecolor())) for bar in axis.patches]
    assert fields == [(0, 0, TRUTH), (1, 0, FOUND), (2, 0, PALE), (0, 1, PALE), (1, 1, FOUND)]
    assert [text.get_text() for text in axis.texts] == [strips[0].title, "✓", "×", "+", strips[1].title, "−", "×"]


def test_decided_claims_are_sorted_by_their_difference(strips):
    table = overview.decided(strips, "fails")
    assert table.title == "2 claims fail here"
    assert [row[:2] for row in table.rows] == [("Paper, Table 2", "e"), ("Paper, Table 1", "b")]


def test_folded_tables_open_below_their_title():
    text = overview.folded([Table("Title", "Caption.", ("row", "value"), (("a", "1"),))])
    assert text.startswith("<details><summary>Title</summary>\n\n| row | value |") and "**Title**" not in text
    assert text.rstrip().endswith("*Caption.*\n\n</details>")
