"""A feature embedding: temporal layers with ReLU and dropout, as FAC-Net learns it in front of its branches."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from wstal.nn.convolution import neighbours
from wstal.nn.dropout import Dropout
from wstal.nn.masking import real


class Embedding(nn.Module):
    """One temporal layer for each of `widths`, `dropout` after each; without any, the features as they are.

    H is the last width. Weights start Xavier-uniform, biases at zero.
    """

    def __init__(self, dim: int, widths: Sequence[int], kernel: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList([Temporal(a, b, kernel) for a, b in pairwise((dim, *widths))])
        self.dropouts = nn.ModuleList([Dropout(dropout) for _ in widths])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, T) True = real snippet -> (B, T, H)."""
        for layer, drop in zip(self.layers, self.dropouts, strict=True):
            x = drop(layer(x, mask).relu())
        return x


class Temporal(nn.Module):
    """A convolution over time as one linear map of `kernel` neighbouring snippets; padding counts as zero."""

    def __init__(self, dim: int, out: int, kernel: int):
        super().__init__()
        self.kernel = kernel
        self.linear = nn.Linear(kernel * dim, out)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, T) True = real snippet -> (B, T, out)."""
        return self.linear(x if self.kernel == 1 else neighbours(real(x, mask[..., None]), self.kernel))
