"""What users see where something is wrong: one sentence that names the file and the cure."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Bad input. The message is one sentence: what is wrong, in which file, and what to do about it.

    Command lines print the message alone and exit with status 1; no traceback reaches the user.
    """


class MachineError(UserError):
    """Open files, disk or memory are used up: no file is at fault, and going on with others is in vain."""


LIMITS = {
    errno.EMFILE: "cannot be opened, as this process may hold no more files open; raise the limit with `ulimit -n 65536`, "
    "and run again.",
    errno.ENFILE: "cannot be opened, as this machine may hold no more files open; close other programs and run again.",
    errno.ENOSPC: "cannot be written, as its disk is full; make room there and run again.",
    errno.EDQUOT: "cannot be written, as your quota of its disk is used up; make room there and run again.",
    errno.ENOMEM: "cannot be read, as memory is used up; close other programs, or run on a machine with more.",
}
REFUSALS = {
    errno.EACCES: "may not be opened by this user; grant it with `chmod`, or name a path that you may use.",
    errno.EPERM: "may not be opened or changed by this user; grant it with `chmod`, or name a path that you may use.",
    errno.EROFS: "cannot be written, as its file system is read-only; name a path on another one.",
    errno.EIO: "cannot be reached, as its disk or network drive reports an error; check the drive, and run again.",
    errno.ESTALE: "cannot be reached, as its network drive has lost it; mount the drive again, and run again.",
}


def of_system(error: BaseException, path: Path | str) -> UserError | None:
    """The sentence for an error that tells of the machine and not of what `path` holds; None for any other error."""
    number = error.errno if isinstance(error, OSError) else None
    for kind, sentences in ((MachineError, LIMITS), (UserError, REFUSALS)):
        if number in sentences:
            return kind(f"{path} {sentences[number]}")
    return None


@contextmanager
def system_errors(path: Path | str) -> Iterator[None]:
    """Errors of the machine inside the block are sentences about `path`; all others pass."""
    try:
        yield
    except OSError as error:
        raise of_system(error, path) or error from None
