"""Files and folders that a person names: whether they are there, whether they can be written, a folder replaced whole."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wstal.base.errors import UserError, of_system


def check_out(out: Path) -> None:
    """Find out before hours of work, not after, whether a folder can be written at `out`.

    Raises:
        UserError: no folder can be written there.
    """
    place = next(path for path in (out, *out.parents) if path.exists())
    if not place.is_dir():
        raise UserError(f"{place} is a file, so no folder can be written to {out}; name another one.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(dir=out if out.exists() else out.parent).cleanup()
    except OSError as error:
        raise of_system(error, out) or UserError(
            f"{out} cannot be written ({error.strerror}); name a folder in one that you may write."
        ) from None


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


def named(files: Sequence[Path]) -> dict[str, Path]:
    """{video id: file}, all there; the id is the file's name without its ending.

    Raises:
        UserError: a file is missing or a folder, or two have one name.
    """
    videos: dict[str, Path] = {}
    for file in files:
        if file.is_dir():
            raise UserError(f"{file} is a folder; name its videos, for instance {file}/*.mp4.")
        if not file.is_file():
            raise UserError(f"{file} is missing; name an existing video file.")
        if videos.setdefault(file.stem, file).resolve() != file.resolve():
            raise UserError(f"{videos[file.stem]} and {file} have one name; rename one, or localize them one after the other.")
    return videos


def replace(fresh: Path, out: Path) -> None:
    """A copy of the folder `fresh` takes the place of `out`, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    new, old = partial / "new", partial / "old"
    try:
        shutil.copytree(fresh, new)
        if out.exists():
            out.rename(old)
        new.rename(out)
    finally:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(partial, ignore_errors=True)
