"""Noise-contrastive estimation over sets of snippets of one video (AICL)."""

import torch
from torch import Tensor

from wstal.nn.cosine import unit
from wstal.nn.masking import hidden
from wstal.nn.pooling import mean_over


def contrast(e: Tensor, query: Tensor, like: Tensor, unlike: Tensor, temperature: float) -> Tensor:
    """How badly the mean of `query` tells the mean of `like` from each snippet of `unlike`, by cosine over temperature.

    e (B, T, H) embedded snippets; query, like, unlike (B, T) bool -> (B,), 0 where one of the sets is empty.
    """
    mean = unit(mean_over(e, query))  # (B, H)
    right = (mean * unit(mean_over(e, like))).sum(-1, keepdim=True)  # (B, 1)
    wrong = (unit(e) @ mean[..., None])[..., 0]  # (B, T)
    every = torch.cat([right, hidden(wrong, unlike)], -1) / temperature
    known = query.any(-1) & like.any(-1) & unlike.any(-1)
    return -every.log_softmax(-1)[:, 0] * known.to(e.dtype)
