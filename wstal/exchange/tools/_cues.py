"""Subtitles: blocks of an optional name, a line of two times, and lines of text, with blank lines between."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from wstal.base.errors import UserError
from wstal.border import filenames
from wstal.exchange.tools.tracks import Clip, Mark, Track

TIME = r"(?:(\d{1,9}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
TIMES = re.compile(rf"\s*{TIME}\s*-->\s*{TIME}(?:\s.*)?")


def blocks(clip: Clip, point: str, written: Callable[[str], str]) -> str:
    """The cues of a video, numbered, by time; `point` stands before milliseconds, `written` makes a line of a label."""
    cues = []
    for number, mark in enumerate(clip.ordered(), start=1):
        start, end = (clock(ms, point) for ms in mark.ms())
        cues.append(f"{number}\n{start} --> {end}\n{written(mark.label)}\n")
    return "\n".join(cues)


def clock(ms: int, point: str) -> str:
    """Milliseconds as 01:02:03.004."""
    return f"{ms // 3600000:02}:{ms // 60000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def track(
    path: Path, body: str, label_of: Callable[[str], str], passed: Callable[[int, str], bool] = lambda number, line: False
) -> Track:
    """The cues of a file's text, which is named as its video; every line of a cue is a label.

    label_of: a line -> its label. passed: whether a block without times is passed over; (number of its first line, that line).

    Raises:
        UserError: a block has no times, or a cue no text.
    """
    marks: list[Mark] = []
    for number, lines in _blocks(body):
        place = next((i for i, line in enumerate(lines[:2]) if TIMES.fullmatch(line)), None)
        if place is not None:
            marks += _cue(lines[place], [label_of(line) for line in lines[place + 1 :]], f"{path}, line {number + place}")
        elif not passed(number, lines[0]):
            raise UserError(f"{path}, line {number}: times such as 00:00:01.000 --> 00:00:02.500 are missing; write them.")
    return Track(named_as(path), tuple(marks))


def named_as(path: Path) -> str:
    """The video that the file is named as.

    Raises:
        UserError: the file's name was made of an id that could not name it.
    """
    if filenames.is_made(path.stem):
        raise UserError(f"{path} is named by a digest, as its video's id names no file; give it the name of the video's file.")
    return path.stem


def _cue(times: str, labels: list[str], where: str) -> list[Mark]:
    """The marks of a cue."""
    found = TIMES.fullmatch(times)
    assert found
    start_s, end_s = _seconds(*found.groups()[:4]), _seconds(*found.groups()[4:])
    if end_s < start_s:
        raise UserError(f"{where}: the cue ends before it starts; swap or mend its times.")
    named = [name for label in labels if (name := label.strip())]
    if not named:
        raise UserError(f"{where}: the cue has no text; write its label below the times, or remove them.")
    return [Mark(name, start_s, end_s) for name in named]


def _blocks(body: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, lines) of every block."""
    lines: list[str] = []
    for number, line in enumerate([*body.split("\n"), ""], start=1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield number - len(lines), lines
            lines = []


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    whole = 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return round(whole + float(f"0.{fraction}"), 3)
