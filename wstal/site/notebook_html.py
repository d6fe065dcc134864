"""Executed notebooks -> the inside of a page, by nbconvert; nothing is loaded from elsewhere."""

import logging
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter


def exporter() -> HTMLExporter:
    """nbconvert's exporter without a page around it, and without the numbers of cells."""
    quiet = logging.getLogger("wstal.site")  # or every figure is a warning that it has no description
    quiet.setLevel(logging.ERROR)
    return HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True, log=quiet
    )


def inside(path: Path, export: HTMLExporter) -> Markup:
    """The cells of a notebook as HTML."""
    body, _ = export.from_notebook_node(nbformat.read(path, 4))
    return Markup(body)


def title(path: Path) -> str:
    """The first heading of a notebook, or its name."""
    cells = nbformat.read(path, 4).cells
    lines = (line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines())
    return next((line.lstrip("# ") for line in lines if line.startswith("# ")), path.stem)
