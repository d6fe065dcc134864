"""The one way to a file or folder on disk: whole or not at all, whenever a process or the machine may stop.

    write(path, content)    a file
    fresh(path)             a file or folder that somebody else's function writes
    several(folder)         files of a folder that holds others as well
    scratch(parent)         a folder that goes

What is unfinished lies beside its target in a folder `.wstal-*.partial`, which its process holds locked. A process that was
killed leaves it behind; the next one that writes there removes it.
"""

import ctypes
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from wstal.base import locks
from wstal.base.errors import UserError, of_system

PREFIX, SUFFIX = ".wstal-", ".partial"  # of folders of what is unfinished
READY = ".wstal-ready"  # of several files that are finished, and on their way to their places
AT_FDCWD, EXCHANGE = -100, 2  # of Linux: fcntl.h, and RENAME_EXCHANGE of fs.h
NO_EXCHANGE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)  # what systems say that cannot exchange two folders


def write(path: Path, content: str | bytes) -> None:
    """Replace the file at once: a reader sees the old file or the whole new one. Makes its folder where there is none.

    Text is UTF-8; what is no Unicode, as the name of a folder that is not in UTF-8, is spelled out by its number.

    Raises:
        UserError: the file cannot be written.
    """
    with fresh(path) as scratch:
        scratch.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))


@contextmanager
def fresh(path: Path) -> Iterator[Path]:
    """Where a file or a folder is to be written that takes the place of `path` when the block ends; nothing does if it fails.

    The path that is yielded has the name of `path`, and its folder is there.

    Raises:
        UserError: it cannot be written, or the block reaches a limit of the machine.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    with scratch(path.parent) as folder:
        _recover(path)
        with _named(folder / path.name, path):
            yield folder / path.name
        with writing(path):
            _sync(folder / path.name)
            _place(folder / path.name, path)


@contextmanager
def several(folder: Path, gone: Iterable[Path] = ()) -> Iterator[Path]:
    """A folder in which files are to be written that take their places below `folder` together, when the block ends.

    Files of `gone`, below `folder`, are removed with that. If the process is stopped while files take their places, `finish`
    does the rest.

    Raises:
        UserError: one cannot be written, or the block reaches a limit of the machine.
    """
    finish(folder)
    with scratch(folder) as made:
        new, old = made / READY / "new", made / READY / "gone"
        with writing(folder):
            new.mkdir(parents=True)
        with _named(new, folder):
            yield new
        with writing(folder):
            for path in gone:
                mark = old / path.relative_to(folder)
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
            _make_room(_files(new), folder)
            _sync(made / READY)
            (made / READY).rename(folder / READY)
    finish(folder)


def finish(folder: Path) -> None:
    """Bring to their places what an interrupted process had finished by `several`.

    Raises:
        UserError: the folder cannot be written.
    """
    ready = folder / READY
    if not ready.is_dir():
        return
    with writing(folder):
        for path in _files(ready / "gone"):  # a second try finds fewer
            (folder / path).unlink(missing_ok=True)
        shutil.rmtree(ready / "gone", ignore_errors=True)  # before new files come, which a second try would remove
        for path in _files(ready / "new"):
            (ready / "new" / path).replace(folder / path)
        shutil.rmtree(ready)


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, which is made where it is missing. It goes when the block ends, or later.

    Raises:
        UserError: it cannot be made.
    """
    with writing(parent):
        if not parent.exists():
            parent.mkdir(parents=True, exist_ok=True)
        _sweep(parent)
        folder, handle = _own(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def claim(folder: Path) -> None:
    """Hold a folder, which is made, until this process ends, so that `abandoned` says it is in use."""
    folder.mkdir(parents=True, exist_ok=True)
    locks.grab(folder)


def abandoned(parent: Path, pattern: str) -> Iterator[Path]:
    """Folders and files of `parent`, named by `pattern`, that no process holds; the loop holds each while it looks at it."""
    for path in parent.glob(pattern):
        with suppress(OSError):  # another user's
            if found := locks.grab(path):
                try:
                    if found[1]:
                        yield path
                finally:
                    os.close(found[0])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of the system inside the block are sentences about `path`, or about another file that they name.

    Raises:
        UserError: in place of an OSError or MemoryError.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        named = str(getattr(error, "filename", None) or path)
        where = path if PREFIX in named else Path(named)
        raise of_system(error, where) or UserError(
            f"{where} cannot be written ({getattr(error, 'strerror', None) or error}); give a path in a folder you may write."
        ) from None


@contextmanager
def _named(made: Path, place: Path) -> Iterator[None]:
    """Sentences of the block name files by the `place` that they will have, not by that where they are made.

    Raises:
        UserError: in place of another, or of an OSError or MemoryError that tells of the machine.
    """
    try:
        yield
    except UserError as error:
        if str(made) not in str(error):
            raise
        raise type(error)(str(error).replace(str(made), str(place))) from None
    except (OSError, MemoryError) as error:
        where = str(getattr(error, "filename", None) or place).replace(str(made), str(place))
        raise of_system(error, where) or error from None


@cache
def _sweep(parent: Path) -> None:
    """Remove what processes have left that were killed; once a process, as folders may be large."""
    for path in abandoned(parent, f"{PREFIX}*{SUFFIX}"):
        shutil.rmtree(path, ignore_errors=True)


def _own(parent: Path) -> tuple[Path, int]:
    """(a new folder, a descriptor that locks it); again where another process has taken it for an abandoned one."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX, suffix=SUFFIX))
        if found := locks.grab(folder):
            return folder, found[0]


def _files(folder: Path) -> list[Path]:
    """All files below a folder, relative to it; links to folders are files."""
    return sorted(Path(place, name).relative_to(folder) for place, _, names in os.walk(folder) for name in names)


def _make_room(files: Iterable[Path], folder: Path) -> None:
    """Find out whether files can come to their places below a folder, and make the folders between."""
    for path in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if (folder / path).is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(folder / path))


def _sync(path: Path) -> None:
    """Wait until a file, or all files of a folder, are on disk."""
    for file in [path / name for name in _files(path)] if path.is_dir() else [path]:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _place(new: Path, path: Path) -> None:
    """`new` takes the place of `path`; what was there goes with the folder of `new`."""
    if path.is_dir() and not new.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.is_dir():
        _exchange(new, path)
    else:
        new.replace(path)
    with suppress(OSError):  # not every file system syncs folders
        handle = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _exchange(new: Path, path: Path) -> None:
    """Two folders swap their places: at once on Linux, elsewhere in two steps, between which `_recover` knows the way back."""
    if swap := getattr(_libc(), "renameat2", None):
        if not swap(AT_FDCWD, os.fsencode(new), AT_FDCWD, os.fsencode(path), EXCHANGE):
            return
        if (number := ctypes.get_errno()) not in NO_EXCHANGE:
            raise OSError(number, os.strerror(number), str(path))
    path.rename(_aside(path))
    new.rename(path)
    shutil.rmtree(_aside(path), ignore_errors=True)


def _recover(path: Path) -> None:
    """Put back what a process has put aside that was stopped in the middle of an exchange, or remove it."""
    aside = _aside(path)
    with writing(path):
        if aside.is_dir() and not path.exists():
            aside.rename(path)
        elif aside.is_dir():
            shutil.rmtree(aside, ignore_errors=True)


def _aside(path: Path) -> Path:
    return path.with_name(f"{PREFIX}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}.old")


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
