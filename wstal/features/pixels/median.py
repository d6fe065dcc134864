"""Median filter of 5x5 pixels as a fixed network of minima and maxima: no sorting, no branch, the same on every device.

Sorted lists are merged by Batcher's odd-even merge (AFIPS 1968): rows become sorted columns, columns sorted pairs of
columns, pairs the window. What a window shares with its neighbours is computed once: a value is a plane of the image and a
shift, and two values that differ in their shift alone are one plane. Steps that the median does not need are left out.
"""

from collections.abc import Callable
from itertools import chain, count
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

SIZE = 5  # pixels on a side of the window
OPERATIONS = (torch.minimum, torch.maximum)


class Value(NamedTuple):
    """A plane as seen from the window's first pixel."""

    plane: int  # 0 is the image
    row: int
    column: int


class Operation(NamedTuple):
    """Plane = OPERATIONS[operation](left, right)."""

    operation: int
    left: Value
    right: Value


def _compare(steps: list[Operation], left: Value, right: Value) -> list[Value]:
    """The smaller and the larger of two values, as values of new planes unless some shift of these is there already."""
    row, column = min(left.row, right.row), min(left.column, right.column)
    operands = sorted(Value(v.plane, v.row - row, v.column - column) for v in (left, right))
    planes = []
    for operation in range(len(OPERATIONS)):
        step = Operation(operation, *operands)
        if step not in steps:
            steps.append(step)
        planes.append(steps.index(step) + 1)
    return [Value(plane, row, column) for plane in planes]


def _merge(steps: list[Operation], left: list[Value], right: list[Value]) -> list[Value]:
    """One sorted list of two."""
    if not left or not right:
        return left or right
    if len(left) == len(right) == 1:
        return _compare(steps, left[0], right[0])
    even, odd = _merge(steps, left[::2], right[::2]), _merge(steps, left[1::2], right[1::2])
    inner = [_compare(steps, a, b) for a, b in zip(odd, even[1:], strict=False)]
    return [even[0], *chain.from_iterable(inner), *odd[len(inner) :], *even[1 + len(inner) :]]


def _network() -> tuple[list[Operation], int]:
    """Steps in an order that can be computed, and the plane of the median."""
    steps: list[Operation] = []
    columns = []
    for column in range(SIZE):
        pixel = [[Value(0, row, column)] for row in range(SIZE)]
        top, bottom = _merge(steps, pixel[0], pixel[1]), _merge(steps, pixel[3], pixel[4])
        columns.append(_merge(steps, _merge(steps, top, bottom), pixel[2]))
    left, right = _merge(steps, columns[0], columns[1]), _merge(steps, columns[3], columns[4])
    outer = _merge(steps, left, right)  # 20 sorted values, and five of the middle column
    median = outer[12]  # the 13th smallest of both lists: min over k of max(outer[12 - k], middle[k - 1])
    for k, middle in enumerate(columns[2], start=1):
        median = _compare(steps, median, _compare(steps, outer[12 - k], middle)[1])[0]
    return steps, median.plane


def _schedule() -> list[tuple[int, Operation, int]]:
    """Of each step that the median needs: its plane, itself, and a buffer whose content nobody reads any more."""
    steps, last = _network()
    reads = {last}
    needed = []
    for plane in range(last, 0, -1):
        if plane in reads:
            step = steps[plane - 1]
            operands = {step.left.plane, step.right.plane}
            needed.append((plane, step, operands - reads))
            reads |= operands
    schedule: list[tuple[int, Operation, int]] = []
    buffers: dict[int, int] = {}
    free: list[int] = []
    fresh = count()
    for plane, step, unread in reversed(needed):
        buffers[plane] = free.pop() if free else next(fresh)
        free += [buffers[operand] for operand in sorted(unread - {0})]
        schedule.append((plane, step, buffers[plane]))
    return schedule


SCHEDULE = _schedule()


class Median:
    """Median of the 25 pixels around each pixel of images of one shape; the border's pixels are repeated outside.

    All memory and every view are made once. Planes are flat, so a shift is an offset. It may run into the padding, which is
    cut off at the end; one row more below keeps it inside.
    """

    def __init__(self, images: int, height: int, width: int, device: torch.device):
        rows, stride = height + SIZE, width + SIZE - 1
        planes = {0: torch.empty(images * rows * stride, device=device)}
        buffers = torch.empty(1 + max(buffer for _, _, buffer in SCHEDULE), len(planes[0]), device=device)
        self.padded = planes[0].view(images, rows, stride)
        self.steps: list[tuple[Callable[..., Tensor], Tensor, Tensor, Tensor]] = []
        for plane, (operation, *operands), buffer in SCHEDULE:
            left, right = (planes[value.plane][value.row * stride + value.column :] for value in operands)
            length = min(len(left), len(right))
            planes[plane] = buffers[buffer, :length]
            self.steps.append((OPERATIONS[operation], left[:length], right[:length], planes[plane]))
        self.result = planes[plane].as_strided((images, height, width), (rows * stride, stride, 1))

    def __call__(self, images: Tensor) -> Tensor:
        """images (K, H, W) -> (K, H, W), a buffer that the next call fills anew."""
        # The window's first pixel stands for its middle.
        self.padded.copy_(pad(images[:, None], (2, 2, 2, 3), mode="replicate")[:, 0])
        for operation, left, right, out in self.steps:
            operation(left, right, out=out)
        return self.result
