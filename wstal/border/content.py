"""The bytes and the text of a file."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from wstal.base.errors import UserError, of_system, system_errors
from wstal.border.limits import LIMITS, check_size

MARK = b"\xef\xbb\xbf"  # with which some programs begin UTF-8


def require(paths: Iterable[Path], cure: str) -> None:
    """Check that all of `paths` are files, before the first is read; `cure` ends the sentence.

    Raises:
        UserError: some are not.
    """
    missing = []
    for path in paths:
        with system_errors(path):
            if not path.is_file():
                missing.append(path)
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        what = "is a folder, not a file" if missing[0].is_dir() else "is missing" if _absent(missing[0]) else "is no file"
        raise UserError(f"{missing[0]}{more} {what}; {cure}.")


def read_bytes(path: Path, most: int = LIMITS.json_bytes, cure: str = "give the path of an existing file") -> bytes:
    """The content of a file, or of a pipe, without a byte order mark.

    Raises:
        UserError: it is missing, cannot be read, or has more than `most` bytes.
    """
    try:
        with Path(path).open("rb") as file:
            about = os.fstat(file.fileno())
            if stat.S_ISCHR(about.st_mode) or stat.S_ISBLK(about.st_mode):
                raise UserError(f"{path} is a device, no file; {cure}.")
            check_size(about.st_size, most, path)
            data = file.read() if stat.S_ISREG(about.st_mode) else file.read(most + 1)  # of a pipe, whose end nobody knows
    except (OSError, ValueError, MemoryError) as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); {cure}."
        ) from None
    check_size(len(data), most, path)
    return data.removeprefix(MARK)


def read_text(path: Path, most: int = LIMITS.text_bytes, cure: str = "save it as text in UTF-8") -> str:
    """The text of a file in UTF-8.

    Raises:
        UserError: it is missing, cannot be read, is too long or no text in UTF-8.
    """
    return as_text(read_bytes(path, most, cure), path, cure)


def as_text(data: bytes, path: Path, cure: str) -> str:
    """Bytes of a file as text in UTF-8.

    Raises:
        UserError: they are none.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line} is not in UTF-8; {cure}.") from None
    if "\0" in text:
        raise UserError(f"{path} is no text in UTF-8; {cure}.")
    return text


def _absent(path: Path) -> bool:
    return not os.path.lexists(path) or not path.exists()
