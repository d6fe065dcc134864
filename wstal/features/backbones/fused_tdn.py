"""TDN in 16 bits on CUDA devices; see fused.py. Segments (N S, C, H, W) with channels last are clips (N, C, S, H, W)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from wstal.features.backbones import fused, tdn
from wstal.features.backbones.blocks import Residual


class FusedExcitation(nn.Module):
    """Channels that change between neighbouring segments are strengthened; both directions in one batch."""

    def __init__(self, plain: tdn.Excitation, dtype: torch.dtype):
        super().__init__()
        self.segments = plain.segments
        self.align = fused.Depthwise(plain.align, dtype, relu=False)
        self.squeeze, self.coarse, self.fine, self.expand = (
            fused.unit(unit, dtype) for unit in (plain.squeeze, plain.coarse, plain.fine, plain.expand)
        )

    def forward(self, x: Tensor) -> Tensor:
        """x (N S, C, H, W) -> the same shape."""
        from wstal.features.backbones import _kernels

        here = self.squeeze(x)
        changes = _kernels.differences(here, self.align(here), self.segments)  # (2 N S, C / 16, H, W)
        coarse = self.coarse(avg_pool2d(changes, 2))
        mixed = _kernels.mix(changes, coarse, self.fine(changes))
        return _kernels.excite(x, self.expand(mixed))


class FusedShift(nn.Module):
    """A convolution of each channel over neighbouring segments."""

    def __init__(self, plain: tdn.Shift, dtype: torch.dtype):
        super().__init__()
        self.segments = plain.segments
        channels, weight = plain.conv.out_channels, plain.conv.weight[..., None, None]
        conv = nn.Conv3d(channels, channels, (3, 1, 1), padding=(1, 0, 0), groups=channels, bias=False, device=weight.device)
        conv.load_state_dict({"weight": weight})
        self.conv = fused.Depthwise(conv, dtype, relu=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (N S, C, H, W) -> the same shape."""
        return self.conv(x.unflatten(0, (-1, self.segments)).transpose(1, 2)).transpose(1, 2).flatten(0, 1)


def residual(plain: Residual, dtype: torch.dtype) -> nn.Module:
    """The form of a residual block with its long-term modules."""
    return fused.Sum(plain, dtype, fused.FORMS | FORMS)


FORMS: dict[type, Callable] = {tdn.Excitation: FusedExcitation, tdn.Shift: FusedShift, Residual: residual}
