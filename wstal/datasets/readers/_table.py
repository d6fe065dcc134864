"""Tables that people write by hand or save from spreadsheets: CSV in UTF-8 whose first line names its columns."""

from dataclasses import dataclass
from pathlib import Path

from wstal.base.errors import system_errors
from wstal.border import content, csvfile
from wstal.datasets.readers import _files

SEPARATORS = ",;\t"


@dataclass(frozen=True)
class CsvTable:
    """The cells of a table, blanks around them removed."""

    columns: tuple[str, ...]  # names in line 1, in lower case, "_" for blanks inside
    lines: tuple[tuple[int, tuple[str, ...]], ...]  # (line number, cells), lines without any content left out


def read(path: Path, cure: str) -> CsvTable:
    """The table in `path`; commas, semicolons or tabs separate its cells, whichever line 1 has most of.

    Raises:
        UserError: the file is missing, not in UTF-8, or a quotation mark is not closed.
    """
    _files.require([path], cure)
    text = content.read_text(path, cure="save the table as CSV in UTF-8")
    (_, header), *rows = csvfile.rows(text, path, _separator(text)) or [(1, [])]
    lines = [(line, tuple(cell.strip() for cell in cells)) for line, cells in rows]
    return CsvTable(_names(header), tuple((line, cells) for line, cells in lines if any(cells)))


def is_json(path: Path) -> bool:
    """Whether the file begins as JSON does."""
    return _beginning(path).startswith(("{", "["))


def is_table(path: Path) -> bool:
    """Whether the file is no JSON, and is called .csv or has a column `video`."""
    text = _beginning(path)
    header = text.partition("\n")[0].split(_separator(text))
    return not is_json(path) and (path.suffix.lower() == ".csv" or "video" in _names(header))


def _beginning(path: Path) -> str:
    with system_errors(path), path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.read(4096).lstrip()


def _separator(text: str) -> str:
    return max(SEPARATORS, key=text.partition("\n")[0].count)


def _names(header: list[str]) -> tuple[str, ...]:
    return tuple("_".join(name.lower().split()) for name in header)
