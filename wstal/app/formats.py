"""`wstal localize --formats`: the detections for people as files of annotation tools, beside the other outputs.

<out>/formats.json    {file: SHA-256} of what was written: a file that somebody has corrected since is never lost
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wstal.app import folders
from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Detections
from wstal.border import content, jsonfile
from wstal.border.filenames import part
from wstal.exchange.tools import registry, tracks
from wstal.exchange.tools.tracks import Clip, Mark
from wstal.features.pixels.decode import duration_s, opened
from wstal.training import card

USUAL_FPS = 25.0  # of a file that does not say its own rate


def check(names: Sequence[str], run: Path, videos: Sequence[Path], out: Path) -> None:
    """Find out before hours of work whether files of these formats can be written for video files, by a run, to a folder.

    Raises:
        UserError: a format cannot hold a class or a video, or a file of an earlier run was changed since.
    """
    targets: set[Path] = set()
    if names:
        classes, named = card.read(run).classes, folders.named(videos)
        registry.check(names, classes)
        tracks.check(named, "video")
        empty = [Clip(video, (), file, 0.0, USUAL_FPS) for video, file in named.items()]
        targets = {out / path for name in names for path in registry.formats()[name].texts(empty, classes)}
    before = written(out)
    for path in sorted(targets | set(before)):
        if path.is_file() and _digest(path) != before.get(path):
            why = "was changed since it was written" if path in before else "is somebody else's"
            raise UserError(f"{path} {why}; move it, or name another folder with --out.")


def write(names: Sequence[str], run: Path, videos: Sequence[Path], shown: Detections, out: Path) -> None:
    """The files of all formats, in the place of those of an earlier run, all or none."""
    with files.several(out, [*written(out), out / "formats.json"]) as fresh:
        if names:
            made, classes = clips(shown, folders.named(videos)), card.read(run).classes
            paths = [path for name in names for path in registry.write(name, made, classes, fresh)]
            digests = {path.relative_to(fresh).as_posix(): _digest(path) for path in paths}
            files.write(fresh / "formats.json", json.dumps(digests, indent=1, ensure_ascii=False) + "\n")


def written(out: Path) -> dict[Path, str]:
    """{file: SHA-256} of what an earlier run has written to the folder."""
    path = out / "formats.json"
    if not path.is_file():
        return {}
    digests = jsonfile.read(path, dict[str, str], "is damaged", "remove it, or name another folder with --out")
    return {out.joinpath(*(part(each, str(path)) for each in name.split("/"))): digest for name, digest in digests.items()}


def clips(shown: Detections, videos: Mapping[str, Path]) -> list[Clip]:
    """A clip for every video of the detections; `videos` are {video id: file}."""
    columns = (shown.label, shown.start_s, shown.end_s, shown.score)
    found = []
    for number, video in enumerate(shown.videos):
        rows = np.flatnonzero(shown.video == number)
        marks = tuple(
            Mark(shown.labels[c], float(a), float(b), float(s)) for c, a, b, s in zip(*(x[rows] for x in columns), strict=True)
        )
        found.append(Clip(video, marks, videos[video], duration_s(videos[video]), fps(videos[video])))
    return found


def fps(path: Path) -> float:
    """Frames a second of a video file, on average."""
    with opened(path) as (_, stream):
        return float(stream.average_rate or stream.guessed_rate or USUAL_FPS)


def _digest(path: Path) -> str:
    return hashlib.sha256(content.read_bytes(path)).hexdigest()
