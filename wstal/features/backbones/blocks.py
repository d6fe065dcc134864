"""Units that several networks are made of: convolutions with normalization, stems, residual blocks."""

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import max_pool3d, relu


class ConvNorm(nn.Module):
    """A convolution, its batch normalization and, unless `active` is false, ReLU."""

    def __init__(self, conv: nn.Conv2d | nn.Conv3d, eps: float, active: bool = True):
        super().__init__()
        self.conv = conv
        self.norm: nn.Module = (nn.BatchNorm2d if isinstance(conv, nn.Conv2d) else nn.BatchNorm3d)(conv.out_channels, eps)
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, ...) -> (N, C', ...), as the convolution has it."""
        x = self.norm(self.conv(x))
        return relu(x, inplace=True) if self.active else x


class Stem3d(ConvNorm):
    """The first unit of a 3D ResNet, halved in space twice: by its stride and by a pool."""

    def __init__(self, out: int, kernel_t: int, eps: float):
        conv = nn.Conv3d(3, out, (kernel_t, 7, 7), (1, 2, 2), (kernel_t // 2, 3, 3), bias=False)
        super().__init__(conv, eps)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, 3, T, H, W) -> (N, out, T, H / 4, W / 4)."""
        return max_pool3d(super().forward(x), (1, 3, 3), (1, 2, 2), (0, 1, 1))


class Residual(nn.Module):
    """ReLU of a branch plus its input, which passes through `short` where shapes differ."""

    def __init__(self, short: nn.Module | None, **branch: nn.Module):
        super().__init__()
        self.short = short
        self.branch = nn.Sequential(OrderedDict(branch))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, ...) -> (N, C', ...), as the branch has it."""
        y = self.branch(x)
        return relu(y + (x if self.short is None else self.short(x)), inplace=True)


def fold(network: nn.Module) -> nn.Module:
    """Merge every batch normalization into the convolution before it, in place: the same function, fewer passes over memory.

    The network must be in eval mode.
    """
    for unit in network.modules():
        if isinstance(unit, ConvNorm) and isinstance(unit.norm, nn.BatchNorm2d | nn.BatchNorm3d):
            unit.conv = nn.utils.fuse_conv_bn_eval(unit.conv, unit.norm)
            unit.norm = nn.Identity()
    return network
