"""Losses that several methods share: pure functions, unweighted scalars."""

from torch import Tensor


def normalized_cross_entropy(log_prob: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy against labels that are normalised to sum to one, summed over the bags.

    log_prob (B, C) logarithms of class probabilities; labels (B, C) multi-hot. FAC-Net Eqs. (6) and (12); the
    released code divides by the label sum + 1e-8, as done here. The sum (not the mean) over bags makes a batch of
    videos equal to the gradients that the released code accumulates video by video.
    """
    target = labels / (labels.sum(-1, keepdim=True) + 1e-8)  # (B, C)
    return -(target * log_prob).sum()
