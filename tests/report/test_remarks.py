"""Sentences on results that stand out: of rows that are there, below the table that shows them."""

import pytest

from tests.report.made import make_metrics
from wstal.config import parameters
from wstal.report import remarks, results

PAIRS = [(entry, row) for entry, rows in remarks.REMARKS.items() for row in rows]


@pytest.mark.parametrize(("entry", "row"), PAIRS)
def test_a_remark_is_about_a_row_that_is_trained(entry, row):
    assert {row, remarks.REMARKS[entry][row].beside} <= set(parameters.load().reported[entry].every)


def test_a_remark_stands_below_a_table_whose_row_lies_far_below_the_other():
    def caption(**means):
        rows = {name: [{"all": [mean], "unified": [mean]}] for name, mean in means.items()}
        return results.table(make_metrics(rows, "metric_table1", tious=[0.5])).caption

    said = remarks.REMARKS["metric_table1"]["wsad_paper_preset"].text
    assert caption(wsad=40, wsad_paper_preset=20).endswith(f". {said}")
    for others in ({"wsad": 40}, {"wsad_paper_preset": 20}, {"wsad": 40, "wsad_paper_preset": 31}):
        assert said not in caption(**others)
