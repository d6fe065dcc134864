"""Losses of a network in training, step by step, and how it does at the moment."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Losses:
    """Losses of the steps that are done. They are added up only when somebody asks: no step costs time or waits for a GPU."""

    def __init__(self, before: Tensor):
        """`before` (S, K) are the losses of the steps that were done earlier, summed over the bags of a step."""
        self.summed, self.heard = before, len(before)
        self.new: list[list[list[Tensor]]] = []

    def add(self, parts: list[list[Tensor]]) -> None:
        """A step's losses: of each part of its batch scalars (K,), summed over the bags of the part."""
        self.new.append(parts)

    def all(self) -> Tensor:
        """Losses of all steps, summed over the bags of a step: (S, K)."""
        if self.new:
            rows = [torch.stack([torch.stack(terms) for terms in parts]).sum(0) for parts in self.new]
            self.summed, self.new = torch.cat([self.summed, torch.stack(rows)]), []
        return self.summed

    def recent(self) -> Tensor:
        """Losses of the steps since the last time that they were asked for: (R, K)."""
        found, self.heard = self.all()[self.heard :], len(self.all())
        return found


def total(losses: Tensor, weights: Sequence[float], videos: int) -> float:
    """The mean total loss a bag of steps of `videos` bags: losses (S, K) summed over them, K weights. Waits for the device."""
    return sum(weight * loss for weight, loss in zip(weights, losses.mean(0).tolist(), strict=True)) / videos
