"""A batch as a few parts of bags of nearly equal length, so that little is computed for padding; their scores as one batch."""

from collections.abc import Iterable, Sequence

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


def forward(model: Method, parts: Iterable[Batch], order: np.ndarray) -> tuple[Scores, Tensor]:
    """Scores and mask of a batch whose bags came in parts: `order` (B,) says which bag each of theirs is."""
    scores, masks = zip(*((model(part.x, part.mask), part.mask) for part in parts), strict=True)
    if len(scores) == 1:
        return scores[0], masks[0]
    back = torch.from_numpy(np.argsort(order)).to(masks[0].device)
    terms = {name: join([one.terms[name] for one in scores], back) for name in scores[0].terms}
    fields = {name: join([getattr(one, name) for one in scores], back) for name in Scores._fields if name != "terms"}
    return Scores(terms=terms, **fields), join(masks, back)


def join(parts: Sequence[Tensor], back: Tensor) -> Tensor:
    """Tensors (b, ...) of parts as one (B, ...), bag i being the `back`[i]-th (B,).

    Parts have different lengths; where a tensor's second axis differs from part to part it is time, and zeros fill it up.
    """
    if parts[0].dim() > 1:
        longest = max(part.shape[1] for part in parts)
        parts = [pad(part, (0, 0) * (part.dim() - 2) + (0, longest - part.shape[1])) for part in parts]
    return torch.cat(tuple(parts)).index_select(0, back)
