"""Clips -> features: one function around a network, with what makes it fast on its device."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from wstal.base import seeding
from wstal.base.errors import UserError
from wstal.base.extraction import Speed
from wstal.features.backbones.blocks import fold
from wstal.features.backbones.registry import Backbone


def embedder(backbone: Backbone, network: nn.Module, speed: Speed, device: torch.device) -> Callable[[Tensor], Tensor]:
    """-> embed(clips): (N, C, T, H, W) values 0 to 255, uint8 as decoded -> (N, width) float32 on `device`.

    `network` is moved and changed in place. Clips whose number varies from call to call cost a compiled network time.
    `embed` raises a UserError for clips that the backbone does not take.
    """
    seeding.full_precision()
    network, precision = network.to(device), getattr(torch, speed.precision)
    if speed.fold:
        fold(network)
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.Conv3d, nn.Linear)):
            module.to(precision)  # once, where autocast would do it for every batch
    if speed.channels_last:
        for parameter in network.parameters():
            parameter.data = channels_last(parameter.data)
    shape = (1, len(backbone.mean), 1, 1, 1)
    mean, std = (torch.tensor(values, device=device).view(shape) for values in (backbone.mean, backbone.std))

    def forward(clips: Tensor) -> Tensor:
        x = (clips.float() - mean) / std
        with torch.autocast(device.type, precision, enabled=speed.precision != "float32"):
            return network(channels_last(x) if speed.channels_last else x.contiguous()).float()

    run = torch.compile(forward) if speed.compile else forward

    @torch.inference_mode()
    def embed(clips: Tensor) -> Tensor:
        if clips.dim() != 5 or tuple(clips.shape[1:]) != backbone.clip:
            raise UserError(
                f"clips of the shape {tuple(clips.shape)} do not fit {backbone.name}, which wants (N, *{backbone.clip}); "
                "decode them with its `offsets` and `size`."
            )
        return run(clips.to(device))

    return embed


def channels_last(tensor: Tensor) -> Tensor:
    """Images (N, C, H, W) and clips (N, C, T, H, W) with channels last in memory; others as they are."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats[tensor.dim()]) if tensor.dim() in formats else tensor
