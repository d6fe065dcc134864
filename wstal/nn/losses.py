"""Losses that several methods share: pure functions, unweighted scalars."""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

EPSILON = 1e-7  # of the generalized cross-entropy


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


def smoothed_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of class scores against labels that sum to one, a little of every class added as AICL has it.

    logits (B, C), labels (B, C) multi-hot -> scalar, summed over the bags.
    """
    return compare("cross_entropy", logits.log_softmax(-1), target(labels) + 1e-10)


def generalized_cross_entropy(p: Tensor, action: Tensor, weight: Tensor, q: float) -> Tensor:
    """Loss of probabilities against uncertain targets, between cross-entropy (q to 0) and mean absolute error (q = 1).

    p, action (B, T) in [0, 1] what is found and what shall be; weight (B, T), 0 in the padding -> (B,): the mean over
    snippets with action and the mean over those without, added.
    """
    share = torch.stack([action * weight, (1 - action) * weight])  # (2, B, T)
    loss = (1 - (torch.stack([p, 1 - p]) + EPSILON) ** q) / q
    return ((share * loss).sum(-1) / (share.sum(-1) + EPSILON)).sum(0)
