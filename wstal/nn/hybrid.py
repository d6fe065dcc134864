"""FAC-Net's hybrid attention (Sec. 3.5): heads of several temperatures over one activation sequence."""

from collections.abc import Sequence

import torch
from torch import Tensor

from wstal.nn.masking import masked_softmax


def attention(activation: Tensor, mask: Tensor, temperatures: Sequence[float]) -> Tensor:
    """Softmax over time of τ S for each of N temperatures τ: activation S (B, K, T), mask (B, T) -> (B, N, K, T).

    A temperature multiplies, as FAC-Net's code has it, where a softmax usually divides by one: a higher one is sharper.
    """
    heads = torch.stack([tau * activation for tau in temperatures], dim=1)  # (B, N, K, T)
    return masked_softmax(heads, mask[:, None, None])


def aggregate(attention: Tensor, x: Tensor) -> Tensor:
    """Snippets summed by their attention: attention (B, N, K, T), x (B, T, H) -> (B, N, K, H)."""
    return (attention.flatten(1, 2) @ x).unflatten(1, attention.shape[1:3])
