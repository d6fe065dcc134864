"""A batch as a few parts of bags of nearly equal length, so that little is computed for padding; their scores as one batch."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from wstal.data.bags import Batch
from wstal.methods.base import Method, Scores

CALLS = 2e7  # what a part costs by itself, in multiply-adds: the calls of its forward and its backward pass


def partition(lengths: np.ndarray, weights: int, calls: float) -> list[np.ndarray]:
    """Bags (B,) of `lengths` in parts: places of the bags of each, by the cheapest cut of the bags in order of length.

    A part of b bags, the longest of T snippets, counts b T `weights` multiply-adds and `calls`.
    """
    padding = len(lengths) * lengths.max() - lengths.sum()
    if padding * weights <= calls:
        return [np.arange(len(lengths))]
    order = np.argsort(lengths, kind="stable")
    cost, cut = np.zeros(len(order) + 1), np.zeros(len(order) + 1, dtype=int)  # of the shortest bags, their last part's first
    for end in range(1, len(order) + 1):
        ways = cost[:end] + np.arange(end, 0, -1) * float(lengths[order[end - 1]]) * weights + calls
        cut[end] = ways.argmin()
        cost[end] = ways[cut[end]]
    found, end = [], len(order)
    while end:
        found.append(order[cut[end] : end])
        end = cut[end]
    return found


class Scored(NamedTuple):
    """What a method says of some bags."""

    scores: Scores
    mask: Tensor  # (B, T)
    labels: Tensor  # (B, C)


def scored(model: Method, parts: Sequence[Batch], order: np.ndarray) -> Iterator[Scored]:
    """Scores of a batch that came in parts, whose losses add up to the batch's; `order` (B,) says which bag each of theirs is.

    Losses are sums over bags, so each part stands for itself, and its memory is free when the next one comes; only where a
    method compares bags are they put together.
    """
    each = (Scored(model(part.x, part.mask), part.mask, part.labels) for part in parts)
    return iter([joined(list(each), order)]) if model.params.bag_groups.count and len(parts) > 1 else each


def joined(parts: Sequence[Scored], order: np.ndarray) -> Scored:
    """Parts of b bags as one batch of B, in the order of its bags: `order` (B,) as in `scored`."""
    places, scores = np.argsort(order).tolist(), [part.scores for part in parts]
    terms = {name: stack([one.terms[name] for one in scores], places) for name in scores[0].terms}
    fields = {name: stack([getattr(one, name) for one in scores], places) for name in Scores._fields if name != "terms"}
    mask, labels = (stack(values, places) for values in zip(*((part.mask, part.labels) for part in parts), strict=True))
    return Scored(Scores(terms=terms, **fields), mask, labels)


def stack(parts: Sequence[Tensor], places: Sequence[int]) -> Tensor:
    """Tensors (b, ...) of parts as one (B, ...), bag i being the `places`[i]-th of theirs.

    Parts have different lengths; where a tensor's second axis differs from part to part it is time, and zeros fill it up.
    """
    bags = [bag for part in parts for bag in part.unbind()]
    if bags[0].dim():
        longest = max(map(len, bags))
        bags = [pad(bag, (0, 0) * (bag.dim() - 1) + (0, longest - len(bag))) for bag in bags]
    return torch.stack([bags[place] for place in places])
