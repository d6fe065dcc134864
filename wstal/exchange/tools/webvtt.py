"""WebVTT: subtitles that browsers show. webvtt/<video>.vtt, a cue for every mark; scores have no place there.

After https://www.w3.org/TR/webvtt1/: cues stand by start time, a cue ends after it starts, and its text holds no "&", "<" or
"-->"; these, and line breaks inside a label, are written as character references. A cue of several lines has several labels.
Comments (NOTE), styles and regions are passed over, and so are tags inside a line.
"""

import html
import re
from collections.abc import Sequence
from pathlib import Path

from wstal.base.errors import UserError
from wstal.exchange.tools import _cues, _opened
from wstal.exchange.tools.tracks import Clip, Track

OTHER = re.compile(r"(NOTE|STYLE|REGION|ATTRIBUTES)([ \t]|$)")  # begins a block that is no cue
MAGIC = re.compile(r"WEBVTT([ \t\n]|$)")
TAG = re.compile(r"<[^>]*>")
FIRST = 2  # line of a block that goes on from the first line, as players' metadata does


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """A file a video."""
    return {f"webvtt/{clip.video}.vtt": f"WEBVTT\n\n{_cues.blocks(clip, '.', escaped)}" for clip in clips}


def escaped(label: str) -> str:
    """A label as one line of cue text."""
    return html.escape(label, quote=False).replace("\n", "&#10;")


def reads(path: Path, beginning: str) -> bool:
    """Whether the file is WebVTT."""
    return path.suffix.lower() == ".vtt" or MAGIC.match(beginning) is not None


def read(path: Path) -> list[Track]:
    """The cues of a file, which is named as its video.

    Raises:
        UserError: the file is no WebVTT.
    """
    text = _opened.text(path)
    if not MAGIC.match(text):
        raise UserError(f"{path} does not begin with WEBVTT; write that as its first line, or save it as WebVTT again.")
    return [_cues.track(path, text.removeprefix(text.partition("\n")[0]), _label, _passed)]


def _label(line: str) -> str:
    return html.unescape(TAG.sub("", line))


def _passed(number: int, line: str) -> bool:
    return number == FIRST or OTHER.match(line) is not None
