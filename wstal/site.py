"""reports/index.html: every table and figure on one page that opens offline."""

import html

from wstal import config, metrics, published, report
from wstal.paths import PIPELINE, Tree
from wstal.tables import Table

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; font-size: .8rem; display: block; overflow-x: auto }
td, th { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
td:first-child, th:first-child { text-align: left }
tr:hover { background: #f4f6f8 } figcaption, .caption { color: #555; font-size: .85rem; font-style: italic }
img { max-width: 100% } nav a { margin-right: 1rem }
"""


def table(entry: str, tree: Tree) -> Table:
    """The table of an entry: beside the published values where there are any, otherwise by groups of classes."""
    found = metrics.read(entry, tree)
    return report.table(found) if published.entry(entry)["columns"] else report.groups(found)


def html_table(content: Table) -> str:
    """A table as HTML."""
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in content.header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in content.rows)
    caption = html.escape(content.caption)
    return f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table><p class="caption">{caption}</p>'


def write(params: config.Params, tree: Tree) -> None:
    """Write reports/index.html from the metrics and figures that are there."""
    parts, links = [], []
    for entry in params.reported:
        content = table(entry, tree)
        pictures = [
            f'<img src="figures/{entry}/{image.name}" alt="{html.escape(image.stem.replace("_", " "))}" loading="lazy">'
            for image in sorted(tree.figures(entry).glob("*.png"))
        ]
        links.append(f'<a href="#{entry}">{html.escape(content.title)}</a>')
        parts.append(f'<h2 id="{entry}">{html.escape(content.title)}</h2>\n{html_table(content)}\n' + "\n".join(pictures))
    title = "wstal: tables and figures"
    tree.output(tree.index()).write_text(
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style>\n<h1>{title}</h1>\n<nav>{' '.join(links)}</nav>\n"
        + "\n".join(parts)
        + "\n</html>\n"
    )


if __name__ == "__main__":
    write(config.load(), PIPELINE)
