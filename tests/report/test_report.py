"""Tables and claims: known cells, escaped LaTeX, verdicts that can go either way."""

import msgspec
import numpy as np
import pytest
from scipy import stats

from wstal import published
from wstal.base.paths import PIPELINE
from wstal.config import parameters
from wstal.evaluation.metrics import Cell, Metrics, read
from wstal.report import report, site
from wstal.report.tables import Table, latex_text


def metrics(**rows):
    """Metrics of facnet_table1 with given average mAPs {row: [a seed each]}, as fractions."""
    cells = {
        row: {str(i): {"all": Cell([value], value), "unified": Cell([value], value)} for i, value in enumerate(seeds)}
        for row, seeds in rows.items()
    }
    presets = dict.fromkeys(rows, "released")
    return Metrics("facnet_table1", "thumos14-sim", "Simulated.", "thumos-facnet", [0.5], presets, cells)


def test_a_row_by_hand():
    table = report.table(metrics(full=[0.40, 0.42, 0.44]))
    *others, ours, theirs = table.rows
    assert ours[:6] == ("FAC-Net", "released", "42.2", "42.0 ± 2.0", "−0.2", "42.0 ± 2.0")
    assert theirs[:3] == ("published", "", "42.2") and theirs[-1] == "33.4"  # mAP@0.5
    assert ("HAM-Net", "published only", "39.8", "–", "–", "–", "31.0") in others
    assert {len(row) for row in table.rows} == {len(table.header)}
    assert "Simulated" in table.caption and "3 seeds" in table.caption and "thumos-facnet" in table.caption


@pytest.mark.parametrize(
    ("better", "worse", "verdict"),
    [
        ([0.50, 0.61, 0.55], [0.40, 0.50, 0.45], "holds"),
        ([0.40, 0.50, 0.45], [0.50, 0.61, 0.55], "fails"),
        ([0.5, 0.6, 0.5], [0.55, 0.4, 0.45], "undecided, for"),
        ([0.5, 0.4, 0.5], [0.55, 0.6, 0.45], "undecided, against"),
        ([0.5], [0.4], "undecided, for"),
    ],
)
def test_claims_hold_fail_or_stay_undecided(better, worse, verdict):
    (claim,) = report.claims(metrics(full=better, no_background=worse))
    assert claim.verdict == verdict
    assert verdict.split(",")[0] in report.verdicts([claim]).rows[0][2]


def test_a_claim_is_tested_at_the_tiou_that_the_paper_names():
    cells = {"wsad": [0.6, 0.1], "wtalc": [0.5, 0.9]}
    rows = {row: {"0": {"all": Cell(values, float(np.mean(values)))}} for row, values in cells.items()}
    found = report.claims(Metrics("metric_table2", "d", "", "p", [0.1, 0.3], dict.fromkeys(rows, ""), rows))
    assert [(claim.measure, round(float(claim.differences[0]))) for claim in found] == [("mAP@0.1", 10), ("mAP@0.3", -80)]
    other = report.claims(Metrics("metric_table2", "d", "", "p", [0.5, 0.7], dict.fromkeys(rows, ""), rows))
    assert other == []


def test_claims_about_missing_rows_are_left_out():
    assert report.claims(metrics(full=[0.4])) == []


def test_the_paired_test_is_a_t_test():
    (claim,) = report.claims(metrics(full=[0.5, 0.6, 0.7], no_background=[0.4, 0.4, 0.6]))
    differences = np.array([10.0, 20.0, 10.0])
    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(3))
    assert claim.p == pytest.approx(2 * stats.t.sf(t, 2))


def test_a_caption_warns_of_rows_that_do_not_settle():
    assert "does not settle" not in report.caption(metrics(full=[0.40, 0.42]))
    assert "does not settle" in report.caption(metrics(full=[0.40, 0.42], no_background=[0.1, 0.6]))


def test_a_caption_names_rows_that_hardly_learn():
    assert "Hardly anything" not in report.caption(metrics(full=[0.40, 0.42]))
    assert "says little: FAC-Net w/o BG." in report.caption(metrics(full=[0.40, 0.42], no_background=[0.02, 0.03]))


def test_entries_come_as_the_papers_print_them():
    names = ["own_thing", "protocols", "facnet_table5", "metric_table1", "facnet_table3", "lgbm_table1"]
    wanted = ["facnet_table3", "facnet_table5", "lgbm_table1", "metric_table1", "protocols", "own_thing"]
    assert published.in_order(names) == wanted


def test_formats():
    table = Table("t", "c", ("row", "x, y"), (("a_b ± τ", "1.0"), ("<i>", "−2")))
    assert "± τ | 1.0 |" in table.markdown().replace("\N{NO-BREAK SPACE}", " ")
    assert '"x, y"' in table.csv() and table.csv().startswith("# t. c")
    assert r"\caption{t. c}" in table.latex()
    assert r"a\_b $\pm$ $\tau$ & 1.0 \\" in table.latex()
    assert "&lt;i&gt;" in site.html_table(table)
    assert "a_b\N{NO-BREAK SPACE}±" in table.markdown()  # would break in a narrow column


def test_words_stand_on_the_left_and_numbers_on_the_right():
    table = Table("t", "c", ("row", "preset", "AVG"), (("full", "paper", "1.0 ± 0.2"), ("none", "", "–")))
    assert table.texts == (True, True, False)
    assert "| --- | --- | ---: |" in table.markdown() and r"\begin{tabular}{llr}" in table.latex()
    assert site.html_table(table).count('<td class="text">') == 4


def test_columns_without_a_value_are_left_out():
    whole = metrics(full=[0.4, 0.5])
    assert "published AVG" in report.table(whole).header
    figure = report.table(msgspec.structs.replace(whole, entry="facnet_figure4"))
    assert figure.header == ("row", "preset", "ours AVG", "unified AVG")


def test_latex_knows_every_sign_of_the_tables():
    text = "".join((PIPELINE.tables() / f"{entry}.md").read_text() for entry in parameters.load().tables)
    left = {sign for sign in latex_text(text) if not sign.isascii()} - {"\N{NO-BREAK SPACE}"}
    assert not left


def test_a_small_p_is_no_zero():
    (claim,) = report.claims(metrics(full=[0.5, 0.5001, 0.5002], no_background=[0.3, 0.3, 0.3]))
    assert claim.cells()[-1] == "<0.001"


def test_the_page_says_what_the_paper_claims_and_whether_it_holds():
    text = site.section("facnet_table1", site.table("facnet_table1", PIPELINE), "04_facnet_table1.ipynb", PIPELINE)
    assert "The paper: FAC-Net reaches 42.2" in text and "claims: " in text and 'class="theirs"' in text


@pytest.mark.parametrize("entry", [name for name in parameters.load().entries if published.entry(name)["columns"]])
def test_committed_tables_are_made_of_the_committed_metrics(entry):
    for suffix, text in (("md", "markdown"), ("csv", "csv"), ("tex", "latex")):
        made = getattr(report.table(read(entry, PIPELINE)), text)()
        assert (PIPELINE.tables() / f"{entry}.{suffix}").read_text() == made
