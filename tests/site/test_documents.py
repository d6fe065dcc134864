"""Documents as pages: every one is there, linked, and says what its source says."""

import ast
import html
import re

import pytest

from tests.site.made import Page, make, words
from wstal.base.code import PACKAGE
from wstal.base.paths import ROOT, Tree
from wstal.config import parameters
from wstal.site import build, docstrings, documents

PARAMS = parameters.load()


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """reports/ with a site and its documents."""
    folder = tmp_path_factory.mktemp("documents")
    make(folder)
    documents.write(build.write(PARAMS, Tree(folder), documented=True), PARAMS)
    return folder / "reports"


def text(reports, name):
    return (reports / "site" / name).read_text(encoding="utf-8")


def test_links_between_documents_lead_to_pages_and_anchors(reports):
    pages = {path.resolve(): Page(path) for part in ("docs", "methods", "api") for path in (reports / "site" / part).glob("*")}
    lists = {path.resolve(): Page(path) for path in (reports / "site").glob("*.html")}
    dead, count = [], 0
    for path, page in (pages | {p: one for p, one in lists.items() if p.stem in ("docs", "methods", "api")}).items():
        for link in (link for link in page.links if "://" not in link):
            target, _, anchor = link.partition("#")
            found = (path.parent / target).resolve() if target else path
            known = pages.get(found) or lists.get(found)
            count += 1
            if not found.exists() or (anchor and known and anchor not in known.ids):
                dead.append((path.name, link))
    assert dead == [] and count > 150


def test_every_page_leads_to_the_documents(reports):
    assert 'href="site/docs.html"' in (reports / "index.html").read_text(encoding="utf-8")
    assert 'href="../site/api.html"' in text(reports, "facnet_table1.html")


def test_every_document_is_a_page(reports):
    for path in (ROOT / "docs").glob("*.md"):
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert title in words(text(reports, f"docs/{path.stem}.html")), path.name


def test_a_method_has_its_docstring_its_settings_and_its_tables(reports):
    assert {path.stem for path in (reports / "site/methods").glob("*")} == set(PARAMS.methods)
    found = text(reports, "methods/facnet.html")
    assert "Foreground-Action Consistency Network" in found and "temperatures:" in found
    assert 'href="../facnet_table1.html"' in found and 'href="../lgbm_table1.html"' not in found


def test_the_api_has_every_public_name_with_signature_and_docstring(reports):
    rooms = docstrings.rooms()
    assert len(rooms) > 20 and sum(len(files) for files in rooms.values()) == len(list(PACKAGE.rglob("*/*.py")))
    page = html.unescape(words(text(reports, "api/evaluation.html")))
    for one in docstrings.file(PACKAGE / "evaluation/metrics.py").items:
        assert one.signature in page and re.sub(r"\s+", " ", one.text) in page, one.name
    assert not any(one.name.startswith("_") for files in rooms.values() for file in files for one in file.items)


def test_signatures_by_hand(tmp_path):
    (tmp_path / "a.py").write_text(
        '"""Top."""\nclass A(B):\n    """Is one."""\n    def f(self, x: int = 1) -> str:\n        """Does."""\n'
        "    def _g(self): ...\ndef h(*a, k): ...\n"
    )
    a, h = docstrings.items(ast.parse((tmp_path / "a.py").read_text()))
    assert (a.signature, a.text, [one.signature for one in a.items]) == ("class A(B)", "Is one.", ["f(self, x: int=1) -> str"])
    assert h.signature == "h(*a, k)"


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("faq.md#x", "faq.html#x"),
        ("https://example.org", "https://example.org"),
        ("#part", "#part"),
        ("../reports/tables/facnet_table1.md", "../../tables/facnet_table1.md"),
        ("../wstal/nn", ""),
    ],
)
def test_links_of_a_document_stay_inside_the_site(reports, link, leads):
    assert documents.link(link, "faq", build.Site(Tree(reports.parent), True)) == leads
