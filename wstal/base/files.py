"""Text on disk, written whole or not at all."""

import os
import tempfile
from pathlib import Path

from wstal.base.errors import UserError, of_system


def write(path: Path, text: str) -> None:
    """Replace the file at once: a reader sees the old file or the whole new one. Makes its folder where there is none.

    What is no Unicode, as the name of a folder that is not in UTF-8, is spelled out by its number.

    Raises:
        UserError: the file cannot be written.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
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
