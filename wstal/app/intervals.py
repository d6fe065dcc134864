"""Detections as people and other tools read them: few and apart, as CSV and for the annotation tool ELAN.

Post-processing leaves overlapping detections at every threshold, which mAP wants ranked. ELAN's tiers hold no overlaps, and a
reader wants one interval an instance: `apart` chooses.
"""

import csv
import io

import numpy as np

from wstal.base.record import Record, Share
from wstal.base.types import Detections

COLUMNS = ("video", "start_s", "end_s", "label", "score")
ELAN = ("tier", "begin", "end", "value")


class Shown(Record):
    """Which detections are shown."""

    least: Share  # of the video's best score, that a detection must reach


def apart(detections: Detections, shown: Shown) -> Detections:
    """Of each class of a video the best detections that do not overlap and are not far below the video's best; by time."""
    d = detections
    kept: list[int] = []
    best = np.full(len(d.videos), -np.inf)
    np.maximum.at(best, d.video, d.score)
    for row in np.lexsort((d.end_s, d.start_s, d.label, d.video, -d.score)):
        start_s, end_s = d.start_s[row], d.end_s[row]
        sure = 0 < d.score[row] >= shown.least * best[d.video[row]]
        same = [k for k in kept if (d.video[k], d.label[k]) == (d.video[row], d.label[row])]
        if sure and start_s < end_s and all(end_s <= d.start_s[k] or d.end_s[k] <= start_s for k in same):
            kept.append(int(row))
    order = sorted(kept, key=lambda k: (d.video[k], d.start_s[k], d.end_s[k], d.label[k]))
    columns = (d.video, d.label, d.start_s, d.end_s, d.score)
    return Detections(d.videos, d.labels, *(column[order] for column in columns))


def rows(detections: Detections) -> list[tuple[str, ...]]:
    """The cells of `COLUMNS` for each detection, in their order; seconds with three decimals."""
    d = detections
    columns = (d.video, d.start_s, d.end_s, d.label, d.score)
    return [
        (d.videos[video], f"{start_s:.3f}", f"{end_s:.3f}", d.labels[label], f"{score:.4g}")
        for video, start_s, end_s, label, score in zip(*columns, strict=True)
    ]


def csv_text(detections: Detections) -> str:
    """CSV with a header."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows(detections)])
    return out.getvalue()


def elan(detections: Detections, video: str) -> str:
    """One video as tab-delimited text that ELAN imports: a tier a class, times in seconds, the score as the value."""
    d, lines = detections, ["\t".join(ELAN)]
    for row in np.flatnonzero(d.video == d.videos.index(video)):
        tier = " ".join(d.labels[d.label[row]].split())
        lines.append(f"{tier}\t{d.start_s[row]:.3f}\t{d.end_s[row]:.3f}\t{d.score[row]:.3f}")
    return "\n".join(lines) + "\n"
