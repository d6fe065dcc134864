"""Which snippets of a video a bag holds: index arrays, drawn from a generator that is an argument.

Golden vectors of the released codes fix the edge cases (repeats, last slots, the window start that is never drawn).
"""

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from wstal.base.record import Index, Record


class Snippets(Record):
    """How many snippets a bag holds, and which: all, one near each of evenly spaced positions, a window, or a random subset."""

    kind: Literal["full", "perturb", "crop", "subset"]
    count: Index  # snippets of a bag; not used by "full"


def draw(lengths: Sequence[int], snippets: Snippets, rng: np.random.Generator) -> list[np.ndarray]:
    """Indices (K,) of the snippets that each bag takes from its video, of `lengths` snippets."""
    if snippets.kind == "perturb":
        return list(perturb(np.asarray(lengths), snippets.count, lambda low, high: rng.integers(low, high, endpoint=True)))
    return [draw_one(length, snippets, rng) for length in lengths]


def longest(lengths: np.ndarray, snippets: Snippets) -> int:
    """Snippets of the longest bag that `draw` can make of videos of `lengths` (N,) snippets."""
    if snippets.kind == "perturb":
        return snippets.count
    most = int(lengths.max())
    return most if snippets.kind == "full" else min(most, snippets.count)


def draw_one(length: int, snippets: Snippets, rng: np.random.Generator) -> np.ndarray:
    """Indices (K,) of a window, a subset or, where a video is no longer than a bag, of all its snippets."""
    if snippets.kind == "crop" and length > snippets.count:
        start = rng.integers(len(crop_starts(length, snippets.count)))
        return np.arange(start, start + snippets.count)
    if snippets.kind == "subset" and length > snippets.count:
        return np.sort(rng.choice(length, snippets.count, replace=False))
    return np.arange(length)


def perturb(lengths: np.ndarray, count: int, integers: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """One random snippet near each of `count` evenly spaced positions (BaS-Net, UM, STPN): lengths (B,) -> (B, count).

    Slot i draws from [floor(b_i), floor(b_{i+1})], both included, where b_i = i * length / count; the last slot draws
    up to the last snippet. integers(low, high) draws uniformly, both ends included, for arrays of ends; it is not asked
    for a slot of a single choice, nor for a video of `count` snippets, which is taken as it is.
    """
    length = lengths[:, None]
    low = (np.arange(count) * length / count).astype(int)  # (B, count)
    high = np.concatenate([low[:, 1:], length - 1], axis=1)
    open_ = (low < high) & (length != count)
    low[open_] = integers(low[open_], high[open_])
    return low


def crop_starts(length: int, count: int) -> np.ndarray:
    """Starts (S,) that a random window of W-TALC and WSAD can have; the last possible start is never drawn there."""
    return np.arange(max(length - count, 1))
