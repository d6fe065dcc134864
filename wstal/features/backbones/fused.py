"""A plain network -> one that computes the same in 16 bits on a CUDA device, with few passes over memory.

`fuse` merges batch normalizations and replaces modules that FORMS lists, here those of blocks.py and in fused_<architecture>.py
those of an architecture, by forms that run the kernels of _kernels.py. What is not listed stays as it is, in 16 bits. The
plain network is the reference.
"""

import importlib
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from itertools import count

import torch
from torch import Tensor, nn

from wstal.features.backbones.blocks import ConvNorm, Residual, Stem3d, fold
from wstal.features.backbones.registry import Backbone

PIXEL = 4  # channels of a pixel in memory where there are fewer
EIGHT = 8  # channels come in eights
ROW = 32  # and a row of a kernel, as channels, in so many


def fuse(backbone: Backbone, network: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The network of a backbone, in eval mode and on its CUDA device, with its modules replaced in place."""
    name = f"{__package__}.fused_{backbone.name.split('_')[0]}"
    forms = FORMS | (importlib.import_module(name).FORMS if find_spec(name) else {})
    replace(fold(network), forms, dtype)
    return network.to(dtype)


def replace(module: nn.Module, forms: dict[type, Callable], dtype: torch.dtype) -> None:
    """Put forms in the place of the modules below `module` that have one."""
    for name, child in module.named_children():
        if type(child) in forms:
            setattr(module, name, forms[type(child)](child, dtype))
        else:
            replace(child, forms, dtype)


def clip(x: Tensor) -> Tensor:
    """Images (N, C, H, W) as clips (N, C, 1, H, W); clips as they are."""
    return x if x.dim() == 5 else x.unsqueeze(2)


def three(values: str | Iterable[int], filler: int) -> tuple[int, ...]:
    """Sizes of two or three axes as those of three: images last one frame."""
    sizes = tuple(map(int, values))
    return sizes if len(sizes) == 3 else (filler, *sizes)


class Conv(nn.Module):
    """A convolution, with bias, an addend and ReLU. (N, C, ...) -> (N, C', ...).

    Of few channels, a row of a kernel's pixels becomes the channels of one: pixels of PIXEL channels lie side by side.
    """

    def __init__(self, conv: nn.Conv2d | nn.Conv3d, dtype: torch.dtype, relu: bool, same: bool = False):
        super().__init__()
        self.relu, self.same = relu, same  # padded as TensorFlow's SAME
        self.kernel, self.step = three(conv.kernel_size, 1), three(conv.stride, 1)
        self.low = three(conv.padding, 0)
        weight = conv.weight.view(*conv.weight.shape[:2], *self.kernel).permute(2, 3, 4, 1, 0)  # (t, h, w, C, out)
        self.out, self.pixel, self.taps = conv.out_channels, 0, self.kernel
        if conv.in_channels % EIGHT:
            few = conv.in_channels <= PIXEL and self.step[2] * PIXEL % EIGHT == 0
            self.pixel = PIXEL if few else -(-conv.in_channels // EIGHT) * EIGHT
            self.wide = next(n for n in count(self.kernel[2]) if n * self.pixel % ROW == 0)
            weight = nn.functional.pad(weight, (0, 0, 0, self.pixel - conv.in_channels, 0, self.wide - self.kernel[2]))
            self.taps = (*self.kernel[:2], 1)
        from wstal.features.backbones import _kernels

        taps = self.taps[0] * self.taps[1] * self.taps[2]
        matrix = weight.reshape(taps, -1, self.out)
        steps = _kernels.Steps.of(matrix.shape[1], taps)
        fill = -self.out % _kernels.columns(self.out, steps.channels * taps)
        matrix = nn.functional.pad(matrix, (0, fill, 0, steps.channels - matrix.shape[1])).flatten(0, 1)
        self.weight = nn.functional.pad(matrix, (0, 0, 0, -len(matrix) % steps.span)).to(dtype).contiguous()
        bias = torch.zeros(self.out, device=matrix.device) if conv.bias is None else conv.bias
        self.bias = nn.functional.pad(bias.float(), (0, fill))

    def forward(self, x: Tensor, other: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """x (N, C, ...) -> (N, C', ...), or into y; `other`, of that shape, is added before ReLU."""
        from wstal.features.backbones import _kernels

        images, x = x.dim() == 4, clip(x)
        low, shape = self.padding(x.shape[2:])
        y = _kernels.empty(x, self.out, shape) if y is None else clip(y)
        if self.pixel:
            x, low = self.rows(x, low, shape[2]), (*low[:2], 0)
        elif not _kernels.fits(x):
            x = x.contiguous(memory_format=torch.channels_last_3d)
        step = (*self.step[:2], 1) if self.pixel else self.step
        other = None if other is None else clip(other)
        _kernels.convolve(x, self.weight, self.bias, y, kernel=self.taps, step=step, low=low, relu=self.relu, other=other)
        return y.squeeze(2) if images else y

    def padding(self, size: Iterable[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Zeros in front of each axis of an input of `size`, and the size of the output."""
        axes = list(zip(size, self.kernel, self.step, self.low, strict=True))
        if self.same:
            shape = tuple(-(-n // s) for n, _, s, _ in axes)
            return tuple(max((m - 1) * s + k - n, 0) // 2 for m, (n, k, s, _) in zip(shape, axes, strict=True)), shape
        return self.low, tuple((n + 2 * low - k) // s + 1 for n, k, s, low in axes)

    def rows(self, x: Tensor, low: tuple[int, ...], width: int) -> Tensor:
        """x (N, C, T, H, W) as (N, wide * pixel, T, H, width): the pixels that a row of the kernel sees at each step."""
        from wstal.features.backbones import _kernels

        step = self.step[2]
        filled = -(-((width - 1) * step + self.wide) // EIGHT) * EIGHT
        filled = max(filled, -(-(low[2] + x.shape[4]) // EIGHT) * EIGHT)
        y = _kernels.lay_out(x, self.weight.dtype, channels=self.pixel, left=low[2], filled=filled)
        n, _, t, h, _ = y.stride()
        return y.as_strided((*y.shape[:1], self.wide * self.pixel, *y.shape[2:4], width), (n, 1, t, h, step * self.pixel))


class Depthwise(Conv):
    """A convolution of each channel alone, with bias and ReLU. (N, C, ...) -> (N, C, ...)."""

    def __init__(self, conv: nn.Conv2d | nn.Conv3d, dtype: torch.dtype, relu: bool):
        nn.Module.__init__(self)
        self.relu, self.same, self.out = relu, False, conv.out_channels
        self.kernel, self.step, self.low = three(conv.kernel_size, 1), three(conv.stride, 1), three(conv.padding, 0)
        self.weight = conv.weight.reshape(self.out, -1).T.to(dtype).contiguous()
        bias = torch.zeros(self.out, device=self.weight.device) if conv.bias is None else conv.bias
        self.bias = bias.float()

    def forward(self, x: Tensor, other: Tensor | None = None, y: Tensor | None = None) -> Tensor:
        """x (N, C, ...) -> (N, C, ...)."""
        from wstal.features.backbones import _kernels

        images, x = x.dim() == 4, clip(x)
        if not _kernels.fits(x):
            x = x.contiguous(memory_format=torch.channels_last_3d)
        low, shape = self.padding(x.shape[2:])
        y = _kernels.empty(x, self.out, shape)
        _kernels.slide(x, self.weight, self.bias, y, kernel=self.kernel, step=self.step, low=low, relu=self.relu)
        return y.squeeze(2) if images else y


class FusedMaxPool(nn.Module):
    """Max pool of (N, C, T, H, W), padded symmetrically or as TensorFlow's SAME."""

    def __init__(self, kernel: tuple[int, ...], step: tuple[int, ...], low: tuple[int, ...] | None):
        super().__init__()
        self.kernel, self.step, self.low = kernel, step, low

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, T, H, W) -> (N, C, T', H', W')."""
        from wstal.features.backbones import _kernels

        axes = list(zip(x.shape[2:], self.kernel, self.step, strict=True))
        if self.low is None:
            shape = tuple(-(-n // s) for n, _, s in axes)
            low = tuple(max((m - 1) * s + k - n, 0) // 2 for m, (n, k, s) in zip(shape, axes, strict=True))
        else:
            low = self.low
            shape = tuple((n + 2 * before - k) // s + 1 for before, (n, k, s) in zip(low, axes, strict=True))
        y = _kernels.empty(x, x.shape[1], shape)
        return _kernels.slide(x, None, None, y, kernel=self.kernel, step=self.step, low=low)


class Sum(nn.Module):
    """ReLU of a branch plus its input or what `short` makes of it; the last convolution of the branch adds them up."""

    def __init__(self, plain: Residual, dtype: torch.dtype, forms: dict[type, Callable]):
        super().__init__()
        replace(plain, forms, dtype)
        *first, last = plain.branch
        assert isinstance(last, Conv)
        last.relu = True
        self.branch, self.last, self.short = nn.Sequential(*first), last, plain.short

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, ...) -> (N, C', ...)."""
        return self.last(self.branch(x), x if self.short is None else self.short(x))


def unit(plain: ConvNorm, dtype: torch.dtype) -> nn.Module:
    """The form of a convolution whose normalization is folded."""
    if plain.conv.groups == 1:
        return Conv(plain.conv, dtype, plain.active)
    return Depthwise(plain.conv, dtype, plain.active)


def bare(plain: nn.Conv2d | nn.Conv3d, dtype: torch.dtype) -> nn.Module:
    """The form of a convolution alone."""
    return Conv(plain, dtype, relu=False)


def stem(plain: Stem3d, dtype: torch.dtype) -> nn.Module:
    """The form of the first unit of a 3D ResNet."""
    return nn.Sequential(unit(plain, dtype), FusedMaxPool((1, 3, 3), (1, 2, 2), (0, 1, 1)))


def residual(plain: Residual, dtype: torch.dtype) -> nn.Module:
    """The form of a residual block without modules of one architecture alone."""
    return Sum(plain, dtype, FORMS)


FORMS: dict[type, Callable] = {ConvNorm: unit, Stem3d: stem, Residual: residual, nn.Conv3d: bare}
