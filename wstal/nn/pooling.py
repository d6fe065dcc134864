"""The k largest snippets of each bag, where k follows the true length of the bag. True in a mask means a real snippet."""

import torch
from torch import Tensor


def share(mask: Tensor, ratio: int) -> Tensor:
    """Snippets that one in `ratio` makes, at least one: mask (B, T) -> k (B,) int64."""
    return (mask.sum(-1) // ratio).clamp_min(1)


def topk_mean(values: Tensor, mask: Tensor, k: Tensor) -> Tensor:
    """Mean of the k largest real snippets, each row apart: values (B, K, T), mask (B, T), k (B,) -> (B, K)."""
    ordered = values.masked_fill(~mask[:, None], float("-inf")).sort(-1, descending=True).values
    chosen = torch.arange(values.shape[-1], device=k.device) < k[:, None, None]  # (B, 1, T)
    return ordered.where(chosen, 0.0).sum(-1) / k[:, None]


def largest(values: Tensor, mask: Tensor, k: Tensor) -> Tensor:
    """Where the k largest real snippets are: values, mask (B, T), k (B,) -> (B, T) bool. Of equals, earlier ones first."""
    order = values.masked_fill(~mask, float("-inf")).sort(dim=-1, descending=True, stable=True).indices
    rank = torch.arange(values.shape[-1], device=k.device).expand_as(order)
    return torch.zeros_like(mask).scatter(-1, order, rank < k[:, None])


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean over the chosen snippets: values (B, T, H), chosen (B, T) bool -> (B, H)."""
    weight = chosen.to(values.dtype) / chosen.sum(-1, keepdim=True).clamp_min(1)
    return (weight[:, None] @ values)[:, 0]
