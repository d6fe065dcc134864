"""I3D in 16 bits on CUDA devices; see fused.py."""

import torch
from torch import Tensor, nn

from wstal.features.backbones import fused, i3d


class FusedMixed(nn.Module):
    """An Inception module whose branches write side by side. The first convolutions of two branches are one."""

    def __init__(self, plain: i3d.Mixed, dtype: torch.dtype):
        super().__init__()
        self.b0, self.b1b, self.b2b, self.b3b = (
            fused.Conv(unit.conv, dtype, relu=True) for unit in (plain.b0, plain.b1b, plain.b2b, plain.b3b)
        )
        first, second = plain.b1a.conv, plain.b2a.conv
        both = nn.Conv3d(first.in_channels, first.out_channels + second.out_channels, 1, device=first.weight.device)
        states = first.state_dict(), second.state_dict()
        both.load_state_dict({name: torch.cat([state[name] for state in states]) for name in ("weight", "bias")})
        self.a, self.split = fused.Conv(both, dtype, relu=True), first.out_channels
        self.pool = fused.FusedMaxPool((3, 3, 3), (1, 1, 1), (1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, T, H, W) -> (N, b0 + b1b + b2b + b3b, T, H, W)."""
        from wstal.features.backbones import _kernels

        branches = self.b0, self.b1b, self.b2b, self.b3b
        y = _kernels.empty(x, sum(branch.out for branch in branches), tuple(x.shape[2:]))
        a = self.a(x)
        inputs = x, a[:, : self.split], a[:, self.split :], self.pool(x)
        for branch, given, part in zip(branches, inputs, y.split([branch.out for branch in branches], 1), strict=True):
            branch(given, y=part)
        return y


def unit(plain: i3d.Unit3D, dtype: torch.dtype) -> nn.Module:
    """The form of a unit, padded as SAME."""
    return fused.Conv(plain.conv, dtype, relu=True, same=True)


def pool(plain: i3d.MaxPool3dSame, dtype: torch.dtype) -> nn.Module:
    """The form of a pool, padded as SAME; padding of minus infinity serves as well as zeros behind a ReLU."""
    return fused.FusedMaxPool(plain.kernel, plain.stride, None)


FORMS = {i3d.Unit3D: unit, i3d.MaxPool3dSame: pool, i3d.Mixed: FusedMixed}
