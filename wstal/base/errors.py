"""What users see where something is wrong: one sentence that names the file and the cure."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST = 4000  # characters of a sentence; what a file quotes into it may be longer


class UserError(Exception):
    """Bad input. The message is one sentence: what is wrong, in which file, and what to do about it.

    Command lines print the message alone and exit with status 1; no traceback reaches the user. Whatever a file or a library
    puts into it, the sentence is one line of text that every terminal can show: control characters and bytes that are no
    UTF-8 are spelled out, and the middle of a very long one is left out.
    """

    def __init__(self, sentence: str):
        sentence = re.sub(r"[\r\n\u2028\u2029]+", " ", sentence).encode("utf-8", "backslashreplace").decode("utf-8")
        sentence = re.sub(r"[\x00-\x1f\x7f-\x9f]", lambda found: repr(found[0])[1:-1], sentence)
        if len(sentence) > LONGEST:
            sentence = f"{sentence[: LONGEST // 2]} [...] {sentence[-LONGEST // 2 :]}"
        super().__init__(sentence)


class MachineError(UserError):
    """Open files, disk or memory are used up: no file is at fault, and going on with others is in vain."""


LIMITS = {
    errno.EMFILE: "cannot be opened, as this process may hold no more files open; raise the limit with `ulimit -n 65536`, "
    "and run again.",
    errno.ENFILE: "cannot be opened, as this machine may hold no more files open; close other programs and run again.",
    errno.ENOSPC: "cannot be written, as its disk is full; make room there and run again.",
    errno.EDQUOT: "cannot be written, as your quota of its disk is used up; make room there and run again.",
    errno.ENOMEM: "cannot be read, as memory is used up; close other programs, or run on a machine with more.",
    errno.EFBIG: "cannot be written, as this process may write no file so large; raise the limit with `ulimit -f unlimited`, "
    "or name a path on another file system, and run again.",
}
REFUSALS = {
    errno.EACCES: "may not be opened by this user; grant it with `chmod`, or name a path that you may use.",
    errno.EPERM: "may not be opened or changed by this user; grant it with `chmod`, or name a path that you may use.",
    errno.EROFS: "cannot be written, as its file system is read-only; name a path on another one.",
    errno.EIO: "cannot be reached, as its disk or network drive reports an error; check the drive, and run again.",
    errno.ESTALE: "cannot be reached, as its network drive has lost it; mount the drive again, and run again.",
    errno.ETIMEDOUT: "cannot be reached, as its network drive does not answer; check the connection, and run again.",
    errno.ENAMETOOLONG: "cannot be used, as its name is longer than its file system allows; name a shorter path.",
    errno.ELOOP: "cannot be reached, as its symbolic links lead in a circle; mend them, or name another path.",
    errno.EBUSY: "cannot be opened or changed, as another program uses it; close that, and run again.",
    errno.ETXTBSY: "cannot be opened or changed, as another program uses it; close that, and run again.",
    errno.ENXIO: "cannot be opened, as it is no file that holds data; name a file.",
    errno.ENODEV: "cannot be opened, as it is no file that holds data; name a file.",
    errno.EILSEQ: "cannot be used, as its file system knows no such letters; name a path of plain letters.",
}


def of_system(error: BaseException, path: Path | str) -> UserError | None:
    """The sentence for an error that tells of the machine and not of what `path` holds; None for any other error."""
    number = errno.ENOMEM if isinstance(error, MemoryError) else error.errno if isinstance(error, OSError) else None
    for kind, sentences in ((MachineError, LIMITS), (UserError, REFUSALS)):
        if number in sentences:
            return kind(f"{path} {sentences[number]}")
    return None


@contextmanager
def system_errors(path: Path | str) -> Iterator[None]:
    """Errors of the machine inside the block are sentences about `path`; all others pass."""
    try:
        yield
    except (OSError, MemoryError) as error:
        raise of_system(error, path) or error from None
