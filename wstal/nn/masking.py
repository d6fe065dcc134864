"""Softmax over the real snippets of a padded batch. True in a mask means a real snippet."""

import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over time, the last axis: scores (..., T), mask bool that broadcasts to it -> (..., T), 0 in the padding."""
    return torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)
