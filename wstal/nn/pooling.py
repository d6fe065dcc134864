"""The k largest snippets of each bag, where k follows the true length of the bag. True in a mask means a real snippet."""

import torch
from torch import Tensor

from wstal.nn.convolution import neighbours
from wstal.nn.masking import hidden, real


def share(length: Tensor, ratio: int) -> Tensor:
    """Snippets that one in `ratio` makes, at least one: lengths (B,) -> (B,) int64."""
    return (length // ratio).clamp_min(1)


def topk(values: Tensor, mask: Tensor, k: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The largest real snippets of each row, and their weights in the mean of the k largest: 1 / k, then 0.

    values (B, K, T), mask (B, T), k (B,) between 1 and `most` -> (B, K, most), (B, 1, most).
    """
    ordered = hidden(values, mask[:, None]).topk(most, dim=-1).values
    chosen = (torch.arange(most, device=k.device) < k[:, None]).to(values.dtype) / k[:, None]
    return ordered, chosen[:, None]


def topk_mean(values: Tensor, mask: Tensor, k: Tensor, most: int) -> Tensor:
    """Mean of the k largest real snippets, each row apart: as `topk` -> (B, K)."""
    ordered, weight = topk(values, mask, k, most)
    return (ordered * weight).sum(-1)


def share_mean(values: Tensor, mask: Tensor, ratio: int) -> Tensor:
    """Mean of the largest of real snippets, one in `ratio`, each row apart: values (B, K, T), mask (B, T) -> (B, K)."""
    return topk_mean(values, mask, share(mask.sum(-1), ratio), max(mask.shape[-1] // ratio, 1))


def largest(values: Tensor, mask: Tensor, k: Tensor) -> Tensor:
    """Where the k largest real snippets are: values, mask (B, T), k (B,) -> (B, T) bool. Of equals, earlier ones first."""
    order = hidden(values, mask).sort(dim=-1, descending=True, stable=True).indices
    rank = torch.arange(values.shape[-1], device=k.device).expand_as(order)
    return torch.zeros_like(mask).scatter(-1, order, rank < k[:, None])


def mean_over(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean over the chosen snippets: values (B, T, H), chosen (B, T) bool -> (B, H)."""
    weight = chosen.to(values.dtype) / chosen.sum(-1, keepdim=True).clamp_min(1)
    return (weight[:, None] @ values)[:, 0]


def moving_mean(values: Tensor, mask: Tensor, width: int) -> Tensor:
    """Mean over `width` neighbours, an odd number, with zeros beyond the video: values (B, T, K), mask (B, T) -> (B, T, K)."""
    return neighbours(real(values, mask[..., None]), width).unflatten(-1, (width, -1)).mean(-2)


def largest_of_each(values: Tensor, mask: Tensor, k: Tensor) -> Tensor:
    """`largest` for each class apart: values (B, T, C), mask (B, T), k (B,) -> (B, T, C) bool."""
    by_class = values.transpose(1, 2)  # (B, C, T)
    every = mask[:, None].expand_as(by_class).flatten(0, 1), k[:, None].expand(by_class.shape[:2]).flatten()
    return largest(by_class.flatten(0, 1), *every).unflatten(0, by_class.shape[:2]).transpose(1, 2)


def mean_of_each(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of each class over its chosen snippets: values (B, T, C), chosen (B, T, C) bool -> (B, C)."""
    return real(values, chosen).sum(1) / chosen.sum(1).clamp_min(1)


def median(values: Tensor, mask: Tensor) -> Tensor:
    """Median of the real snippets, of an even number the mean of the middle two: values, mask (B, T) -> (B, 1)."""
    ordered = (-hidden(-values, mask)).sort(-1).values  # padding last
    n = mask.sum(-1, keepdim=True)
    return (ordered.gather(-1, (n - 1) // 2) + ordered.gather(-1, n // 2)) / 2
