"""What annotation tools hold of a video: marks on its time line."""

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from wstal.base.errors import UserError
from wstal.border import filenames

UNWRITABLE = re.compile(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")  # what XML 1.0 has no place for, and "\r"
CLOSE = 1e-6  # frames; a time so near to a frame's edge is on it


@dataclass(frozen=True)
class Mark:
    """A label between two times of a video, or of the whole video (no times)."""

    label: str
    start_s: float | None = None
    end_s: float | None = None
    score: float | None = None

    @property
    def timed(self) -> bool:
        """Whether it has times."""
        return self.start_s is not None and self.end_s is not None

    def ms(self) -> tuple[int, int]:
        """First and end millisecond, not before the video begins and at least one apart.

        Raises:
            UserError: it has no times.
        """
        if self.start_s is None or self.end_s is None:
            raise UserError(f"label {self.label!r} has no times, so it cannot be drawn on a time line; give it times.")
        start = max(0, round(1000 * self.start_s))
        return start, max(start + 1, round(1000 * self.end_s))


@dataclass(frozen=True)
class Track:
    """The marks of a video, as they are read from a file of a tool."""

    video: str  # its id: the name of its file without the ending
    marks: tuple[Mark, ...]
    ending: str = ""  # of its file, where the tool tells it: ".mp4"


@dataclass(frozen=True)
class Clip:
    """The marks of a video, as they are written."""

    video: str  # its id
    marks: tuple[Mark, ...]
    file: Path
    duration_s: float
    fps: float  # frames a second of the file, on average

    @property
    def path(self) -> Path:
        """The file's absolute path; links stay, as their names are those of videos."""
        return Path(os.path.abspath(self.file))  # noqa: PTH100 - Path.absolute keeps ".."

    def frames(self, mark: Mark) -> tuple[int, int]:
        """First and last frame that a mark touches, counted from 1."""
        return frames(mark, self.fps)

    def ordered(self) -> list[Mark]:
        """Marks by time, then label."""
        return sorted(self.marks, key=lambda mark: (mark.ms(), mark.label))


def frames(mark: Mark, fps: float) -> tuple[int, int]:
    """First and last frame that a mark touches, counted from 1, in a video of `fps` frames a second."""
    start_ms, end_ms = mark.ms()
    first = math.floor(start_ms * fps / 1000 + CLOSE) + 1
    return first, max(first, math.ceil(end_ms * fps / 1000 - CLOSE))


def seconds(first: int, last: int, fps: float) -> tuple[float, float]:
    """Start of the first and end of the last frame, counted from 1, to the millisecond."""
    return round((first - 1) / fps, 3), round(last / fps, 3)


def files(clips: Sequence[Clip], folder: str, ending: str) -> dict[str, Clip]:
    """{<folder>/<name of the video's id>.<ending>: clip}, for formats that have a file a video."""
    made = filenames.file_names(clip.video for clip in clips)
    return {f"{folder}/{made[clip.video]}.{ending}": clip for clip in clips}


def check(texts: Iterable[str], what: str) -> None:
    """Find out whether names of videos or classes can stand in every format; `what` calls them in the sentence.

    Raises:
        UserError: one cannot.
    """
    for name in texts:
        if not name or name != name.strip():
            raise UserError(f"{what} {name!r} is empty or begins or ends with a blank; rename it.")
        if found := UNWRITABLE.search(name):
            raise UserError(f"{what} {name!r} holds the character {found[0]!r}, which annotation tools cannot hold; rename it.")


def check_times(tracks: Iterable[Track], path: Path) -> None:
    """Refuse times outside a video, and an end before its start; `path` is the file that they are from.

    Raises:
        UserError: for the first such mark.
    """
    for one in tracks:
        for mark in one.marks:
            if mark.start_s is not None and mark.end_s is not None and not 0 <= mark.start_s <= mark.end_s < math.inf:
                raise UserError(
                    f"{path}: {mark.label!r} of video {one.video!r} is from {mark.start_s} s to {mark.end_s} s; mend its times."
                )


def track(name: str, marks: Iterable[Mark]) -> Track:
    """The track of the video whose file has this name, which may lack its ending."""
    path = PurePath(name)
    return Track(path.stem, tuple(marks), path.suffix)


def merged(tracks: Sequence[Track]) -> list[Track]:
    """One track a video, by name; marks that are there twice count once, whatever their scores."""
    marks: dict[str, dict[Mark, None]] = {}
    for one in tracks:
        marks.setdefault(one.video, {}).update({replace(mark, score=None): None for mark in one.marks})
    endings = {one.video: one.ending for one in tracks if one.ending}
    return [Track(video, tuple(marks[video]), endings.get(video, "")) for video in sorted(marks)]
