"""`wstal labels`: corrected files of annotation tools -> labels to train on, and times to evaluate against."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wstal.base import files
from wstal.base.errors import UserError
from wstal.border import csvfile
from wstal.exchange.tools import registry, tracks
from wstal.exchange.tools.tracks import Track

SUBSET = "test"  # of all videos in the ground truth


@dataclass(frozen=True)
class Corrected:
    """What the files say, one track a video."""

    tracks: list[Track]

    @property
    def unlabelled(self) -> list[str]:
        """Videos without any label."""
        return [track.video for track in self.tracks if not track.marks]

    @property
    def untimed(self) -> list[str]:
        """Videos with a label that has no times."""
        return [track.video for track in self.tracks if not all(mark.timed for mark in track.marks)]

    def table(self) -> str:
        """labels.csv as `wstal train` reads it: a line for every label that a video shows."""
        shown = [(track, label) for track in self.tracks for label in sorted({mark.label for mark in track.marks})]
        return csvfile.exact([("video", "label"), *((track.video + track.ending, label) for track, label in shown)])

    def truth(self) -> dict[str, Any]:
        """ActivityNet's ground-truth layout, of the videos whose labels all have times; also those without an action."""
        untimed = set(self.untimed)
        database = {
            track.video: {
                "subset": SUBSET,
                "annotations": [{"segment": [mark.start_s, mark.end_s], "label": mark.label} for mark in _by_time(track)],
            }
            for track in self.tracks
            if track.video not in untimed
        }
        return {"version": "wstal", "database": database}


def collect(paths: Sequence[Path]) -> Corrected:
    """What corrected files say, put together; what two files say of a video counts once.

    Raises:
        UserError: a file cannot be read, or no file has a label.
    """
    found = tracks.merged([track for path in paths for track in registry.read(path)])
    if not any(track.marks for track in found):
        raise UserError(f"{', '.join(map(str, paths))}: no label is there; label the videos in the tool and save its file.")
    tracks.check((track.video for track in found), "video")
    return Corrected(found)


def write(corrected: Corrected, out: Path, truth: Path | None) -> None:
    """Write the table of labels, and the ground truth if a file for it is named.

    Raises:
        UserError: a file is there, or no label has times that a ground truth needs.
    """
    for path in filter(None, (out, truth)):
        if path.exists():
            raise UserError(f"{path} exists; name a new file, or move that one.")
    content = corrected.truth()
    if truth and not any(entry["annotations"] for entry in content["database"].values()):
        raise UserError(f"{truth}: no video has times for all its labels, so there is no ground truth; leave out --truth.")
    files.write(out, corrected.table())
    if truth:
        files.write(truth, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _by_time(track: Track) -> list[Any]:
    return sorted(track.marks, key=lambda mark: (mark.start_s, mark.end_s, mark.label))
