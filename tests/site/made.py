"""A site from the committed results, in a scratch folder."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.site import build

REPORTS = PIPELINE.index().parent
FEW = ("04_facnet_table1.ipynb",)  # notebooks that are rendered, of many
VOID = ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")


def make(folder: Path) -> Path:
    """reports/ of a scratch tree with all committed results and few notebooks, and the site built from them."""
    tree = Tree(folder)
    for part in ("metrics", "figures", "tables", "plan", "real"):
        shutil.copytree(REPORTS / part, folder / "reports" / part)
    (folder / "reports" / "notebooks").mkdir()
    for name in FEW:
        shutil.copy(REPORTS / "notebooks" / name, folder / "reports" / "notebooks")
    build.write(parameters.load(), tree)
    return folder / "reports"


class Page(HTMLParser):
    """What a page links to, which ids it has, and whether its elements are closed in order."""

    def __init__(self, path: Path):
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []
        if tag == "a" and found.get("href") is not None:
            self.links.append(found["href"])
        if found.get("src") or (tag == "link" and found.get("href")):
            self.loads.append(found.get("src") or found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass


def words(html: str) -> str:
    """The text of HTML, blanks tidied."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()
