"""Templates -> HTML files with relative links only, so that a page opens from disk as from a server."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from wstal.base import files
from wstal.base.paths import Tree
from wstal.report.tables import Table

TEMPLATES = Path(__file__).parent / "templates"
FOLDER = "site"  # below reports/, beside index.html


class Site:
    """The pages of one tree. Every path is relative to its reports/, index.html among them."""

    def __init__(self, tree: Tree, documented: bool):
        self.tree, self.root, self.documented = tree, tree.index().parent, documented
        self.written: set[Path] = set()
        self.jinja = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def share(self) -> None:
        """Write what all pages load."""
        for name in ("style.css", "script.js"):
            self.put(f"{FOLDER}/{name}", (TEMPLATES / name).read_text(encoding="utf-8"))

    def put(self, path: str, text: str) -> None:
        """Write a file of the site."""
        files.write(self.tree.output(self.root / path), text)
        self.written.add(self.root / path)

    def finish(self) -> None:
        """Remove pages that nothing makes any more."""
        for path in (self.root / FOLDER).rglob("*"):
            if path.is_file() and path not in self.written:
                path.unlink()

    def write(self, path: str, template: str, **context: Any) -> None:
        """Write the page `path` from a template; the template's `root` leads from it to reports/."""
        root = "../" * (len(PurePosixPath(path).parts) - 1)
        shared = {"root": root, "folder": FOLDER, "documented": self.documented, "table": html_table}
        text = self.jinja.get_template(template).render(**shared, **context)
        self.put(path, text.rstrip() + "\n")


def html_table(content: Table, caption: bool = True) -> Markup:
    """A table as HTML; lines that a paper prints, which say so in their second cell, are folded below ours."""
    ours, theirs = ([row for row in content.rows if is_printed(row) == printed] for printed in (False, True))
    text = lines(content, ours or theirs)
    if ours and theirs:
        count = f"{len(theirs)} {'line' if len(theirs) == 1 else 'lines'} as papers print them"
        fold = Markup('<details class="printed"><summary>{}</summary>{}</details>')
        text += fold.format(count, lines(content, theirs))
    return text + Markup('<p class="caption">{}</p>').format(content.caption) if caption else text


def lines(content: Table, rows: Sequence[tuple[str, ...]]) -> Markup:
    """Some lines of a table, below its header; wider than the page, they scroll sideways by themselves."""
    kinds = [' class="text"' if text else "" for text in content.texts]
    body = Markup("").join(html_row("td", row, kinds) for row in rows)
    frame = Markup('<div class="wide"><table><thead>{}</thead><tbody>{}</tbody></table></div>')
    return frame.format(html_row("th", content.header, kinds), body)


def is_printed(row: tuple[str, ...]) -> bool:
    """Whether a line of a table holds what a paper prints and nothing of ours."""
    return len(row) > 1 and row[1].startswith("printed")


def html_row(tag: str, cells: tuple[str, ...], kinds: list[str]) -> Markup:
    """One line of a table."""
    inner = (Markup(f"<{tag}{kind}>{{}}</{tag}>").format(cell) for cell, kind in zip(cells, kinds, strict=True))
    return Markup("<tr>{}</tr>").format(Markup("").join(inner))
