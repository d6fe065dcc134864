"""The co-activity similarity loss (CASL) of W-TALC and CO2-Net: what two videos of a class show in common looks alike."""

from torch import Tensor

from wstal.nn.aggregation import aggregate


def co_activity(u: Tensor, cas: Tensor, labels: Tensor, mask: Tensor, pairs: int, margin: float) -> Tensor:
    """CASL, averaged over the pairs (2i, 2i + 1) and the classes that both videos of a pair show; 0 without any.

    u (B, T, H) embedded snippets, cas (B, T, C), labels (B, C) multi-hot, mask (B, T) -> scalar. A batch begins with `pairs`
    pairs; a smaller one has fewer.
    """
    paired = 2 * min(pairs, len(labels) // 2)
    u, cas, mask, labels = u[:paired], cas[:paired], mask[:paired], labels[:paired]
    high, low = aggregate(u, cas, mask)  # H, L (2P, C, H)
    alike = distance(high[0::2], high[1::2])  # (P, C)
    unlike = distance(high[0::2], low[1::2]), distance(high[1::2], low[0::2])
    hinge = sum((alike - d + margin).relu() for d in unlike) / 2
    shared = labels[0::2] * labels[1::2]
    return (shared * hinge).sum() / shared.sum().clamp_min(1)


def distance(one: Tensor, other: Tensor) -> Tensor:
    """One minus the cosine of unit vectors: (..., H), (..., H) -> (...)."""
    return 1 - (one * other).sum(-1)
