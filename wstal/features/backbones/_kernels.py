"""CUDA kernels of inference in 16 bits: convolutions with what follows them, pools, and changes of layout.

Images and clips are (N, C, T, H, W) with channels last in memory, images with T = 1. A convolution is a product of matrices
for tensor cores: a row for each output position, a column for each output channel, and the sum runs over kernel positions
("taps") times input channels; the input is gathered while it is multiplied. Bias, an addend and ReLU join before the result
is stored, so that memory is passed once. Results may go into a slice of channels of a larger tensor.

Sizes are arguments and not compiled in, so that few kernels serve every network. Channels, and strides of the input, count
in eights (`VECTOR`), which makes loads of 16 bytes known to be aligned.
"""

from typing import NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

VECTOR = 8  # elements of 16 bits that one load moves
SPAN = 64  # products that a step of the sum takes in
SHORT = 32  # or this many
ROWS = 128  # output positions of a program
DEEP = 1024  # products of a sum from which on wide tiles pay; shorter ones have addends, for which registers lack
COLUMNS = {256: 1.15, 128: 1.0, 64: 0.7, 32: 0.4, 16: 0.25}  # output channels of a program: how well they fill tensor cores
PROGRAMS = 200  # that a chip wants at least
ELEMENTS = 1024  # of a program that moves data
refused: set[int] = set()  # columns of tiles that the chip has no room for
LOWEST = float("-inf")  # in place of the zero of ReLU

_VECTOR = tl.constexpr(VECTOR)
SIZES = [
    "rows", "span", "channels", "out", "padded", "frames", "height", "width", "in_t", "in_h", "in_w", "step_t", "step_h",
    "step_w", "low_t", "low_h", "low_w", "kernel_h", "kernel_w", "x_n", "x_t", "x_h", "x_w", "x_c", "y_row", "other_row",
    "left", "filled", "count", "segments", "length",
]  # fmt: skip


@triton.jit
def _positions(m, frames, height, width):
    """Clip, frame, row and column of output positions m."""
    w = m % width
    m = m // width
    h = m % height
    m = m // height
    return m // frames, m % frames, h, w


@triton.jit(do_not_specialize=SIZES)
def _convolve(
    x, weight, bias, other, y, rows, span, channels, out, padded, frames, height, width, in_t, in_h, in_w,
    step_t, step_h, step_w, low_t, low_h, low_w, kernel_h, kernel_w, x_n, x_t, x_h, x_w, y_row, other_row, floor,
    OTHER: tl.constexpr, BORDER: tl.constexpr, WHOLE: tl.constexpr, FULL: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, SPAN: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """y (rows, out) = relu(x * weight + bias + other), weight (span, padded); strides and rows in eights.

    A step of the sum takes in SPAN rows of weight. WHOLE: they belong to one tap, whose channels are filled up to a multiple of
    SPAN with rows of zeros; if not, taps follow each other without a gap. FULL: there is nothing to fill up. BORDER: some taps
    lie outside of the input, where it is zero. Which tap comes next is counted, as a division takes as long as a product.
    """
    across = tl.cdiv(out, COLUMNS)
    pid = tl.program_id(0)
    m = pid // across * ROWS + tl.arange(0, ROWS)
    column = pid % across * COLUMNS + tl.arange(0, COLUMNS)
    inside = m < rows
    n, t, h, w = _positions(m, frames, height, width)
    t, h, w = t * step_t - low_t, h * step_h - low_h, w * step_w - low_w
    start = n.to(tl.int64) * x_n + t * x_t + h * x_h + w * x_w
    x_rows = x + start * _VECTOR
    k = tl.arange(0, SPAN)
    weights = weight + k[:, None] * (padded * _VECTOR) + column[None, :]
    total = tl.zeros((ROWS, COLUMNS), tl.float32)
    at_t, at_h, at_w, eights = rows * 0, rows * 0, rows * 0, rows * 0
    for first in range(0, span, SPAN):
        if WHOLE:
            offset = (at_t * x_t + at_h * x_h + at_w * x_w + eights) * _VECTOR + k
            known = inside[:, None]
            if not FULL:
                known = known & tl.max_constancy(eights * _VECTOR + k < channels, _VECTOR)[None, :]
            if BORDER:
                here = (t + at_t >= 0) & (t + at_t < in_t) & (h + at_h >= 0) & (h + at_h < in_h)
                known = known & (here & (w + at_w >= 0) & (w + at_w < in_w))[:, None]
            eights += SPAN // _VECTOR
            done = eights * _VECTOR >= channels
            eights, at_w = tl.where(done, 0, eights), tl.where(done, at_w + 1, at_w)
            done = at_w == kernel_w
            at_w, at_h = tl.where(done, 0, at_w), tl.where(done, at_h + 1, at_h)
            done = at_h == kernel_h
            at_h, at_t = tl.where(done, 0, at_h), tl.where(done, at_t + 1, at_t)
        else:
            at = first + k
            tap = tl.max_constancy(at // channels, _VECTOR)
            dw, dh, dt = tap % kernel_w, tap // kernel_w % kernel_h, tap // (kernel_w * kernel_h)
            offset = (dt * x_t + dh * x_h + dw * x_w) * _VECTOR + at - tap * channels
            offset = tl.max_contiguous(tl.multiple_of(offset, _VECTOR), _VECTOR)
            known = inside[:, None] & tl.max_constancy(at < span, _VECTOR)[None, :]
            if BORDER:
                dt, dh, dw = dt[None, :], dh[None, :], dw[None, :]
                known = known & (t[:, None] + dt >= 0) & (t[:, None] + dt < in_t)
                known = known & (h[:, None] + dh >= 0) & (h[:, None] + dh < in_h)
                known = known & (w[:, None] + dw >= 0) & (w[:, None] + dw < in_w)
        a = tl.load(x_rows[:, None] + offset[None, :], known, 0.0)
        total = tl.dot(a, tl.load(weights), total, input_precision=PRECISION)
        weights += SPAN * padded * _VECTOR
    total += tl.load(bias + column)[None, :]
    position = m.to(tl.int64)[:, None] * _VECTOR
    stored = inside[:, None] & tl.max_constancy(column < out, _VECTOR)[None, :]
    if OTHER:
        total += tl.load(other + position * other_row + column[None, :], stored, 0.0).to(tl.float32)
    tl.store(y + position * y_row + column[None, :], tl.maximum(total, floor), stored)


@triton.jit(do_not_specialize=SIZES)
def _slide(
    x, weight, bias, y, rows, channels, frames, height, width, in_t, in_h, in_w,
    step_t, step_h, step_w, low_t, low_h, low_w, x_n, x_t, x_h, x_w, y_row, floor,
    MAXIMUM: tl.constexpr, KERNEL_T: tl.constexpr, KERNEL_H: tl.constexpr, KERNEL_W: tl.constexpr,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """Each channel alone: the largest value of a window, or its products with weight (taps, channels), plus bias."""
    across = tl.cdiv(channels, COLUMNS)
    pid = tl.program_id(0)
    m = pid // across * ROWS + tl.arange(0, ROWS)
    column = pid % across * COLUMNS + tl.arange(0, COLUMNS)
    inside, there = m < rows, tl.max_constancy(column < channels, _VECTOR)
    n, t, h, w = _positions(m, frames, height, width)
    t, h, w = t * step_t - low_t, h * step_h - low_h, w * step_w - low_w
    start = n.to(tl.int64) * x_n + t * x_t + h * x_h + w * x_w
    x_rows = x + start * _VECTOR
    total = tl.full((ROWS, COLUMNS), float("-inf") if MAXIMUM else 0.0, tl.float32)
    for dt in range(KERNEL_T):
        for dh in tl.static_range(KERNEL_H):
            for dw in tl.static_range(KERNEL_W):
                here = inside & (t + dt >= 0) & (t + dt < in_t) & (h + dh >= 0) & (h + dh < in_h)
                here = here & (w + dw >= 0) & (w + dw < in_w)
                offset = (dt * x_t + dh * x_h + dw * x_w) * _VECTOR + column
                known = here[:, None] & there[None, :]
                value = tl.load(x_rows[:, None] + offset[None, :], known, float("-inf") if MAXIMUM else 0.0).to(tl.float32)
                if MAXIMUM:
                    total = tl.maximum(total, value)
                else:
                    tap = (dt * KERNEL_H + dh) * KERNEL_W + dw
                    taps = weight + tap * (channels // _VECTOR * _VECTOR)
                    total += value * tl.load(taps + column, there, 0.0).to(tl.float32)[None, :]
    if not MAXIMUM:
        total = tl.maximum(total + tl.load(bias + column, there, 0.0)[None, :], floor)
    tl.store(y + m.to(tl.int64)[:, None] * y_row * _VECTOR + column[None, :], total, inside[:, None] & there[None, :])


@triton.jit(do_not_specialize=SIZES)
def _lay_out(
    x, mean, std, y, count, channels, frames, height, width, left, filled, x_n, x_c, x_t, x_h, x_w,
    NORMALIZE: tl.constexpr, CHANNELS: tl.constexpr, ELEMENTS: tl.constexpr,
):  # fmt: skip
    """x (N, channels, frames, height, width) in any order in memory -> y (N, frames, height, filled, CHANNELS), zeros around.

    `left` pixels and the channels that x lacks are zero; values may be normalized channel by channel.
    """
    i = tl.program_id(0) * ELEMENTS + tl.arange(0, ELEMENTS)
    c = i % CHANNELS
    w = i // CHANNELS % filled - left
    h = i // CHANNELS // filled
    t = h // height
    h = h % height
    n = t // frames
    t = t % frames
    known = (i < count) & (c < channels) & (w >= 0) & (w < width)
    value = tl.load(x + n.to(tl.int64) * x_n + c * x_c + t * x_t + h * x_h + w * x_w, known, 0).to(tl.float32)
    if NORMALIZE:
        value = (value - tl.load(mean + c, c < channels, 0.0)) / tl.load(std + c, c < channels, 1.0)
        value = tl.where(known, value, 0.0)
    tl.store(y + i, value, tl.max_constancy(i < count, _VECTOR))


@triton.jit(do_not_specialize=SIZES)
def _finish(
    y, bias, other, rows, channels, y_row, other_row, floor, OTHER: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """y (rows, channels) = relu(y + bias + other), in place."""
    across = tl.cdiv(channels, COLUMNS)
    pid = tl.program_id(0)
    m = (pid // across * ROWS + tl.arange(0, ROWS)).to(tl.int64)[:, None]
    column = pid % across * COLUMNS + tl.arange(0, COLUMNS)
    there = tl.max_constancy(column < channels, _VECTOR)
    known = (m < rows) & there[None, :]
    at = m * _VECTOR
    total = tl.load(y + at * y_row + column[None, :], known, 0.0).to(tl.float32) + tl.load(bias + column, there, 0.0)[None, :]
    if OTHER:
        total += tl.load(other + at * other_row + column[None, :], known, 0.0).to(tl.float32)
    tl.store(y + at * y_row + column[None, :], tl.maximum(total, floor), known)


@triton.jit
def _add_and_normalize(x, change, weight, bias, y, eps, WIDTH: tl.constexpr, PADDED: tl.constexpr):
    """x (L, WIDTH) += change; y = layer normalization of x."""
    row, column = tl.program_id(0).to(tl.int64) * WIDTH, tl.arange(0, PADDED)
    there = column < WIDTH
    value = tl.load(x + row + column, there, 0.0).to(tl.float32) + tl.load(change + row + column, there, 0.0).to(tl.float32)
    tl.store(x + row + column, value, there)
    centred = tl.where(there, value - tl.sum(value) / WIDTH, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred) / WIDTH + eps)
    result = centred * scale * tl.load(weight + column, there, 0.0).to(tl.float32)
    tl.store(y + row + column, result + tl.load(bias + column, there, 0.0).to(tl.float32), there)


@triton.jit(do_not_specialize=SIZES)
def _differences(here, moved, y, segments, length, count, ELEMENTS: tl.constexpr):
    """y (2, N S, length): what moves to the next segment, then to the one before; zero where there is none."""
    i = tl.program_id(0) * ELEMENTS + tl.arange(0, ELEMENTS)
    back = (i >= count).to(tl.int32)
    at = i - back * count
    segment = at // length % segments
    known = (i < 2 * count) & (((back == 0) & (segment < segments - 1)) | ((back == 1) & (segment > 0)))
    other = tl.load(moved + at + length * (1 - 2 * back), known, 0.0).to(tl.float32)
    tl.store(y + i, other - tl.load(here + at, known, 0.0).to(tl.float32), i < 2 * count)


@triton.jit(do_not_specialize=SIZES)
def _mix(x, coarse, fine, y, channels, height, width, low_h, low_w, count, ELEMENTS: tl.constexpr):
    """y (N, H, W, C) = the mean of x, fine and coarse (N, low_h, low_w, C), whose nearest pixel counts."""
    i = tl.program_id(0) * ELEMENTS + tl.arange(0, ELEMENTS)
    known = i < count
    c, pixel = i % channels, i // channels
    w, h, n = pixel % width, pixel // width % height, pixel // width // height
    at = ((n * low_h + h * low_h // height) * low_w + w * low_w // width) * channels + c
    total = tl.load(x + i, known, 0.0).to(tl.float32) + tl.load(fine + i, known, 0.0).to(tl.float32)
    tl.store(y + i, (total + tl.load(coarse + at, known, 0.0).to(tl.float32)) / 3, known)


@triton.jit(do_not_specialize=SIZES)
def _excite(x, changes, y, count, ELEMENTS: tl.constexpr):
    """y = x (1 + s(changes[0]) + s(changes[1])) / 2 with the sigmoid s."""
    i = tl.program_id(0) * ELEMENTS + tl.arange(0, ELEMENTS)
    known = tl.max_constancy(i < count, _VECTOR)
    count = count // _VECTOR * _VECTOR
    first, second = tl.load(changes + i, known, 0.0).to(tl.float32), tl.load(changes + count + i, known, 0.0).to(tl.float32)
    factor = (1 + tl.sigmoid(first) + tl.sigmoid(second)) / 2
    tl.store(y + i, tl.load(x + i, known, 0.0).to(tl.float32) * factor, known)


def fits(x: Tensor) -> bool:
    """Whether kernels can read x (N, C, T, H, W): channels last, in eights."""
    n, c, *rest = x.stride()
    return c == 1 and x.shape[1] % VECTOR == 0 and not any(stride % VECTOR for stride in (n, *rest))


def empty(x: Tensor, channels: int, shape: tuple[int, ...]) -> Tensor:
    """Memory for clips (N, C, T, H, W) of that shape, channels last, of the type and device of x."""
    return x.new_empty(x.shape[0], *shape, channels).permute(0, 4, 1, 2, 3)


def rows_of(y: Tensor) -> int:
    """Eights between neighbouring positions of y (N, C, T, H, W), which are rows in memory."""
    return y.stride(4) // VECTOR


class Steps(NamedTuple):
    """How the sum of a convolution is cut into steps."""

    span: int  # taps times channels that a step takes in
    whole: bool  # a step stays within a tap
    channels: int  # of a tap, those that fill it up included

    @staticmethod
    def of(channels: int, taps: int) -> "Steps":
        """The steps that waste least; a little more is borne for long ones, and taps of very few channels are packed."""
        if channels < SHORT and taps > 1:
            return Steps(SPAN, False, channels)
        long, short = triton.cdiv(channels, SPAN) * SPAN, triton.cdiv(channels, SHORT) * SHORT
        return Steps(SPAN, True, long) if long <= 1.1 * short else Steps(SHORT, True, short)


class Tile(NamedTuple):
    """What a program of `_convolve` computes, and how."""

    rows: int  # output positions
    columns: int  # output channels
    num_warps: int
    num_stages: int  # of the pipeline that loads what is multiplied


TILES = {  # three programs of 64 columns, two of 128, or one of 256 share the memory of a multiprocessor
    256: Tile(128, 256, 8, 3),
    128: Tile(128, 128, 8, 3),
    64: Tile(128, 64, 4, 3),
    32: Tile(128, 32, 4, 4),
    16: Tile(128, 16, 4, 4),
}


def columns(out: int, span: int) -> int:
    """Output channels of a program: what fills tensor cores best, padding counted; the most only if the sum is long."""
    fitting = [n for n in TILES if n < 256 or span >= DEEP]
    return min(fitting, key=lambda n: triton.cdiv(out, n) * n / COLUMNS[n])


def tile(out: int, span: int, rows: int) -> Tile:
    """The tile for so many output channels and positions; smaller where programs would be too few for the chip."""
    wide = columns(out, span)
    while wide > 64 and (wide in refused or triton.cdiv(rows, ROWS) * triton.cdiv(out, wide) < PROGRAMS):
        wide //= 2
    return TILES[wide]


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor, y: Tensor, *,
    kernel: tuple[int, ...], step: tuple[int, ...], low: tuple[int, ...], relu: bool, other: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """y (N, out, T', H', W') = relu(x (N, C, T, H, W) * weight + bias + other).

    weight (taps times channels, and columns, padded with zeros as `fused.Conv` does it), bias as wide in float32. `low` is
    the padding in front; that behind follows from y's shape. y and other may be slices of channels, whose positions are rows
    in memory.
    """
    (_, channels, *size), (count, out, *shape) = x.shape, y.shape
    rows, taps = count * shape[0] * shape[1] * shape[2], kernel[0] * kernel[1] * kernel[2]
    steps = Steps.of(channels, taps)
    span = steps.channels * taps
    reach = [(n - 1) * s - before + k - 1 for n, s, before, k in zip(shape, step, low, kernel, strict=True)]
    border = any(low) or any(last >= n for last, n in zip(reach, size, strict=True))
    strides = [x.stride(axis) // VECTOR for axis in (0, 2, 3, 4)]
    given = (
        x, weight, bias, y if other is None else other, y, rows, span, channels, out, weight.shape[1] // VECTOR, *shape, *size,
        *step, *low, *kernel[1:], *strides, rows_of(y), rows_of(y if other is None else other), 0.0 if relu else LOWEST,
    )  # fmt: skip
    kind = {
        "OTHER": other is not None, "BORDER": border, "WHOLE": steps.whole, "FULL": steps.channels == channels,
        "SPAN": steps.span, "PRECISION": "ieee" if x.dtype == torch.float32 else "tf32",
    }  # fmt: skip
    _launch(given, kind, tile(out, span, rows))
    return y


def _launch(given: tuple, kind: dict, of: Tile) -> None:
    """Run `_convolve`; a tile that the chip has no room for is refused from then on, and one half as wide taken."""
    rows, out = given[5], given[8]
    try:
        _convolve[triton.cdiv(rows, of.rows) * triton.cdiv(out, of.columns),](
            *given, **kind, ROWS=of.rows, COLUMNS=of.columns, num_warps=of.num_warps, num_stages=of.num_stages
        )
    except (triton.runtime.errors.OutOfResources, triton.CompilationError, RuntimeError):
        if of.columns <= 64:
            raise
        refused.add(of.columns)
        _launch(given, kind, TILES[of.columns // 2])


def finish(y: Tensor, bias: Tensor, *, relu: bool, other: Tensor | None = None) -> Tensor:
    """y (N, C, T, H, W) = relu(y + bias + other), in place; positions are rows in memory."""
    channels, rows, wide = y.shape[1], y.numel() // y.shape[1], min(64, triton.next_power_of_2(y.shape[1]))
    high = 64 * 64 // wide
    _finish[triton.cdiv(rows, high) * triton.cdiv(channels, wide),](
        y, bias, y if other is None else other, rows, channels, rows_of(y), rows_of(y if other is None else other),
        0.0 if relu else LOWEST, OTHER=other is not None, ROWS=high, COLUMNS=wide, num_warps=4,
    )  # fmt: skip
    return y


def slide(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, y: Tensor, *,
    kernel: tuple[int, ...], step: tuple[int, ...], low: tuple[int, ...], relu: bool = False,
) -> Tensor:  # fmt: skip
    """y (N, C, T', H', W'): max pool of x (N, C, T, H, W), or with weight (taps, C) its depthwise convolution."""
    (_, channels, *size), (count, _, *shape) = x.shape, y.shape
    rows, wide = count * shape[0] * shape[1] * shape[2], min(64, triton.next_power_of_2(channels))
    high = 32 * 64 // wide
    strides = [x.stride(axis) // VECTOR for axis in (0, 2, 3, 4)]
    _slide[triton.cdiv(rows, high) * triton.cdiv(channels, wide),](
        x, x if weight is None else weight, x if bias is None else bias, y, rows, channels, *shape, *size, *step, *low,
        *strides, rows_of(y), 0.0 if relu else LOWEST, MAXIMUM=weight is None,
        KERNEL_T=kernel[0], KERNEL_H=kernel[1], KERNEL_W=kernel[2], ROWS=high, COLUMNS=wide, num_warps=4,
    )  # fmt: skip
    return y


def lay_out(
    x: Tensor, dtype: torch.dtype, *, channels: int, left: int = 0, filled: int = 0,
    mean: Tensor | None = None, std: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """Clips x (N, C, T, H, W) of any type and order -> (N, channels, T, H, filled) of `dtype`, channels last.

    Zeros fill the `left` first pixels of a row, those after the last one, and channels from C on. With mean and std (C,)
    in float32, values are normalized.
    """
    count, given, frames, height, width = x.shape
    filled = filled or width
    y = x.new_empty(count, frames, height, filled, channels, dtype=dtype)
    normalize = mean is not None
    _lay_out[triton.cdiv(y.numel(), ELEMENTS),](
        x, mean if normalize else x, std if normalize else x, y, y.numel(), given, frames, height, width, left, filled,
        *x.stride(), NORMALIZE=normalize, CHANNELS=channels, ELEMENTS=ELEMENTS, num_warps=4,
    )  # fmt: skip
    return y.permute(0, 4, 1, 2, 3)


def add_and_normalize(x: Tensor, change: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """x (..., D) += change, in place -> the layer normalization of x, both contiguous."""
    y, width = torch.empty_like(x), x.shape[-1]
    _add_and_normalize[x.numel() // width,](
        x, change, weight, bias, y, eps, WIDTH=width, PADDED=triton.next_power_of_2(width), num_warps=4
    )
    return y


def differences(here: Tensor, moved: Tensor, segments: int) -> Tensor:
    """Segments here and moved (N S, C, H, W) -> (2 N S, C, H, W): moved to the next one, and to the one before, minus here."""
    y = here.new_empty(2 * len(here), *here.shape[2:], here.shape[1]).permute(0, 3, 1, 2)
    length = here[0].numel()
    _differences[triton.cdiv(y.numel(), ELEMENTS),](here, moved, y, segments, length, here.numel(), ELEMENTS=ELEMENTS)
    return y


def mix(x: Tensor, coarse: Tensor, fine: Tensor) -> Tensor:
    """The mean of x and fine (N, C, H, W) and coarse (N, C, H', W'), enlarged to the nearest pixel."""
    coarse, y = coarse.contiguous(memory_format=torch.channels_last), torch.empty_like(x)
    sizes = x.shape[1], *x.shape[2:], *coarse.shape[2:]
    _mix[triton.cdiv(x.numel(), ELEMENTS),](x, coarse, fine, y, *sizes, x.numel(), ELEMENTS=ELEMENTS)
    return y


def excite(x: Tensor, changes: Tensor) -> Tensor:
    """x (N, C, H, W) strengthened by changes (2 N, C, H, W), from 0.5 to 1.5 times."""
    y = torch.empty_like(x)
    _excite[triton.cdiv(x.numel(), ELEMENTS),](x, changes, y, x.numel(), ELEMENTS=ELEMENTS)
    return y
