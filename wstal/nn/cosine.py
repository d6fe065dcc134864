"""Parts of a cosine similarity, with a defined value for zero vectors."""

from torch import Tensor


def norm(v: Tensor) -> Tensor:
    """Length of v (..., H) over the last axis, at least 1e-12 -> (...).

    A zero vector thus has cosine 0 to everything, where the references divide 0 by 0 and spread NaN.
    """
    return v.square().sum(-1).clamp_min(1e-24).sqrt()


def unit(v: Tensor) -> Tensor:
    """v / ‖v‖ over the last axis: (..., H) -> (..., H); zero vectors stay zero."""
    return v * v.square().sum(-1, keepdim=True).clamp_min(1e-24).rsqrt()
