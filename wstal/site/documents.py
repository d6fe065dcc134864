"""Documents, methods and docstrings -> pages: docs/*.md, a page a method, a page a room of the package."""

import posixpath
import re

import yaml
from markupsafe import Markup
from nbconvert.filters.markdown import markdown2html

from wstal import published
from wstal.base.code import PACKAGE
from wstal.base.paths import ROOT
from wstal.config.parameters import Parameters
from wstal.site import docstrings
from wstal.site.pages import FOLDER, Site

DOCS = ROOT / "docs"
HEADING = re.compile(r'(<h\d[^>]* id=)"([^"]+)">(.*?)<a class="anchor-link".*?</a>')  # as nbconvert writes it
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def write(site: Site, params: Parameters) -> None:
    """All pages that no result is on."""
    papers(site)
    for name in sorted(params.methods):
        method(site, name, params)
    listed = sorted((name, summary(name)) for name in params.methods)
    site.write(f"{FOLDER}/methods.html", "methods.html", title="Methods", methods=listed)
    rooms = docstrings.rooms()
    for room, files in rooms.items():
        site.write(f"{FOLDER}/api/{page_of(room)}.html", "room.html", title=f"wstal.{room.replace('/', '.')}", files=files)
    said = [(page_of(room), room, files[0].text.splitlines()[0]) for room, files in rooms.items()]
    site.write(f"{FOLDER}/api.html", "api.html", title="API", rooms=said)


def papers(site: Site) -> None:
    """The files of docs/ as pages, and a list of them."""
    listed = []
    for path in sorted(DOCS.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].lstrip("# ")
        listed.append((path.stem, title))
        site.write(f"{FOLDER}/docs/{path.stem}.html", "document.html", title=title, content=rendered(text, path.stem, site))
    site.write(f"{FOLDER}/docs.html", "docs.html", title="Documents", documents=listed)


def rendered(text: str, name: str, site: Site) -> Markup:
    """Markdown of docs/<name>.md as HTML. Links stay inside the site; files of the repository that are no page lose theirs."""

    def moved(match: re.Match[str]) -> str:
        words, target = match[1], link(match[2], name, site)
        return f"[{words}]({target})" if target else words

    return Markup(HEADING.sub(lambda one: f'{one[1]}"{slug(one[2])}">{one[3]}', markdown2html(LINK.sub(moved, text))))


def slug(heading: str) -> str:
    """The anchor of a heading as GitHub spells it, from nbconvert's: small letters, no signs."""
    return re.sub(r"[^\w-]", "", heading.lower())


def link(target: str, name: str, site: Site) -> str:
    """Where a link of docs/<name>.md leads from its page; empty where there is no page of it."""
    path, _, anchor = target.partition("#")
    if "://" in target or not path:
        return target
    if "/" not in path and path.endswith(".md"):
        return f"{path.removesuffix('.md')}.html" + (f"#{anchor}" if anchor else "")
    inside = posixpath.normpath(posixpath.join("docs", path))
    if inside.startswith("reports/") and (site.root.parent / inside).exists():
        return f"../../{inside.removeprefix('reports/')}"
    return ""


def method(site: Site, name: str, params: Parameters) -> None:
    """What a method is, its parameters as params.yaml has them, and the entries that it stands in."""
    section = params.methods[name]
    entries = [
        (entry, published.entry(entry).title)
        for entry, one in params.entries.items()
        if any(row.get("method", one.method) == name for row in one.every.values())
    ]
    shown = {"preset": section.preset, "base": section.base, "presets": section.presets}
    settings = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=110)
    text = docstrings.file(PACKAGE / "methods" / f"{name}.py")
    site.write(
        f"{FOLDER}/methods/{name}.html", "method.html", title=text.text.partition("\n")[0].partition(": ")[0], name=name,
        file=text, entries=entries, settings=settings,
    )  # fmt: skip


def summary(name: str) -> str:
    """The first line of a method's file."""
    return docstrings.file(PACKAGE / "methods" / f"{name}.py").text.partition("\n")[0]


def page_of(room: str) -> str:
    """The name of a room's page."""
    return room.replace("/", ".")
