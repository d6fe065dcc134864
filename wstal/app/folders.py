"""Files and folders that a person names: whether they are there, whether they can be written, one for a command alone."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from wstal.base import files, locks
from wstal.base.errors import UserError
from wstal.border import content, filenames

_taken: set[Path] = set()  # by this process


def check_out(out: Path) -> None:
    """Find out before hours of work, not after, whether a folder can be written at `out`.

    Raises:
        UserError: no folder can be written there.
    """
    place = next(path for path in (out, *out.parents) if path.exists())
    if not place.is_dir():
        raise UserError(f"{place} is a file, so no folder can be written to {out}; name another one.")
    with files.scratch(out if out.exists() else out.parent):
        pass


@contextmanager
def taken(out: Path) -> Iterator[None]:
    """The folder `out` is one that can be written, and no other command writes to it while the block lasts; blocks may nest.

    What a command that was killed had finished for it comes to its place.

    Raises:
        UserError: no folder can be written there, or another command is at work.
    """
    whole = Path(os.path.realpath(out))
    if whole in _taken:
        yield
        return
    check_out(out)
    lock = whole.parent / f".wstal-{hashlib.sha256(os.fsencode(whole.name)).hexdigest()[:16]}.lock"
    with locks.held(lock, str(out), f"{out} is being written by another command; wait for its end, or name another folder."):
        _taken.add(whole)
        try:
            files.finish(out)
            yield
        finally:
            _taken.remove(whole)


def check_given(labels: Path, videos: Path) -> None:
    """Find out whether the table and the folder of videos are there.

    Raises:
        UserError: one is missing.
    """
    if labels.is_dir():
        raise UserError(
            f"{labels} is a folder; name the table of labels, a CSV file with a line `video,label` for every video."
        )
    if not labels.is_file():
        raise UserError(
            f"{labels} is missing; write this table, a line `video,label` for every video, or name an existing one."
        )
    if not videos.is_dir():
        raise UserError(f"{videos} is no folder; name the folder of the training videos, as with --videos.")


def check_apart(outs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Find out, before anything is written, whether files to write are apart from each other and from all that is read.

    Raises:
        UserError: one is another, or is there already in a folder that is read.
    """
    met = {Path(os.path.realpath(path)): path for path in inputs if path}
    for out in filter(None, outs):
        place = Path(os.path.realpath(out))
        if place in met or (place.exists() and not met.keys().isdisjoint(place.parents)):
            raise UserError(f"{out} would be written over what this command reads or writes there; name another file.")
        met[place] = out


def named(given: Sequence[Path]) -> dict[str, Path]:
    """{video id: file}, all there; the id is the file's name without its ending.

    Raises:
        UserError: a file is missing or a folder, or two have one name.
    """
    videos: dict[str, Path] = {}
    for file in given:
        if file.is_dir():
            raise UserError(f"{file} is a folder; name its videos, for instance {file}/*.mp4.")
        content.require([file], "name an existing video file")
        filenames.check_path(file)
        if videos.setdefault(file.stem, file).resolve() != file.resolve():
            raise UserError(f"{videos[file.stem]} and {file} have one name; rename one, or localize them one after the other.")
    return videos
