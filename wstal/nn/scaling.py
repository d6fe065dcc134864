"""Values on a scale of their own, from 0 to 1."""

from torch import Tensor


def fraction(values: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """How far values lie on the way from low (0) to high (1), cut there: (..., T), low and high (..., 1) -> (..., T)."""
    return ((values - low) / (high - low).clamp_min(1e-12)).clamp(0, 1)
