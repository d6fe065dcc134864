"""Mean embeddings of a video where a class is active, and where it is not (W-TALC, WSAD)."""

from torch import Tensor

from wstal.nn.cosine import unit
from wstal.nn.masking import masked_softmax, real


def aggregate(u: Tensor, cas: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Means of u, each class apart, weighted by the softmax π of the class over time and by 1 - π, as unit vectors.

    u (B, T, H), cas (B, T, C), mask (B, T) -> active, rest (B, C, H). A video of one snippet has no rest: zeros.
    """
    share = masked_softmax(cas.transpose(1, 2), mask[:, None])  # π (B, C, T)
    active = share @ u
    rest = real(u, mask[..., None]).sum(1, keepdim=True) - active  # Σ (1 - π) u; the papers' 1 / (T - 1) has no direction
    return unit(active), unit(rest)
