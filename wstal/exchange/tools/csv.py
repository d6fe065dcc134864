"""A table of segments: segments.csv, a line for every mark, in the layout of the reader `segments_csv`, with scores.

A video without marks has one line, its label and times empty. All videos are in the subset `test`, as their times were found.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from wstal.base import files
from wstal.exchange.tools.tracks import Clip

COLUMNS = ("video", "label", "start_s", "end_s", "score", "subset", "duration_s")


def write(clips: Sequence[Clip], classes: Sequence[str], out: Path) -> list[Path]:
    """One table of all videos."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for clip in clips:
        marks = [(mark.label, *(f"{ms / 1000:.3f}" for ms in mark.ms()), _score(mark.score)) for mark in clip.ordered()]
        lines.writerows((clip.video, *cells, "test", f"{clip.duration_s:.3f}") for cells in marks or [("", "", "", "")])
    files.write(out / "segments.csv", text.getvalue())
    return [out / "segments.csv"]


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.4g}"
