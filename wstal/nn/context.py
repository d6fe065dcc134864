"""Global operations over time: what a snippet gets depends on the whole video. Real snippets come first, then padding."""

from typing import Any

import torch
from torch import Tensor, nn

from wstal.nn.masking import masked_softmax
from wstal.nn.pooling import mean_over


def reverse(x: Tensor, mask: Tensor) -> Tensor:
    """The real snippets of each bag from the last to the first, padding stays: x (B, T, D), mask (B, T) -> (B, T, D)."""
    t = torch.arange(x.shape[1], device=x.device)
    index = torch.where(mask, mask.sum(-1, keepdim=True) - 1 - t, t)  # (B, T)
    first = x.shape[1] * torch.arange(len(x), device=x.device)  # row of each bag's first snippet
    return Swap.apply(x, (first[:, None] + index).flatten())


class Swap(torch.autograd.Function):
    """Rows in an order that, applied twice, changes nothing: the gradient is ordered the same way, and nothing is added."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, order: Tensor) -> Tensor:
        """x (B, T, D), order (B T,) of its rows -> (B, T, D)."""
        ctx.save_for_backward(order)
        return x.flatten(0, 1).index_select(0, order).view(x.shape)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        """Gradient of the output -> gradient of x, (B, T, D)."""
        (order,) = ctx.saved_tensors
        return grad.flatten(0, 1).index_select(0, order).view(grad.shape), None


class LSTM(nn.Module):
    """Long short-term memory from the first snippet to the last: x (B, T, dim), mask (B, T) -> (B, T, out)."""

    def __init__(self, dim: int, out: int):
        super().__init__()
        self.lstm = nn.LSTM(dim, out, batch_first=True)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim), mask (B, T) -> the memory's output after each snippet, (B, T, out)."""
        return self.lstm(x)[0]


class BiLSTM(nn.Module):
    """Two LSTMs of half the width, one of them over the reversed video: x (B, T, dim), mask (B, T) -> (B, T, out).

    Each video is reversed by its own length, so that padding is always read last. Equal to torch's bidirectional LSTM
    on packed sequences, which take several times as long on a CPU and make a GPU wait for the lengths.
    """

    def __init__(self, dim: int, out: int):
        super().__init__()
        self.forwards, self.backwards = LSTM(dim, out - out // 2), LSTM(dim, out // 2)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim), mask (B, T) -> outputs of both directions side by side, (B, T, out)."""
        return torch.cat([self.forwards(x, mask), reverse(self.backwards(reverse(x, mask), mask), mask)], dim=-1)


class NonLocal(nn.Module):
    """Embedded Gaussian non-local operation (Wang et al., CVPR 2018): x (B, T, dim), mask (B, T) -> (B, T, out).

    No residual connection, as widths differ. The embeddings have no bias: a bias of φ cancels in the softmax, and one of g
    adds a constant that the last layer has anyway.
    """

    def __init__(self, dim: int, out: int):
        super().__init__()
        self.theta, self.phi, self.g = (nn.Linear(dim, max(out // 2, 1), bias=False) for _ in range(3))
        self.last = nn.Linear(max(out // 2, 1), out)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim), mask (B, T) -> each snippet's attention over all of its bag, (B, T, out)."""
        pairs = self.theta(x) @ self.phi(x).transpose(1, 2)  # (B, T, T)
        return self.last(masked_softmax(pairs, mask[:, None]) @ self.g(x))


class MeanPool(nn.Module):
    """The mean snippet, projected, the same for every snippet: x (B, T, dim), mask (B, T) -> (B, T, out)."""

    def __init__(self, dim: int, out: int):
        super().__init__()
        self.project = nn.Linear(dim, out)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim), mask (B, T) -> (B, T, out), equal along T."""
        pooled = self.project(mean_over(x, mask))
        return pooled[:, None].expand(-1, x.shape[1], -1)
