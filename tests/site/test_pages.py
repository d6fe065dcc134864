"""Tables as HTML: cells are escaped, numbers stand on the right, what papers print is folded."""

from wstal.report.tables import Table
from wstal.site import pages


def test_cells_are_escaped_and_aligned():
    table = Table("t", "a < b", ("row", "x"), (("<i>", "1"),))
    assert pages.html_table(table) == (
        '<div class="wide"><table><thead><tr><th class="text">row</th><th>x</th></tr></thead><tbody><tr><td class="text">'
        '&lt;i&gt;</td><td>1</td></tr></tbody></table></div><p class="caption">a &lt; b</p>'
    )


def test_what_papers_print_is_folded_below_what_is_ours():
    table = Table("t", "c", ("row", "values", "AVG"), (("theirs", "printed, on X", "2.0"), ("ours", "simulated", "1.0")))
    shown, _, folded = pages.html_table(table, caption=False).partition('<details class="printed">')
    assert "ours" in shown and "theirs" not in shown
    assert "<summary>1 line as papers print them</summary>" in folded and "theirs" in folded and "ours" not in folded


def test_a_table_of_nothing_else_is_not_folded():
    table = Table("t", "c", ("row", "values"), (("theirs", "printed, on X"),))
    assert "<details" not in pages.html_table(table)
