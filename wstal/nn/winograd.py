"""Convolution over three snippets with half the multiplications: four outputs from six products instead of twelve.

F(4, 3) of Winograd (Lavin and Gray, CVPR 2016): a bag is cut into n tiles of six snippets that overlap by two; sums d̃ of a
tile's snippets and sums w̃ of a weight's taps are multiplied, six products over all tiles, and sums of these are four
outputs. The polynomials behind it are evaluated at 0, 1, -1, 2, -2 and infinity; errors are about ten times those of sums.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

TAPS = (  # w̃ of the taps (w0, w1, w2), one row a product
    (1 / 4, 0.0, 0.0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0.0, 0.0, 1.0),
)


class Winograd(torch.autograd.Function):
    """x (B, T, D), weight (O, D, 3) -> (B, T, O); zeros lie beyond the ends of a bag."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        """x (B, T, D), weight (O, D, 3) -> (B, T, O)."""
        tiles = of_snippets(x)
        ctx.save_for_backward(tiles, weight)
        ctx.bags, ctx.length = x.shape[:2]
        return outputs(tiles @ of_taps(weight).transpose(1, 2), ctx.bags, ctx.length)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Gradient of the output (B, T, O) -> gradients of x, itself a convolution, and of weight."""
        tiles, weight = ctx.saved_tensors
        to_x = to_weight = None
        if ctx.needs_input_grad[0]:
            to_x = outputs(of_snippets(grad) @ of_taps(weight.flip(-1)), ctx.bags, ctx.length)
        if ctx.needs_input_grad[1]:
            products = of_outputs(grad).transpose(1, 2) @ tiles  # (6, O, D)
            to_weight = (weight.new_tensor(TAPS).T @ products.flatten(1)).unflatten(1, weight.shape[:2]).permute(1, 2, 0)
        return to_x, to_weight


def of_taps(weight: Tensor) -> Tensor:
    """w̃: weight (O, D, 3) -> (6, O, D)."""
    taps = weight.permute(2, 0, 1).flatten(1)
    return (weight.new_tensor(TAPS) @ taps).unflatten(1, weight.shape[:2])


def of_snippets(x: Tensor) -> Tensor:
    """d̃: x (B, T, D) -> (6, B n, D), n = T / 4 rounded up."""
    count = -(-x.shape[1] // 4)
    wide = pad(x, (0, 0, 1, 4 * count + 1 - x.shape[1]))  # (B, 4 n + 2, D)
    d0, d1, d2, d3, d4, d5 = (wide[:, k : k + 4 * count - 3 : 4] for k in range(6))  # (B, n, D)
    even, odd, out = d4 - d2, d3 - d1, x.new_empty(6, len(x), count, x.shape[2])
    torch.add(even, d0 - d2, alpha=4, out=out[0])  # 4 d0 - 5 d2 + d4
    torch.add(even, odd, alpha=2, out=out[3])  # -2 d1 - d2 + 2 d3 + d4
    torch.sub(even, odd, alpha=2, out=out[4])
    torch.sub(d5 - d3, odd, alpha=4, out=out[5])  # 4 d1 - 5 d3 + d5
    torch.sub(d4, d2, alpha=4, out=even)
    torch.sub(d3, d1, alpha=4, out=odd)
    torch.add(even, odd, out=out[1])  # -4 d1 - 4 d2 + d3 + d4
    torch.sub(even, odd, out=out[2])
    return out.flatten(1, 2)


def outputs(products: Tensor, bags: int, length: int) -> Tensor:
    """Outputs of all tiles: products (6, B n, O) -> (B, T, O)."""
    m0, m1, m2, m3, m4, m5 = products
    out = products.new_empty(*m0.shape[:1], 4, m0.shape[1])
    even_1, odd_1, even_2, odd_2 = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    torch.add(m0, even_1, out=out[:, 0]).add_(even_2)
    torch.add(odd_1, odd_2, alpha=2, out=out[:, 1])
    torch.add(even_1, even_2, alpha=4, out=out[:, 2])
    torch.add(odd_1, odd_2, alpha=8, out=out[:, 3]).add_(m5)
    return out.view(bags, -1, out.shape[-1])[:, :length]


def of_outputs(grad: Tensor) -> Tensor:
    """Gradients of the products, `outputs` transposed: grad (B, T, O) -> (6, B n, O)."""
    count = -(-grad.shape[1] // 4)
    g0, g1, g2, g3 = pad(grad, (0, 0, 0, 4 * count - grad.shape[1])).view(-1, 4, grad.shape[2]).unbind(1)  # (B n, O)
    even, odd, out = g0 + g2, g1 + g3, grad.new_empty(6, *g0.shape)
    out[0], out[5] = g0, g3
    torch.add(even, odd, out=out[1])
    torch.sub(even, odd, out=out[2])
    torch.add(g0, g2, alpha=4, out=even)
    torch.add(g1, g3, alpha=4, out=odd)
    torch.add(even, odd, alpha=2, out=out[3])
    torch.sub(even, odd, alpha=2, out=out[4])
    return out
