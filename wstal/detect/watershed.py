"""The watershed of temporal actionness grouping (TAG; Xiong, Zhao, Wang, Lin, Tang 2017): runs that lie close make one group.

At a threshold, a score curve leaves runs with gaps between them. Each run in turn takes in the runs after it, one by one,
for as long as runs fill at least a share of the time from its start to the end of the last one.
"""

from collections.abc import Sequence

import numpy as np


def group(start: np.ndarray, end: np.ndarray, shares: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Groups that begin at each run, for each share, every group once.

    start, end (N,) int: runs [start, end), ascending, apart from each other -> starts (M,), ends (M,), ascending. Share 1
    leaves the runs as they are, and so does no share at all.
    """
    if not shares:
        return start, end
    runs, total = np.arange(len(start)), np.concatenate([[0], np.cumsum(end - start)])
    filled = (total[1:] - total[:-1, None]) / (end - start[:, None])  # (N, N) share from the start of run i to the end of j
    found = []
    for share in shares:
        joins = (filled >= share) | (runs <= runs[:, None])  # (N, N) whether i may take in j
        stop = np.argmin(np.pad(joins, ((0, 0), (0, 1))), axis=1)  # the first run that i does not take in
        found.append(np.stack([start, end[stop - 1]], axis=1))
    starts, ends = np.unique(np.concatenate(found), axis=0).T
    return starts, ends
