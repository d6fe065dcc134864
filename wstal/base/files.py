"""JSON on disk: reading with a sentence instead of a traceback, writing that is whole or not at all."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from wstal.base.errors import UserError, of_system

AGAIN = "write or copy the file again, or make it again (`dvc repro` makes those under runs/)"


def read_bytes(path: Path) -> bytes:
    """The content of a file, without a byte order mark.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    try:
        return Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be read ({error.strerror}); give the path of an existing JSON file."
        ) from None


def decode(data: bytes, path: Path) -> Any:
    """JSON as plain Python objects. NaN and Infinity, which are not JSON but which Python writes, come out as floats.

    `path` names the file in a sentence.

    Raises:
        UserError: `data` is no JSON.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON or was cut short ({error}); {AGAIN}.") from None


def write(path: Path, text: str) -> None:
    """Replace the file at once: a reader sees the old file or the whole new one. Makes its folder where there is none.

    Raises:
        UserError: the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(scratch, 0o644)  # noqa: PTH101 - mkstemp makes files that only their owner can read
            os.replace(scratch, path)  # noqa: PTH105
        except BaseException:
            os.unlink(scratch)  # noqa: PTH108
            raise
    except OSError as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be written ({error.strerror}); give a path in a folder you may write."
        ) from None
