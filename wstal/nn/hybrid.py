"""FAC-Net's hybrid attention (Sec. 3.5): heads of several temperatures over one activation sequence."""

from torch import Tensor

from wstal.nn.masking import masked_softmax


def attention(activation: Tensor, mask: Tensor, tau: Tensor) -> Tensor:
    """Softmax over time of τ S for each of N temperatures: activation S (B, K, T), mask (B, T), τ (N,) -> (B, N, K, T).

    A temperature multiplies, as FAC-Net's code has it, where a softmax usually divides by one: a higher one is sharper.
    """
    return masked_softmax(tau[:, None, None] * activation[:, None], mask[:, None, None])


def aggregate(attention: Tensor, x: Tensor) -> Tensor:
    """Snippets summed by their attention: attention (B, N, K, T), x (B, T, H) -> (B, N, K, H)."""
    return (attention.flatten(1, 2) @ x).unflatten(1, attention.shape[1:3])
