"""Losses that several methods share: pure functions, unweighted scalars."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy


def normalized_cross_entropy(log_prob: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy against labels that are normalised to sum to one, summed over the bags.

    log_prob (B, C) logarithms of class probabilities; labels (B, C) multi-hot. FAC-Net Eqs. (6) and (12); the
    released code divides by the label sum + 1e-8, as done here. The sum (not the mean) over bags makes a batch of
    videos equal to the gradients that the released code accumulates video by video.
    """
    target = labels / (labels.sum(-1, keepdim=True) + 1e-8)  # (B, C)
    return -(target * log_prob).sum()


def target(labels: Tensor) -> Tensor:
    """Labels (B, C) multi-hot -> (B, C) that sum to one in each bag; a bag without a label keeps zeros."""
    return labels / labels.sum(-1, keepdim=True).clamp_min(1)


def compare(kind: str, log_prob: Tensor, target: Tensor) -> Tensor:
    """Distance between class probabilities and a target distribution, both (B, C), summed over the bags.

    "cross_entropy" is the loss that papers write, "bce" what BaS-Net and UM release: each class a yes or no of its own,
    averaged over the classes. torch's function cuts logarithms off at -100, as there.
    """
    if kind == "cross_entropy":
        return -(target * log_prob).sum()
    return binary_cross_entropy(log_prob.exp(), target, reduction="none").mean(-1).sum()
