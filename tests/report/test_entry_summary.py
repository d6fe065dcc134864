"""The few numbers of an entry that DVC prints: every one by hand, and small."""

import json

import pytest

from tests.report.made import averages, make_metrics
from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.report import entry_summary


def test_every_number_by_hand():
    found = averages(full=[60, 62], um=[40, 41.9], wtalc=[61, 61.5])  # better than UM, W-TALC undecided
    assert entry_summary.of(found) == entry_summary.EntrySummary(61.25, 54.4, 2, holds=1, fails=0, no_difference=0, undecided=1)


def test_what_is_written_is_what_dvc_reads(tmp_path):
    tree = Tree(tmp_path)
    entry_summary.write(make_metrics({"um": [{"all": [30, 10], "unified": [1, 1]}]}), tree)
    folder = tree.index().parent / "summary"
    assert json.loads((folder / "facnet_table1.json").read_text()) == {
        "best_mAP": 20.0, "mean_mAP": 20.0, "seeds": 1, "holds": 0, "fails": 0, "no_difference": 0, "undecided": 0,
    }  # fmt: skip
    assert (folder / "facnet_table1.csv").read_text() == "row,mAP\nUM,20.0\n"


@pytest.mark.parametrize("entry", list(parameters.load().reported))
def test_a_line_of_metrics_show_stays_readable(entry):
    """One number a column, the same columns for every entry."""
    found = entry_summary.of(metrics.read(entry, PIPELINE))
    assert len(found.__struct_fields__) == 7 and 0 <= found.mean_mAP <= found.best_mAP <= 100
