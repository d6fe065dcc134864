"""The formats: files of this folder that write, and those that also read."""

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

from wstal.base import files
from wstal.base.errors import UserError
from wstal.exchange import tools
from wstal.exchange.tools import _opened, tracks
from wstal.exchange.tools.tracks import Clip, Track


@cache
def formats() -> dict[str, ModuleType]:
    """{name: module} of every format."""
    names = [module.name for module in pkgutil.iter_modules(tools.__path__)]
    modules = {name: importlib.import_module(f"{tools.__name__}.{name}") for name in names if not name.startswith("_")}
    return {name: module for name, module in modules.items() if hasattr(module, "texts")}


def check(names: Sequence[str], labels: Sequence[str]) -> None:
    """Find out whether all formats can hold all labels, before hours of work.

    Raises:
        UserError: one cannot.
    """
    tracks.check(labels, "class")
    for name in names:
        for label in labels:
            if reason := getattr(formats()[name], "fault", lambda _: "")(label):
                raise UserError(f"class {label!r} cannot be written as {name}, {reason}; rename it, or leave {name} out.")


def write(name: str, clips: Sequence[Clip], classes: Sequence[str], out: Path) -> list[Path]:
    """Write the files of a format below the folder `out`; -> their paths."""
    texts: dict[str, str] = formats()[name].texts(clips, classes)
    for path, text in texts.items():
        files.write(out / path, text)
    return [out / path for path in texts]


def read(path: Path) -> list[Track]:
    """The tracks of a corrected file, of whichever format it is; labels without blanks around them.

    Raises:
        UserError: it is of no format that is read, is damaged, or holds times that no video has.
    """
    beginning = _opened.text(path).lstrip()[:200]
    for module in formats().values():
        if hasattr(module, "reads") and module.reads(path, beginning):
            found: list[Track] = module.read(path)
            tracks.check_times(found, path)
            return found
    raise UserError(
        f"{path} is of no format that is read back; give WebVTT (.vtt), SRT (.srt), ELAN (.eaf), the JSON of Label Studio "
        "(not JSON-MIN), or a project of VIA 3."
    )
