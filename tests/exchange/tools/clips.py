"""Clips with marks, made by hypothesis and by hand; labels as nasty as formats must bear."""

from pathlib import Path

from hypothesis import strategies as st

from wstal.base.errors import UserError
from wstal.exchange.tools import tracks
from wstal.exchange.tools.tracks import Clip, Mark

NASTY = (
    "Wave", "Übung, zweite", 'say "hi"', "a --> b", "00:00:01.000 --> 00:00:02.000", "<b>bold</b>", "R&D &amp; &#10;", "7",
    "跳水 🏊", "WEBVTT", "NOTE", "NOTE this", "a\tb", "it's; fine", "Wave #2", "{\\an8}top", "x/y\\z", "__proto__", "100 %",
)  # fmt: skip
LINES = ("two\nlines", "gap\n\nbelow", "x\n00:00:01,000 --> 00:00:02,000")


def fits(label):
    try:
        tracks.check([label], "label")
    except UserError:
        return False
    return True


LABELS = st.sampled_from([*NASTY, *LINES]) | st.text(min_size=1, max_size=12).filter(fits)


@st.composite
def clips(draw, labels=LABELS):
    """(a clip of "a b", the classes that it was looked through for)."""
    classes = draw(st.lists(labels, min_size=1, max_size=4, unique=True))
    starts = st.integers(0, 5_000_000)
    rows = draw(st.lists(st.tuples(st.sampled_from(classes), starts, st.integers(1, 90_000), st.floats(0, 1)), max_size=6))
    marks = tuple(Mark(label, ms / 1000, (ms + long) / 1000, score) for label, ms, long, score in rows)
    fps = draw(st.sampled_from([25.0, 30000 / 1001, 12.5, 59.94, 24.0]))
    return Clip("a b", marks, Path("/films/a b.mp4"), 5100.0, fps), classes


def clip(*marks, video="monday", folder="/films"):
    """A clip with marks (label, start_s, end_s[, score])."""
    return Clip(video, tuple(Mark(*mark) for mark in marks), Path(folder) / f"{video}.mp4", 60.0, 25.0)


def plain(marks):
    """What every format keeps of marks: labels and times, each once."""
    return {(mark.label, mark.start_s, mark.end_s) for mark in marks}
