"""The watershed of temporal actionness grouping (TAG; Xiong, Zhao, Wang, Lin, Tang 2017): close stretches make one group.

A score curve lies above a threshold in stretches with gaps between them. Each stretch in turn takes in those after it, one by
one, for as long as stretches fill at least a share of the time from its start to the end of the last one.
"""

from collections.abc import Sequence

import numpy as np


def group(start: np.ndarray, end: np.ndarray, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Groups that begin at each stretch, for each share, every group once.

    start, end (N,) int: stretches [start, end), ascending, apart from each other -> starts (M,), ends (M,), ascending.
    Share 1 leaves the stretches as they are, and so does no share at all.
    """
    if not shares:
        return start, end
    found = [np.stack([start, end[reach(start, end, share) - 1]], axis=1) for share in shares]
    starts, ends = np.unique(np.concatenate(found), axis=0).T
    return starts, ends


def reach(start: np.ndarray, end: np.ndarray, share: float) -> np.ndarray:
    """The first stretch that each stretch does not take in, (N,); N for one that takes in all after it."""
    total, stop = np.concatenate([[0], np.cumsum(end - start)]), np.arange(1, len(start) + 1)
    taking = np.arange(len(start))  # stretches that have taken in all so far
    while len(taking):
        taking = taking[stop[taking] < len(start)]
        last = stop[taking]
        filled = (total[last + 1] - total[taking]) / (end[last] - start[taking])
        taking = taking[filled >= share]
        stop[taking] += 1
    return stop
