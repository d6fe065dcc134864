"""A table as Markdown, CSV and LaTeX, with what each treats specially escaped."""

from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.report.tables import Table, latex_text


def test_formats():
    table = Table("t", "c", ("row", "x, y"), (("a_b ± τ", "1.0"), ("<i>", "−2")))
    assert "± τ | 1.0 |" in table.markdown().replace("\N{NO-BREAK SPACE}", " ")
    assert '"x, y"' in table.csv() and table.csv().startswith("# t. c")
    assert r"\caption{t. c}" in table.latex()
    assert r"a\_b $\pm$ $\tau$ & 1.0 \\" in table.latex()
    assert "a_b\N{NO-BREAK SPACE}±" in table.markdown()  # would break in a narrow column


def test_words_stand_on_the_left_and_numbers_on_the_right():
    table = Table("t", "c", ("row", "preset", "AVG"), (("full", "paper", "1.0 ± 0.2"), ("none", "", "–")))
    assert table.texts == (True, True, False)
    assert "| --- | --- | ---: |" in table.markdown() and r"\begin{tabular}{llr}" in table.latex()


def test_cells_stand_below_their_headings():
    table = Table("t", "c", ("row", "a", "b"), (("x", "1", "2"), ("y", "3", "4")))
    assert table.markdown().splitlines()[2:6] == ["| row | a | b |", "| --- | ---: | ---: |", "| x | 1 | 2 |", "| y | 3 | 4 |"]
    assert table.csv().splitlines()[1:] == ["row,a,b", "x,1,2", "y,3,4"]
    assert table.latex().splitlines()[4:7] == [r"row & a & b \\", r"\midrule", r"x & 1 & 2 \\"]


def test_a_saved_table_is_three_files(tmp_path):
    table = Table("t", "c", ("row", "a"), (("x", "1"),))
    table.save("mine", Tree(tmp_path))
    folder = Tree(tmp_path).tables()
    texts = {path.suffix: path.read_text() for path in folder.iterdir()}
    assert texts == {".md": table.markdown(), ".csv": table.csv(), ".tex": table.latex()}


def test_latex_knows_every_sign_of_the_tables():
    text = "".join((PIPELINE.tables() / f"{entry}.md").read_text() for entry in parameters.load().entries)
    left = {sign for sign in latex_text(text) if not sign.isascii()} - {"\N{NO-BREAK SPACE}"}
    assert not left
