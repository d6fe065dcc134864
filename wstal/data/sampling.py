"""Which snippets of a video a bag holds: index arrays, drawn from a generator that is an argument.

Golden vectors of the released codes fix the edge cases (repeats, last slots, the window start that is never drawn).
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from wstal.base.record import Index, Record


class Snippets(Record):
    """How many snippets a bag holds, and which: all, one near each of evenly spaced positions, a window, or a random subset."""

    kind: Literal["full", "perturb", "crop", "subset"]
    count: Index  # snippets of a bag; not used by "full"


def draw(length: int, snippets: Snippets, rng: np.random.Generator) -> np.ndarray:
    """Indices (K,) of the snippets that a bag takes from a video of `length` snippets."""
    if snippets.kind == "perturb":
        return perturb(length, snippets.count, lambda low, high: int(rng.integers(low, high, endpoint=True)))
    if snippets.kind == "crop" and length > snippets.count:
        start = rng.choice(crop_starts(length, snippets.count))
        return np.arange(start, start + snippets.count)
    if snippets.kind == "subset" and length > snippets.count:
        return np.sort(rng.choice(length, snippets.count, replace=False))
    return np.arange(length)


def perturb(length: int, count: int, integer: Callable[[int, int], int]) -> np.ndarray:
    """One random snippet near each of `count` evenly spaced positions (BaS-Net, UM, STPN): indices (count,).

    Slot i draws from [floor(b_i), floor(b_{i+1})], both included, where b_i = i * length / count; the last slot draws
    up to the last snippet. integer(low, high) draws uniformly, both ends included; it is not called for a single choice.
    """
    if length == count:
        return np.arange(length)
    base = (np.arange(count) * length / count).astype(int)
    high = np.append(base[1:], length - 1)
    return np.array([integer(a, b) if a < b else a for a, b in zip(base, high, strict=True)])


def crop_starts(length: int, count: int) -> np.ndarray:
    """Starts (S,) that a random window of W-TALC and WSAD can have; the last possible start is never drawn there."""
    return np.arange(max(length - count, 1))
