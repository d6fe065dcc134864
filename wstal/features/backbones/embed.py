"""Clips -> features: one function around a network, with what makes it fast on its device."""

from collections.abc import Callable
from importlib.util import find_spec

import msgspec
import torch
from torch import Tensor, nn

from wstal.base import seeding
from wstal.base.errors import UserError
from wstal.base.extraction import Speed
from wstal.features.backbones.blocks import fold
from wstal.features.backbones.fused import fuse
from wstal.features.backbones.registry import Backbone


def settled(speed: Speed, device: torch.device) -> Speed:
    """`speed` with `precision: auto` made definite: 16 bits where the device is made for them, as GPUs are and some CPUs."""
    if speed.precision != "auto":
        return speed
    fast = "float16" if device.type == "cuda" else "bfloat16" if seeding.multiplies_bfloat16() else "float32"
    return msgspec.structs.replace(speed, precision=fast)


def embedder(backbone: Backbone, network: nn.Module, speed: Speed, device: torch.device) -> Callable[[Tensor], Tensor]:
    """-> embed(clips): (N, C, T, H, W) values 0 to 255, uint8 as decoded -> (N, width) float32 on `device`.

    `network` is moved and changed in place. Clips whose number varies from call to call cost a compiled network time, and one
    in the fused form its graph. `embed` raises a UserError for clips that the backbone does not take.
    """
    seeding.full_precision()
    speed = settled(speed, device)
    make = fused if is_fused(speed, device) else plain
    return checked(backbone, make(backbone, network.to(device), speed, device))


def plain(backbone: Backbone, network: nn.Module, speed: Speed, device: torch.device) -> Callable[[Tensor], Tensor]:
    """`embedder` by the plain network and torch's kernels: clips (N, C, T, H, W) -> (N, D).

    Raises:
        UserError: it is to be compiled, and torch's compiler does not find torch.
    """
    if speed.compile and any(" " in folder for folder in torch.__path__):
        raise UserError(
            f"torch lies in {torch.__path__[0]}, and its compiler takes no folder with blanks; set `compile: false` in "
            "params.yaml, or move the project."
        )
    precision = getattr(torch, speed.precision)
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
    return lambda clips: run(clips.to(device))


def checked(backbone: Backbone, run: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """`run` without gradients, for clips (N, C, T, H, W) of the backbone's shape alone."""

    @torch.inference_mode()
    def embed(clips: Tensor) -> Tensor:
        if clips.dim() != 5 or tuple(clips.shape[1:]) != backbone.clip:
            raise UserError(
                f"clips of the shape {tuple(clips.shape)} do not fit {backbone.name}, which wants (N, *{backbone.clip}); "
                "decode them with its `offsets` and `size`."
            )
        return run(clips)

    return embed


def is_fused(speed: Speed, device: torch.device) -> bool:
    """Whether the network runs in the fused form: 16 bits on a CUDA device that has Triton, nothing that forbids it."""
    wanted = speed.precision != "float32" and speed.channels_last and speed.fold and not speed.compile
    return wanted and device.type == "cuda" and find_spec("triton") is not None


def fused(backbone: Backbone, network: nn.Module, speed: Speed, device: torch.device) -> Callable[[Tensor], Tensor]:
    """`embedder` by the fused form, clips (N, C, T, H, W) -> (N, D); from the second batch of one size on one CUDA graph."""
    from wstal.features.backbones import _kernels

    precision = getattr(torch, speed.precision)
    network = fuse(backbone, network, precision)
    mean, std = (torch.tensor(values, device=device) for values in (backbone.mean, backbone.std))

    def forward(clips: Tensor) -> Tensor:
        return network(_kernels.lay_out(clips, precision, channels=len(mean), mean=mean, std=std)).float()

    return Replayed(forward, device)


class Replayed:
    """A function of clips (N, C, T, H, W) on a CUDA device; N that comes again is captured as a CUDA graph and replayed.

    The first call compiles kernels, the second one of the same size is recorded. The result is a tensor of its own.
    """

    def __init__(self, forward: Callable[[Tensor], Tensor], device: torch.device):
        self.forward, self.device = forward, device
        self.seen = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, clips: Tensor) -> Tensor:
        """What `forward` makes of clips, which may still lie in the memory of the host."""
        with torch.cuda.device(self.device):
            if len(clips) != self.seen:
                if self.graph is None:
                    self.seen = len(clips)
                return self.forward(clips.to(self.device, non_blocking=True))
            graph = self.graph or self.record(clips)
            self.given.copy_(clips, non_blocking=True)
            graph.replay()
            return self.made.clone()

    def record(self, clips: Tensor) -> torch.cuda.CUDAGraph:
        """Capture `forward` for clips of this shape, type and order in memory."""
        self.given = torch.empty_like(clips, device=self.device)
        self.graph = torch.cuda.CUDAGraph()
        torch.cuda.synchronize()
        with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
            self.made = self.forward(self.given)
        return self.graph


def channels_last(tensor: Tensor) -> Tensor:
    """Images (N, C, H, W) and clips (N, C, T, H, W) with channels last in memory; others as they are."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=formats[tensor.dim()]) if tensor.dim() in formats else tensor
