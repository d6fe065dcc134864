"""SubRip: subtitles that players show. srt/<video>.srt, a numbered block for every mark; scores have no place there.

After http://www.matroska.org/technical/specs/subtitles/srt.html: a number, `hours:minutes:seconds,milliseconds` twice with
` --> ` between, lines of text, and a blank line. The format knows no escapes, so a label of several lines cannot be written. A
block of several lines has several labels.
"""

from collections.abc import Sequence
from pathlib import Path

from wstal.exchange.tools import _cues, _opened
from wstal.exchange.tools.tracks import Clip, Track


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """A file a video."""
    return {f"srt/{clip.video}.srt": _cues.blocks(clip, ",", str) for clip in clips}


def fault(label: str) -> str:
    """A label of several lines."""
    return "where every line of a block is a label of its own" if "\n" in label else ""


def reads(path: Path, beginning: str) -> bool:
    """Whether the file is SubRip."""
    return path.suffix.lower() == ".srt"


def read(path: Path) -> list[Track]:
    """The blocks of a file, which is named as its video."""
    return [_cues.track(path, _opened.text(path), str)]
