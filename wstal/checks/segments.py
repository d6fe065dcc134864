"""Checks of segment times. The one file of this room that knows when actions happen: nothing up to `training` may import it."""

from collections import Counter
from collections.abc import Iterable

from wstal.base.types import Segment
from wstal.checks.findings import Findings


def check_segments(segments: Iterable[Segment], findings: Findings) -> None:
    """Segments that end before they start, start before their video, last no time, or are there twice."""
    for segment, count in Counter(segments).items():
        if segment.end_s < segment.start_s:
            findings.found("backward segment", f"{said(segment)} ends before it starts", "swap or mend its times")
        elif segment.start_s < 0:
            findings.found(
                "negative segment", f"{said(segment)} starts before its video", "give seconds from its start, at least 0"
            )
        elif segment.end_s == segment.start_s:
            findings.found("empty segment", f"{said(segment)} lasts no time", "hardly any detection can match these")
        if count > 1:
            problem = f"{said(segment)} is there {count} times"
            findings.found("doubled segment", problem, "a detection matches one of them, and the others count as missed")


def said(segment: Segment) -> str:
    """How a sentence names a segment."""
    return f"segment {segment.label!r} [{segment.start_s}, {segment.end_s}] of video {segment.video!r}"
