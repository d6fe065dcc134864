"""The page: every entry with its table, figures, claims, and a link to the notebook that made it."""

import re
import shutil

import pytest

from tests.report.made import averages
from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.report import claims, overview, results, site
from wstal.report.tables import Table

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """(folder of the page, its text): the committed metrics, and two figures of an entry."""
    tree = Tree(tmp_path_factory.mktemp("page"))
    shutil.copytree(PIPELINE.metrics("protocols").parent, tree.metrics("protocols").parent)
    for name in ("b_two", "a_one"):
        tree.output(tree.figures("protocols") / f"{name}.png").write_bytes(PNG)
    (tree.figures("protocols") / "note.txt").write_text("no figure")
    site.write(parameters.load(), tree)
    return tree.index().parent, tree.index().read_text()


def section(page, entry):
    """The HTML of one entry."""
    return re.search(rf'<h2 id="{entry}">.*?(?=<h2 |</html>)', page[1], re.DOTALL)[0]


def test_figures_stand_in_their_section_by_name(page):
    folder, text = page
    found = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', text)
    assert found == [
        ("figures/protocols/a_one.png", "Same method, different protocol, a one"),
        ("figures/protocols/b_two.png", "Same method, different protocol, b two"),
    ]
    assert all((folder / path).read_bytes() == PNG for path, _ in found)
    assert section(page, "protocols").count("<img") == 2


def test_the_committed_page_shows_every_committed_figure():
    shown = re.findall(r'<img src="([^"]+)"', PIPELINE.index().read_text())
    folder = PIPELINE.index().parent
    entries = parameters.load().reported
    assert sorted(shown) == sorted(
        path.relative_to(folder).as_posix() for entry in entries for path in PIPELINE.figures(entry).glob("*.png")
    )


def test_each_section_links_to_its_notebook(page):
    params = parameters.load()
    for entry in params.reported:
        number = "05" if entry in params.ensembles else "04"
        assert f'<a href="notebooks/{number}_{entry}.ipynb">' in section(page, entry), entry


def test_links_lead_to_sections_in_the_order_of_the_papers(page):
    links, sections = re.findall(r'<a href="#([^"]+)">', page[1]), re.findall(r'<h2 id="([^"]+)">', page[1])
    assert links == sections and sorted(links) == sorted(parameters.load().reported)
    assert links[0] == "facnet_table1" and links[-1] == "protocols"


def test_a_section_holds_the_papers_claim_the_table_and_the_verdicts(page):
    found = metrics.read("facnet_table1", PIPELINE)
    text, checked = section(page, "facnet_table1"), claims.claims(found)
    assert "<p>The paper: FAC-Net reaches 42.2 average mAP" in text
    assert site.html_table(results.table(found)) in text and site.html_table(claims.verdicts(checked)) in text
    assert f"<h3>{claims.count(claims.judge(checked))}</h3>" in text


def test_entries_without_published_values_show_groups(page):
    assert site.html_table(results.groups(metrics.read("metric_figures", PIPELINE))) in section(page, "metric_figures")


def test_an_entry_without_claims_has_no_verdicts(page):
    assert "<h3>" not in section(page, "facnet_figures") and "The paper:" not in section(page, "facnet_figures")


def test_the_opening_counts_the_claims_of_all_entries(page):
    strips = overview.strips(parameters.load().reported, PIPELINE)
    judged = [one for strip in strips for one in strip.claims]
    assert len(judged) > 80 and f"below each table: {claims.count(judged)}.</p>" in page[1]
    above, _, _ = page[1].partition("<nav>")
    assert all(site.html_table(table) in above for table in (overview.counts(strips), overview.aggregates(strips)))


def test_a_second_line_is_set_back():
    text = site.html_table(results.table(averages(full=[40, 42])))
    assert text.count('<tr class="theirs">') == 1 and '<tr class="theirs"><td class="text">published</td>' in text


def test_cells_are_escaped_and_aligned():
    table = Table("t", "a < b", ("row", "x"), (("<i>", "1"),))
    assert site.html_table(table) == (
        '<table><thead><tr><th class="text">row</th><th>x</th></tr></thead><tbody><tr><td class="text">&lt;i&gt;</td>'
        '<td>1</td></tr></tbody></table><p class="caption">a &lt; b</p>'
    )
