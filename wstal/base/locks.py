"""Locks between processes. The system holds them: they end with the process that has them, however it ends."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wstal.base import progress
from wstal.base.errors import UserError, of_system

LOOK_S = 0.2  # how often one who waits looks
UNKNOWN = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)  # what file systems say that know no locks


def grab(path: Path, flags: int = os.O_RDONLY) -> tuple[int, bool] | None:
    """(descriptor, whether it holds a lock) of a file or folder; None if another process holds it, or it went meanwhile.

    The lock lasts until the descriptor is closed. Without one the file system knows no locks.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        handle = os.open(path, flags | os.O_CLOEXEC, 0o666)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        locked = True
    except OSError as error:
        if error.errno not in UNKNOWN:
            os.close(handle)
            return None
        locked = False
    if not _leads_to(path, handle):
        os.close(handle)
        return None
    return handle, locked


def _leads_to(path: Path, handle: int) -> bool:
    """Whether the path is still that of the open file: whoever held it before may have removed it."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))  # noqa: PTH116
    except FileNotFoundError:
        return False


@contextmanager
def held(path: Path, what: str, busy: str | None = None) -> Iterator[None]:
    """Hold the lock file `path`, which goes when it is free. Waits for another process that has it, or refuses.

    `what` is made under the lock, as the bar of one who waits says; `busy` is the sentence of one who does not wait.

    Raises:
        UserError: another process has it, and `busy` says so; or the lock cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        told = False
        while not (found := grab(path, os.O_RDWR | os.O_CREAT)):
            if busy:
                raise UserError(busy)
            if not told:
                progress.report(f"waiting for another process: {what}", 0, 1)
                told = True
            time.sleep(LOOK_S)
    except OSError as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be written ({error.strerror}); give a path in a folder you may write."
        ) from None
    if told:
        progress.report(f"waiting for another process: {what}", 1, 1)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(found[0])
