"""Parts of a cosine similarity, with a defined value for zero vectors."""

from typing import Any

import torch
from torch import Tensor

LEAST = 1e-12  # length of a vector


def norm(v: Tensor) -> Tensor:
    """Length of v (..., H) over the last axis, at least 1e-12 -> (...).

    A zero vector thus has cosine 0 to everything, where the references divide 0 by 0 and spread NaN.
    """
    return v.square().sum(-1).clamp_min(LEAST**2).sqrt()


def unit(v: Tensor) -> Tensor:
    """v / ‖v‖ over the last axis: (..., H) -> (..., H); zero vectors stay zero."""
    return Unit.apply(v)


class Unit(torch.autograd.Function):
    """`unit`, whose gradient (g - u (u · g)) / ‖v‖ takes half the passes of the one that autograd finds."""

    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        """v (..., H) -> v / ‖v‖."""
        inverse = torch.linalg.vector_norm(v, dim=-1, keepdim=True).clamp_min_(LEAST).reciprocal_()
        u = v * inverse
        ctx.save_for_backward(u, inverse)
        return u

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Gradient of u (..., H) -> gradient of v (..., H)."""
        u, inverse = ctx.saved_tensors
        along = (u * grad).sum(-1, keepdim=True)
        return torch.addcmul(grad, u, along, value=-1).mul_(inverse)
