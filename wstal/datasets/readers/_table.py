"""Tables that people write by hand or save from spreadsheets: CSV in UTF-8 whose first line names its columns."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from wstal.base.errors import UserError, system_errors
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
    text = _text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        columns = _names(next(reader, []))
        rows = [(reader.line_num, tuple(cell.strip() for cell in cells)) for cells in reader]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}; close every quotation mark, or remove them.") from None
    return CsvTable(columns, tuple((line, cells) for line, cells in rows if any(cells)))


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


def _text(table: Path) -> str:
    """The file as text."""
    with system_errors(table):
        data = table.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(f"{table}, line {line} is not in UTF-8; save the table as CSV in UTF-8.") from None
    if "\0" in text:
        raise UserError(f"{table} is no text in UTF-8; save the table as CSV in UTF-8.")
    return text
