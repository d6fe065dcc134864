"""Tables in CSV -> cells, and cells -> CSV that a spreadsheet only shows."""

import csv
import io
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError
from wstal.border import content
from wstal.border.limits import LIMITS

FORMULA = ("=", "+", "-", "@", "\t")  # a cell that begins so is computed by spreadsheets


def rows(text: str, path: Path, separator: str = ",") -> list[tuple[int, list[str]]]:
    """(number of the last line, cells) of each row, blank ones included; `path` names the file.

    Raises:
        UserError: a quotation mark is not closed, or a cell is longer than the csv module takes.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}; close every quotation mark, or remove them.") from None


def numbers(path: Path, header_lines: int) -> np.ndarray:
    """T lines of D numbers each as (T, D) float32; `header_lines` lines before them are passed over.

    Raises:
        UserError: a line is none.
    """
    text = content.read_bytes(path, LIMITS.text_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of an empty file, whose shape (0, 1) is refused later
            lines = io.StringIO(text.decode("utf-8"))
            return np.loadtxt(lines, delimiter=",", dtype=np.float32, skiprows=header_lines, ndmin=2, comments=None)
    except (ValueError, OverflowError) as error:
        reason = str(error).split(";")[0].rstrip(".")
        raise UserError(
            f"{path} is not a line of numbers per snippet ({reason}); set `header_lines` of the stream in params.yaml to "
            "the lines before the first snippet, or download the file again."
        ) from error


def text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV; a cell that is no number and that a spreadsheet would compute gets an apostrophe in front."""
    return exact(map(_shown, row) for row in rows)


def exact(rows: Iterable[Iterable[str]]) -> str:
    """Rows as CSV with every cell as it is, for programs that read them again."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _shown(cell: str) -> str:
    cell = cell.replace("\r", " ")  # or it would end the line
    return f"'{cell}" if cell.startswith(FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace("±", "").split()[0])
    except (ValueError, IndexError):
        return False
    return True
