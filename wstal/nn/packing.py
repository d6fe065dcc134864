"""The real snippets of a padded batch as rows without padding, for what treats each snippet by itself."""

import torch
from torch import Tensor


def places(mask: Tensor) -> Tensor:
    """Rows of the real snippets in a batch whose bags lie one after the other: mask (B, T) -> (N,)."""
    return mask.flatten().nonzero()[:, 0]


def packed(x: Tensor, mask: Tensor) -> Tensor:
    """The N real snippets: x (B, T, D), mask (B, T) -> (N, D)."""
    return x.flatten(0, 1).index_select(0, places(mask))


def unpacked(rows: Tensor, mask: Tensor) -> Tensor:
    """The batch that rows (N, H) were packed from, zeros in the padding: mask (B, T) -> (B, T, H)."""
    batch = rows.new_zeros(mask.numel(), rows.shape[-1])
    return torch.index_copy(batch, 0, places(mask), rows).unflatten(0, mask.shape)
