"""Convolution over time that takes padding for zeros, as a convolution takes what lies beyond the video."""

from torch import Tensor, nn


class TimeConv(nn.Conv1d):
    """Convolution over `kernel` neighbouring snippets, same length out, PyTorch's default start of the weights."""

    def __init__(self, dim: int, out: int, kernel: int, bias: bool = True):
        super().__init__(dim, out, kernel, padding=kernel // 2, bias=bias)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:  # type: ignore[override]  # a mask more than nn.Conv1d takes
        """x (B, T, dim), mask (B, T) True = real snippet -> (B, T, out); what padding gives out is arbitrary."""
        return super().forward(x.masked_fill(~mask[..., None], 0.0).transpose(1, 2)).transpose(1, 2)
