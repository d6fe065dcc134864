"""Clips -> features: one function around a network, with what makes it fast on its device."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from wstal.errors import UserError
from wstal.features.backbones import Backbone
from wstal.features.blocks import fold
from wstal.record import Record


class Speed(Record):
    """How a network is run. Nothing here changes features by more than the rounding of `precision`."""

    precision: Literal["float32", "bfloat16", "float16"]  # of convolutions and products, by autocast
    channels_last: bool  # the order in memory that tensor cores, and the CPU's vector units, prefer
    fold: bool  # merge batch normalization into convolutions
    compile: bool  # torch.compile; takes minutes at the first clips


def embedder(backbone: Backbone, network: nn.Module, speed: Speed, device: torch.device) -> Callable[[Tensor], Tensor]:
    """-> embed(clips): (N, C, T, H, W) values 0 to 255, uint8 as decoded -> (N, width) float32 on `device`.

    `network` is moved and changed in place. Clips whose number varies from call to call cost a compiled network time.
    """
    network = network.to(device)
    if speed.fold:
        fold(network)
    if speed.channels_last:
        for parameter in network.parameters():
            parameter.data = channels_last(parameter.data)
    run = torch.compile(network) if speed.compile else network
    shape = (1, len(backbone.mean), 1, 1, 1)
    mean, std = (torch.tensor(values, device=device).view(shape) for values in (backbone.mean, backbone.std))

    @torch.inference_mode()
    def embed(clips: Tensor) -> Tensor:
        if clips.dim() != 5 or tuple(clips.shape[1:]) != backbone.clip:
            raise UserError(
                f"clips of the shape {tuple(clips.shape)} do not fit {backbone.name}, which wants (N, *{backbone.clip}); "
                "decode them with its `offsets` and `size`."
            )
        x = (clips.to(device, non_blocking=True).float() - mean) / std
        x = channels_last(x) if speed.channels_last else x
        with torch.autocast(device.type, getattr(torch, speed.precision), enabled=speed.precision != "float32"):
            return run(x).float()

    return embed


def channels_last(tensor: Tensor) -> Tensor:
    """Images (4 axes) and clips (5 axes) with channels last in memory; others as they are."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats[tensor.dim()]) if tensor.dim() in formats else tensor
