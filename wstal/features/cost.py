"""What a backbone costs: parameters and multiply-adds, counted, beside the figures that its authors print."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from wstal import published
from wstal.features import backbones
from wstal.features.backbones.base import Backbone
from wstal.tables import Table


@dataclass(frozen=True)
class Cost:
    """Of one clip."""

    parameters: int
    macs: int  # multiply-adds of convolutions, linear layers and attention


def cost(backbone: Backbone, classes: int, size: int) -> Cost:
    """Counted on tensors without data, for clips of `size` x `size` pixels."""
    channels, frames, *_ = backbone.clip
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = backbone.build(classes)
        network.head(network(torch.empty(1, channels, frames, size, size)))
    return Cost(sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2)


def table() -> Table:
    """Every backbone with 400 classes, at the size that its published figure is for."""
    entry = published.entry("backbones")
    rows = []
    for backbone in backbones.every():
        printed = entry["rows"].get(backbone.name, {})
        size = printed.get("size", backbone.size)
        counted = cost(backbone, entry["classes"], size)
        rows.append(
            (
                backbone.name,
                f"{counted.parameters / 1e6:.2f}",
                str(printed.get("parameters", "–")),
                f"{len(backbone.offsets)} x {size}²",
                f"{counted.macs / 1e9:.1f}",
                str(printed.get("macs", "–")),
                printed.get("source", "–"),
            )
        )
    return Table(entry["title"], entry["caption"], tuple(entry["columns"]), tuple(rows))
