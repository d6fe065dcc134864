"""What a backbone costs: parameters and multiply-adds, counted, beside the figures that its authors print."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from wstal import published
from wstal.features.backbones import registry
from wstal.features.backbones.registry import Backbone
from wstal.published.records import NetworkSize
from wstal.report.cells import DASH, number
from wstal.report.tables import Table


@dataclass(frozen=True)
class NetworkCost:
    """Of one clip."""

    parameters: int
    macs: int  # multiply-adds of convolutions, linear layers and attention


def cost(backbone: Backbone, classes: int, frames: int, size: int) -> NetworkCost:
    """Counted on tensors without data, for a clip of `frames` frames and `size` x `size` pixels."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = backbone.build(classes)
        network.get_submodule("head")(network(torch.empty(1, len(backbone.mean), frames, size, size)))
    return NetworkCost(sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2)


def clips() -> Table:
    """Every backbone: the clips that it reads, its features, and its weights."""
    sheet = published.backbones().backbone_clips
    rows = []
    for one in registry.every():
        seen = f"{len(one.offsets)} of {one.window_f}"
        sizes = f"{one.short_side} to {one.size}" + (", fixed" if one.fixed else "")
        rows.append((one.name, one.stream, f"{one.fps:g}", seen, sizes, str(one.width), one.weights))
    return Table(sheet.title, sheet.caption, sheet.columns, tuple(rows))


def table() -> Table:
    """Every backbone, counted for the clip that its published figure is of."""
    sheet = published.backbones().backbones
    rows = []
    for backbone in registry.every():
        printed = sheet.rows.get(backbone.name, NetworkSize())
        frames, size = printed.frames or len(backbone.offsets), printed.size or backbone.size
        counted = cost(backbone, sheet.classes, frames, size)
        parameters = number(counted.parameters / 1e6, ".2f"), number(printed.parameters, "g")
        macs = number(counted.macs / 1e9), number(printed.macs, "g")
        rows.append((backbone.name, *parameters, f"{frames} x {size}²", *macs, printed.source or DASH))
    return Table(sheet.title, sheet.caption, sheet.columns, tuple(rows))
