"""Tables of rows beside published values and by groups of classes: every cell by hand."""

import msgspec
import pytest

from tests.report.made import averages, make_metrics
from wstal import published
from wstal.base.paths import PIPELINE
from wstal.config import parameters
from wstal.evaluation.metrics import Undetected, read
from wstal.published import originals
from wstal.report import results

TWO = {  # two seeds, tIoU 0.5 and 0.7; FAC-Net's paper prints 33.4 and 12.7 there, and 42.2 on average
    "full": [
        {"all": [40, 20], "unified": [30, 10], "sports": [50, 40]},
        {"all": [44, 24], "unified": [30, 14], "sports": [52, 40]},
    ],
    "wsad": [
        {"all": [20, 10], "unified": [18, 8], "sports": [1, 3]},
        {"all": [20, 10], "unified": [18, 8], "sports": [1, 3]},
    ],
}


def test_every_cell_of_simulated_rows_and_of_what_papers_print_below_them():
    """No difference between what is simulated and what is printed of real videos, and each line says whose values it holds."""
    table = results.table(make_metrics(TWO, presets={"wsad": "paper"}))
    assert table.title == "FAC-Net, Table 1: detection, on simulated THUMOS14"
    assert table.header == ("row", "values", "preset", "AVG", "unified AVG", "mAP@0.5", "mAP@0.7")
    assert table.rows[:3] == (
        ("FAC-Net", "simulated", "released", "32.0 ± 2.8", "21.0 ± 1.4", "42.0 ± 2.8", "22.0 ± 2.8"),
        ("deep metric learning", "simulated", "paper", "15.0 ± 0.0", "13.0 ± 0.0", "20.0 ± 0.0", "10.0 ± 0.0"),
        ("FAC-Net", "printed, on THUMOS14", "–", "42.2", "–", "33.4", "12.7"),
    )
    assert table.rows[3] == ("R-C3D (full supervision)", "printed, on THUMOS14", "–", "–", "–", "28.9", "–")
    assert ("HAM-Net", "printed, on THUMOS14", "–", "39.8", "–", "31.0", "11.1") in table.rows
    assert len(table.rows) == len(published.elsewhere("facnet_table1")) + 3


def test_on_the_papers_own_dataset_a_difference_stands_beside_ours():
    table = results.table(msgspec.structs.replace(make_metrics(TWO), dataset="thumos14"))
    assert table.title == "FAC-Net, Table 1: detection, on thumos14"
    assert table.header == ("row", "values", "preset", "AVG", "difference", "unified AVG", "mAP@0.5", "mAP@0.7")
    assert table.rows[0] == ("FAC-Net", "ours", "released", "32.0 ± 2.8", "−10.2", "21.0 ± 1.4", "42.0 ± 2.8", "22.0 ± 2.8")
    assert table.rows[1][4] == "–" and table.rows[2][:4] == ("FAC-Net", "printed", "–", "42.2")


@pytest.mark.parametrize("entry", list(parameters.load().reported))
def test_no_simulated_value_stands_under_the_name_of_a_real_dataset(entry):
    """Titles, and every line of a table with a value of ours."""
    found = read(entry, PIPELINE)
    table = results.of_entry(found)
    if not originals.is_simulated(found.dataset):
        assert "simulated" not in table.title
        return
    assert table.title.endswith(f", on simulated {originals.original(found.dataset)}") and "difference" not in table.header
    assert {row[1] for row in table.rows if "±" in "".join(row)} == {"simulated"}
    assert all(row[1] == "simulated" or row[1].startswith("printed, on ") for row in table.rows)


def test_under_the_unified_protocol_there_is_no_second_average():
    rows = {"facnet": [{"all": [30, 10], "unified": [30, 10]}]}
    table = results.table(make_metrics(rows, "facnet_table2", protocol="activitynet", tious=[0.5, 0.75]))
    assert table.header == ("row", "values", "preset", "AVG", "mAP@0.5", "mAP@0.75")
    assert table.rows[0] == ("FAC-Net", "simulated", "released", "20.0", "30.0", "10.0")


def test_where_the_paper_prints_averages_alone_there_are_no_others():
    rows = {"cw": [{"all": [30, 20], "unified": [20, 10]}], "ca": [{"all": [40, 20], "unified": [20, 12]}]}
    table = results.table(make_metrics(rows, "facnet_table3"))
    assert table.header == ("row", "values", "preset", "AVG", "unified AVG")
    assert [row[0] for row in table.rows] == ["CW", "CA"] * 2 and [row[3] for row in table.rows] == [
        "25.0",
        "30.0",
        "31.2",
        "30.5",
    ]


def test_columns_without_a_value_are_left_out():
    rows = {"cw1_ca1_mil1": [{"all": [30], "unified": [20]}]}
    figure = results.table(make_metrics(rows, "facnet_figure4", tious=[0.5]))
    assert figure.header == ("row", "values", "preset", "AVG", "unified AVG")


def test_every_cell_of_every_group():
    table = results.groups(make_metrics(TWO))
    assert table.header == ("row", "values", "judged on", "mAP@0.5", "mAP@0.7", "AVG", "unified AVG")
    assert table.rows == (
        ("FAC-Net", "simulated", "all", "42.0 ± 2.8", "22.0 ± 2.8", "32.0 ± 2.8", "21.0 ± 1.4"),
        ("FAC-Net", "simulated", "sports", "51.0 ± 1.4", "40.0 ± 0.0", "45.5 ± 0.7", "–"),
        ("deep metric learning", "simulated", "all", "20.0 ± 0.0", "10.0 ± 0.0", "15.0 ± 0.0", "13.0 ± 0.0"),
        ("deep metric learning", "simulated", "sports", "1.0 ± 0.0", "3.0 ± 0.0", "2.0 ± 0.0", "–"),
    )
    assert "Judged on: the classes or test videos that count; all: every one." in table.caption


def test_a_single_group_needs_no_column():
    table = results.groups(averages(full=[40, 42]))
    assert table.header == ("row", "values", "mAP@0.5", "AVG", "unified AVG") and "Judged on" not in table.caption


def test_the_unified_average_stands_once():
    table = results.groups(make_metrics(TWO, protocol="activitynet"))
    assert table.header[-1] == "AVG" and [row[2] for row in table.rows] == ["all", "sports"] * 2


def test_a_caption_word_by_word():
    assert results.caption(make_metrics(TWO, presets={"wsad": "paper"})) == (
        "Simulated. Dataset thumos14-sim, protocol thumos-facnet, preset paper and released; mAP in percent, mean ± standard "
        "deviation over 2 seeds of the last weights. AVG: mean over tIoU 0.5, 0.7. Unified: the official evaluator, "
        "protocol activitynet, at the same thresholds."
    )
    one = {row: seeds[:1] for row, seeds in TWO.items()}
    assert results.caption(make_metrics(one, protocol="activitynet")) == (
        "Simulated. Dataset thumos14-sim, protocol activitynet, preset released; mAP in percent, one seed of the last weights. "
        "AVG: mean over tIoU 0.5, 0.7."
    )


def test_a_caption_warns_of_rows_that_do_not_settle():
    assert "settle" not in results.caption(averages(full=[40, 42], no_background=[30, 44]))  # deviation 9.9
    found = results.caption(averages(full=[40, 42], no_background=[30, 44.2]))  # 10.04
    assert found.endswith(
        "Training does not settle (seeds differ by more than 10 points of standard deviation): FAC-Net w/o BG."
    )


def test_a_caption_names_rows_that_hardly_learn():
    assert "Hardly" not in results.caption(averages(full=[5.1, 5.1]))
    found = results.caption(averages(full=[40, 42], no_background=[5, 5], um=[1, 2]))
    assert found.endswith("(at most 5 points), so that being better says little: FAC-Net w/o BG; UM.")


def test_a_caption_names_classes_of_which_nothing_is_detected_and_mAP_without_the_rule():
    """Such a row has learnt something, though its mAP is 0."""
    unseen = {"um": {"1": Undetected(["Diving", "Shotput"], 0.439)}}
    made = msgspec.structs.replace(averages(full=[40, 42], um=[44, 0]), undetected=unseen)
    found = results.caption(made)
    assert "where a class has no detection: UM, seed 1 (Diving, Shotput; 43.90 with AP 0 for it)." in found
    assert "Hardly" not in results.caption(
        msgspec.structs.replace(averages(um=[0]), undetected={"um": {"0": unseen["um"]["1"]}})
    )


def test_metrics_without_such_classes_are_the_bytes_they_were():
    assert b"undetected" not in msgspec.json.encode(averages(full=[40, 42]))


def test_a_heading_holds_title_dataset_and_claim():
    assert results.heading(make_metrics(TWO, "metric_table5")) == (
        "## Deep metric learning, Table 5: the clipping threshold κ, on simulated THUMOS14\n\nThe paper: Clipping the "
        "activations at κ = 4 is best, 2.5 points above no clipping at tIoU 0.5."
    )
    assert results.heading(make_metrics(TWO, "mine")) == "## mine, on simulated THUMOS14"


PRINTED = [
    name
    for name, one in parameters.load().entries.items()
    if published.entry(name).columns and one.notebook != "04_leaderboard"
]


@pytest.mark.parametrize("entry", PRINTED)
def test_committed_tables_are_made_of_the_committed_metrics(entry):
    for suffix, text in (("md", "markdown"), ("csv", "csv"), ("tex", "latex")):
        made = getattr(results.table(read(entry, PIPELINE)), text)()
        assert (PIPELINE.tables() / f"{entry}.{suffix}").read_text() == made
