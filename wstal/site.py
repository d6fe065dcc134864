"""reports/index.html: every table and figure on one page that opens offline."""

import html
from collections.abc import Sequence

from wstal import config, metrics, published, report
from wstal.paths import PIPELINE, Tree
from wstal.tables import Table

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --soft: #5c6370; --line: #ddd; --mark: #f1f4f7; --link: #1a5fa8 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --ink: #e6e4df; --soft: #a0a6b0; --line: #363b44; --mark: #22262d; --link: #8fbdf0 }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 88rem; margin: 2rem auto; padding: 0 1rem;
  background: var(--paper); color: var(--ink) }
a { color: var(--link) } p { max-width: 70rem } h2 { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: 1.5rem }
nav ul { columns: 24rem; padding-left: 1.2rem } nav li { break-inside: avoid }
table { border-collapse: collapse; font-size: .8rem; display: block; overflow-x: auto }
td, th { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums }
.text { text-align: left } td:first-child, th:first-child { position: sticky; left: 0; background: var(--paper) }
.theirs td { color: var(--soft) } .theirs td:first-child { padding-left: 1.8rem }
tr:hover td { background: var(--mark) } .caption { color: var(--soft); font-size: .85rem; font-style: italic }
img { max-width: 100%; background: #fff; border-radius: .3rem }
@media (max-width: 40rem) { td:first-child, th:first-child { min-width: 7.5rem; max-width: 9rem; white-space: normal } }
"""


def table(entry: str, tree: Tree) -> Table:
    """The table of an entry: beside the published values where there are any, otherwise by groups of classes."""
    found = metrics.read(entry, tree)
    return report.table(found) if published.entry(entry)["columns"] else report.groups(found)


def html_table(content: Table) -> str:
    """A table as HTML; a published second line is set back below ours."""
    kinds = [' class="text"' if text else "" for text in content.texts]
    head = html_row("th", content.header, kinds)
    body = "".join(html_row("td", row, kinds, ' class="theirs"' if row[0] == report.THEIRS else "") for row in content.rows)
    caption = html.escape(content.caption)
    return f'<table><thead>{head}</thead><tbody>{body}</tbody></table><p class="caption">{caption}</p>'


def html_row(tag: str, cells: Sequence[str], kinds: Sequence[str], kind: str = "") -> str:
    """One line of a table."""
    inner = "".join(f"<{tag}{k}>{html.escape(cell)}</{tag}>" for cell, k in zip(cells, kinds, strict=True))
    return f"<tr{kind}>{inner}</tr>"


def section(entry: str, content: Table, tree: Tree) -> str:
    """An entry: what the paper claims, the table, the figures, and whether the claims hold here."""
    known, checked = published.entry(entry), report.claims(metrics.read(entry, tree))
    parts = [f'<h2 id="{entry}">{html.escape(content.title)}</h2>']
    if known["claim"]:
        parts.append(f"<p>The paper: {html.escape(known['claim'])}</p>")
    parts.append(html_table(content))
    for image in sorted(tree.figures(entry).glob("*.png")):
        alt = html.escape(f"{content.title}, {image.stem.replace('_', ' ')}", quote=True)
        parts.append(f'<p><img src="figures/{entry}/{image.name}" alt="{alt}" loading="lazy"></p>')
    if checked:
        verdicts = report.verdicts(checked)
        parts.append(f"<h3>{html.escape(verdicts.title)}</h3>\n{html_table(verdicts)}")
    return "\n".join(parts)


def write(params: config.Params, tree: Tree) -> None:
    """Write reports/index.html from the metrics and figures that are there."""
    contents = {entry: table(entry, tree) for entry in params.reported}
    links = [f'<li><a href="#{entry}">{html.escape(content.title)}</a></li>' for entry, content in contents.items()]
    title = "wstal: tables and figures"
    tree.output(tree.index()).write_text(
        '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style>\n<h1>{title}</h1>\n<nav><ul>{''.join(links)}</ul></nav>\n"
        + "\n".join(section(entry, content, tree) for entry, content in contents.items())
        + "\n</html>\n"
    )


if __name__ == "__main__":
    write(config.load(), PIPELINE)
