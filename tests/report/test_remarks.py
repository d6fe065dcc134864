"""Sentences on results that stand out: of rows that are there, below the table that shows them."""

import pytest

from tests.report.made import make_metrics
from wstal.config import parameters
from wstal.report import remarks, results

PAIRS = [(entry, row) for entry, rows in remarks.REMARKS.items() for row in rows]


@pytest.mark.parametrize(("entry", "row"), PAIRS)
def test_a_remark_is_about_a_row_that_is_trained(entry, row):
    assert row in parameters.load().reported[entry].every


def test_a_remark_stands_below_the_table_that_has_its_row():
    rows = {name: [{"all": [10], "unified": [10]}] for name in ("wsad", "wsad_paper_preset")}
    said = remarks.REMARKS["metric_table1"]["wsad_paper_preset"]
    assert results.table(make_metrics(rows, "metric_table1", tious=[0.5])).caption.endswith(f". {said}")
    del rows["wsad_paper_preset"]
    assert said not in results.table(make_metrics(rows, "metric_table1", tious=[0.5])).caption
