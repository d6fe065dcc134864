"""Which detection takes which instance: candidate pairs and their matching, for all videos and classes at once.

The published evaluators walk through the detections from the highest score down; each takes its preferred free
instance of its class and video with tIoU >= threshold, or none. That is a serial dictatorship, and deferred acceptance
(Gale and Shapley 1962) reaches the same matching when all instances prefer the higher-ranked detection: every detection
proposes to its preferred instance, every instance keeps the best proposer, the rejected propose to their next one.
Each round is a few array operations; memory is bounded by PAIRS candidate pairs at a time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PAIRS = 1 << 18  # candidate pairs held at once


@dataclass(frozen=True)
class Segments:
    """Detections or instances as columns, on one axis of time; segments[rows (K,)] are some of them."""

    video: np.ndarray  # (N,) int64, index of the video; -1 for one that has no instances
    label: np.ndarray  # (N,) int64, class index
    start: np.ndarray  # (N,) float64, seconds or whole snippets
    end: np.ndarray  # (N,) float64

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, rows: np.ndarray) -> "Segments":
        return Segments(self.video[rows], self.label[rows], self.start[rows], self.end[rows])


def pairs(left: np.ndarray, right: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All (i, j) with left[i] == right[j], in chunks (P,) of about PAIRS; i ascends, and j within an i.

    left (N,), right (M,): any integers.
    """
    by_key = np.argsort(right, kind="stable")
    keys, first, count = np.unique(right[by_key], return_index=True, return_counts=True)
    slot = np.searchsorted(keys, left)
    i = np.flatnonzero(np.append(keys, np.iinfo(np.int64).min)[slot] == left)
    slot = slot[i]
    last = np.cumsum(count[slot])
    cuts = np.searchsorted(last, np.arange(PAIRS, last[-1] if len(last) else 0, PAIRS))
    for begin, end in zip([0, *cuts], [*cuts, len(i)], strict=True):
        n = count[slot[begin:end]]
        within = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        yield np.repeat(i[begin:end], n), by_key[np.repeat(first[slot[begin:end]], n) + within]


def rank(label: np.ndarray) -> np.ndarray:
    """Place of each row within its class, 0 for the first: labels (N,), which ascend, -> (N,)."""
    return np.arange(len(label)) - np.searchsorted(label, label)


def candidates(
    rows: Segments, instances: Segments, least: float, *, empty_tiou: float, later_first: bool | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of one class and video with tIoU >= least, sorted by row and within a row by preference.

    empty_tiou: tIoU of two segments whose union lasts 0. later_first: whether the later of two instances with equal
    tIoU is preferred; None: the first in the file is preferred, whatever its tIoU.
    Returns row (P,), instance (P,), tIoU (P,).
    """
    width = max(rows.video.max(initial=0), instances.video.max()) + 2
    keys = (segments.label * width + segments.video for segments in (rows, instances))
    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for i, j in pairs(*keys):
        tiou = overlap(rows, instances, i, j, empty_tiou)
        keep = tiou >= least
        found.append((i[keep], j[keep], tiou[keep]))
    row, instance, tiou = map(np.concatenate, zip(*found, strict=True))
    if later_first is not None:
        same = row[1:] == row[:-1]
        at = np.flatnonzero(np.append(same, False) | np.append(False, same))  # rows with a choice
        tie = -instance[at] if later_first else instance[at]
        preferred = at[np.lexsort((tie, -tiou[at], row[at]))]
        instance[at], tiou[at] = instance[preferred], tiou[preferred]
    return row, instance, tiou


def overlap(rows: Segments, instances: Segments, i: np.ndarray, j: np.ndarray, empty_tiou: float) -> np.ndarray:
    """tIoU (P,) of the pairs of row i (P,) and instance j (P,), of whatever class; `empty_tiou` where the union lasts 0.

    Lengths are added in the order of the official evaluator.
    """
    start, end, g_start, g_end = rows.start[i], rows.end[i], instances.start[j], instances.end[j]
    inter = np.maximum(np.minimum(end, g_end) - np.maximum(start, g_start), 0)
    with np.errstate(over="ignore"):  # of times that no video has: the union is infinite, and the tIoU 0
        union = (g_end - g_start) + (end - start) - inter
    return np.divide(inter, union, out=np.full(len(i), empty_tiou), where=union != 0)


def match(row: np.ndarray, instance: np.ndarray, instances: int) -> np.ndarray:
    """Which of the pairs row (P,), instance (P,) are matches: their indices (H,), ascending.

    Pairs are sorted by row and then by preference; `instances` says how many instances there are.
    """
    holder = np.full(instances, np.iinfo(np.int64).max)  # best-ranked row that proposed to each instance
    at = np.flatnonzero(np.append(True, row[1:] != row[:-1])) if len(row) else np.empty(0, np.int64)
    last = np.append(at[1:], len(row))  # pair after the last of each row
    while True:
        np.minimum.at(holder, instance[at], row[at])
        rejected = holder[instance[at]] != row[at]
        if not rejected.any():
            return at
        at = at + rejected
        left = at < last
        at, last = at[left], last[left]
