"""A table of segments: segments.csv, a line for every mark, in the layout of the reader `segments_csv`, with scores.

A video without marks has one line, its label and times empty. All videos are in the subset `test`, as their times were found.
"""

import csv
import io
from collections.abc import Sequence

from wstal.exchange.tools.tracks import Clip

COLUMNS = ("video", "label", "start_s", "end_s", "score", "subset", "duration_s")


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """One table of all videos."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(COLUMNS)
    for clip in clips:
        marks = [(mark.label, *(f"{ms / 1000:.3f}" for ms in mark.ms()), _score(mark.score)) for mark in clip.ordered()]
        lines.writerows((clip.video, *cells, "test", f"{clip.duration_s:.3f}") for cells in marks or [("", "", "", "")])
    return {"segments.csv": text.getvalue()}


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.4g}"
