"""The site: every link leads somewhere, nothing is loaded from elsewhere, and two builds give the same bytes."""

import re
from urllib.parse import unquote

import pytest

from tests.site.made import FEW, REPORTS, Page, make, words
from wstal import published
from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.report import claims, overview, real_videos, results
from wstal.site import build, claim_cards

PARAMS = parameters.load()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """reports/ with a site."""
    return make(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def pages(reports):
    """{path below reports/: the page}."""
    found = [reports / "index.html", *sorted((reports / "site").rglob("*.html"))]
    return {path.relative_to(reports).as_posix(): Page(path) for path in found}


def target(page: str, link: str, reports):
    """(file, anchor) that a relative link of a page leads to."""
    path, _, anchor = link.partition("#")
    return ((reports / page).parent / unquote(path) if path else reports / page).resolve(), anchor


def test_every_link_leads_to_a_file_and_an_anchor_that_are_there(reports, pages):
    """Notebooks that a test does not render are looked up in the pipeline's own folder."""
    dead = []
    for name, page in pages.items():
        for link in (link for link in page.links if "://" not in link and not link.startswith("mailto:")):
            path, anchor = target(name, link, reports)
            notebook = REPORTS / "notebooks" / f"{path.stem}.ipynb"
            unrendered = path.parent.name == "notebooks" and path.suffix == ".html" and notebook.is_file()
            known = pages.get(path.relative_to(reports.resolve()).as_posix())
            if not (path.exists() or unrendered) or (anchor and known and anchor not in known.ids):
                dead.append((name, link))
    assert dead == []
    assert sum(len(page.links) for page in pages.values()) > 300


def test_nothing_is_loaded_from_elsewhere(reports, pages):
    """A page opens from disk, without a network: what it loads lies beside it or inside it."""
    for name, page in pages.items():
        for link in page.loads:
            assert link.startswith("data:") or ("://" not in link and target(name, link, reports)[0].is_file()), (name, link)
        assert "@import" not in (reports / name).read_text() and "url(" not in (reports / "site/style.css").read_text()


def test_pages_are_whole(reports, pages):
    for name, page in pages.items():
        assert not page.open, name
        text = (reports / name).read_text(encoding="utf-8")
        assert text.startswith("<!doctype html>") and len(page.ids) == len(set(page.ids)), name
        assert text.count("<h1") == 1 or "/notebooks/" in name, name


def test_two_builds_give_the_same_bytes(reports, tmp_path):
    again = make(tmp_path)
    first, second = ({p.relative_to(r): p.read_bytes() for p in r.rglob("*") if p.is_file()} for r in (reports, again))
    assert first == second


def test_a_page_that_nothing_makes_any_more_goes(tmp_path):
    stale = make(tmp_path) / "site" / "gone.html"
    stale.write_text("old")
    build.write(PARAMS, Tree(tmp_path))
    assert not stale.exists()


def test_every_entry_and_figure_has_its_place(reports, pages):
    entries = {f"site/{entry}.html" for entry in PARAMS.reported}
    assert entries <= set(pages) and {f"site/notebooks/{name[:-6]}.html" for name in FEW} <= set(pages)
    shown = {target(name, link, reports)[0] for name, page in pages.items() for link in page.loads if "/figures/" in link}
    assert shown == {path.resolve() for entry in PARAMS.reported for path in (reports / "figures" / entry).glob("*.png")}
    assert all(f"site/{entry}.html" in pages["index.html"].links for entry in PARAMS.reported)


def test_the_first_page_has_a_field_for_every_claim_with_its_verdict(reports):
    text = (reports / "index.html").read_text(encoding="utf-8")
    claimed, _, asked = text.partition("Asked here, by no paper")
    for part, judge, least in ((claimed, claim_cards.cards, 60), (asked, claim_cards.ours, 15)):
        fields = re.findall(r'<a class="field (\w+)" href="site/([\w-]+)\.html#([\w-]+)"', part)
        strips = {one: judge(metrics.read(one, PIPELINE)) for one in PARAMS.reported}
        expected = [(card.kind, entry, card.anchor) for entry, found in strips.items() for card in found]
        assert sorted(fields) == sorted(expected) and len(fields) > least
    judged = [one for strip in overview.strips(PARAMS.reported, PIPELINE) for one in strip.claims]
    assert claims.count(judged) in words(text)


def test_the_first_page_shows_what_came_out_on_real_videos(reports):
    text = words((reports / "index.html").read_text(encoding="utf-8").partition('id="real"')[2])
    content = real_videos.table(reports / "real")
    assert all(cell in text for row in content.rows for cell in row) and content.caption in text


def test_the_first_page_is_no_long_page(reports):
    """Tables and figures stand on pages of their own."""
    text = (reports / "index.html").read_text(encoding="utf-8")
    assert "<img" not in text and text.count("<tr>") < 60


def test_a_claim_opens_to_what_is_known_of_it(reports):
    found = metrics.read("facnet_table1", PIPELINE)
    (card,) = (one for one in claim_cards.cards(found) if one.text == "FAC-Net is better than UM")
    text = (reports / "site/facnet_table1.html").read_text(encoding="utf-8")
    details = re.search(rf'<details class="card" id="claim-{card.number}">.*?</details>', text, re.S)[0]
    said = words(details)
    quote = published.entry("facnet_table1").claims[4].quote
    printed = "FAC-Net, Table 1, on THUMOS14, average mAP of FAC-Net and UM: 42.2 and 41.9; difference +0.3"
    for part in (quote, printed, "Here, on simulated THUMOS14", card.difference, card.why, card.official):
        assert part in said, part
    assert details.count("<circle") == len(card.seeds)
    for link in ("#table", "notebooks/04_facnet_table1.html", "notebooks/03_train-facnet_table1.html",
                 "../plan/rows/facnet_table1.yaml", "https://arxiv.org/abs/2108.06524"):  # fmt: skip
        assert f'href="{link}"' in details, link
    assert "results@facnet_table1" in said


@pytest.mark.parametrize("entry", ["facnet_table1", "thumos14-sim"])
def test_a_page_shows_every_cell_of_its_table(reports, entry):
    table = results.of_entry(metrics.read(entry, PIPELINE))
    said = words((reports / f"site/{entry}.html").read_text(encoding="utf-8")).replace("&#39;", "'")
    assert all(cell in said for row in table.rows for cell in row) and table.caption in said


def test_an_executed_notebook_is_html_with_its_pictures_inside(reports):
    text = (reports / "site/notebooks/04_facnet_table1.html").read_text(encoding="utf-8")
    assert text.count('src="data:image/png;base64,') >= 1 and "<table>" in text and '"cells"' not in text
    assert 'href="../../notebooks/04_facnet_table1.ipynb"' in text
