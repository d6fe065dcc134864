"""Class-agnostic attention: how much of a snippet is foreground."""

from torch import Tensor, nn


class Attention(nn.Module):
    """λ of STPN and BM: two layers, each snippet by itself. PyTorch's default start of the weights."""

    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(dim, hidden), nn.Linear(hidden, 1)])

    def forward(self, x: Tensor) -> Tensor:
        """x (B, T, D) -> λ (B, T) in (0, 1)."""
        first, last = self.layers
        return last(first(x).relu())[..., 0].sigmoid()
