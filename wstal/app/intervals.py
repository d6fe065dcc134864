"""Detections as people and other tools read them: few and apart, as CSV and for the annotation tool ELAN.

Post-processing leaves overlapping detections at every threshold, which mAP wants ranked. ELAN's tiers hold no overlaps, and a
reader wants one interval an instance: `apart` chooses.
"""

import numpy as np

from wstal.base.record import Record, Share
from wstal.base.types import Detections
from wstal.border import csvfile
from wstal.detect.ensemble import groups

COLUMNS = ("video", "start_s", "end_s", "label", "score")
ELAN = ("tier", "begin", "end", "value")


class Shown(Record):
    """Which detections are shown."""

    least: Share  # of the video's best score, that a detection must reach


def apart(detections: Detections, shown: Shown) -> Detections:
    """Of each class of a video the best detections that do not overlap and are not far below the video's best; by time."""
    d = detections
    best = np.full(len(d.videos), -np.inf)
    np.maximum.at(best, d.video, d.score)
    sure = np.flatnonzero((d.score > 0) & (d.score >= shown.least * best[d.video]) & (d.start_s < d.end_s))
    ranked = sure[np.lexsort((d.end_s[sure], d.start_s[sure], -d.score[sure]))]
    each = groups(d.video[ranked], d.label[ranked])
    rows = np.concatenate([ranked[one][free(d.start_s[ranked[one]], d.end_s[ranked[one]])] for one in each])
    rows = rows[np.lexsort((d.label[rows], d.end_s[rows], d.start_s[rows], d.video[rows]))]
    return Detections(d.videos, d.labels, *(column[rows] for column in (d.video, d.label, d.start_s, d.end_s, d.score)))


def free(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Which of N segments, in this order, find their stretch [start, end) free and take it: two (N,) -> (N,) bool.

    A segment overlaps one that was taken if, of those that start before its end, the latest end comes after its start. A
    Fenwick tree over the rank of starts keeps latest ends.
    """
    rank, before = (np.searchsorted(np.sort(start), times, "left").tolist() for times in (start, end))
    latest, taken = [-np.inf] * (len(start) + 1), np.zeros(len(start), dtype=bool)
    for row, (start_s, end_s) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        place = before[row]
        while place and latest[place] <= start_s:
            place &= place - 1
        if not place:
            taken[row], place = True, rank[row] + 1
            while place < len(latest):
                latest[place] = max(latest[place], end_s)
                place += place & -place
    return taken


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
    return csvfile.text([COLUMNS, *rows(detections)])


def elan(detections: Detections, video: str) -> str:
    """One video as tab-delimited text that ELAN imports: a tier a class, times in seconds, the score as the value."""
    d, lines = detections, ["\t".join(ELAN)]
    for row in np.flatnonzero(d.video == d.videos.index(video)):
        tier = " ".join(d.labels[d.label[row]].split())
        lines.append(f"{tier}\t{d.start_s[row]:.3f}\t{d.end_s[row]:.3f}\t{d.score[row]:.3f}")
    return "\n".join(lines) + "\n"
