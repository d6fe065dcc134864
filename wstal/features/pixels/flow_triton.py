"""TV-L1 on CUDA devices: all pairs at once, STEPS iterations a kernel. wstal/features/pixels/flow.py says what is computed.

A program is a warp that walks down a strip of 64 columns, two a lane, with a few rows in registers: when row y comes in, the
first iteration computes u of row y and p of row y - 1, the second one u of row y - 1 and p of row y - 2, and so on; row
y - STEPS goes out. So memory is passed once for STEPS iterations. Neighbours to the left and right come from other lanes;
strips overlap by STEPS columns on each side, and parts of a strip by STEPS rows, whose results are thrown away.

Pairs stop on their own, each after the iteration that changed its flow little enough, and the host is not asked: programs
read what the iterations before changed, one partial sum a program, always added in one order. A pair that had converged
within the last STEPS iterations goes back to the memory that they started from, which is still there, and takes those few
iterations that it needs; then it is copied, so that both memories hold it, and its programs return at once. Now and then the
host looks which pairs still run and launches programs for these alone: where a film cuts from shot to shot, one pair of
many takes all the iterations that there are.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from wstal.features.pixels.tvl1 import FLAT, TVL1

STEPS = 5  # iterations a kernel
LANES = 32  # of a warp; each holds two neighbouring columns
COLUMNS = 2 * LANES - 2 * STEPS  # of a strip, without those that overlap
ROWS = 64  # of a part of a strip
TILE = 32, 16  # columns and rows a program of the kernels that look at pixels one by one
BUILD = {"num_warps": 8, "enable_fp_fusion": True}  # of these
WALK = {"num_warps": 1, "enable_fp_fusion": True}
SIZES = ["width", "height", "programs", "steps"]  # one kernel serves frames of all sizes
CHECK = 2  # kernels between two looks of the host
RUNS, WENT_BACK, DONE = 0, 1, 2  # states of a pair

_FLAT = tl.constexpr(FLAT)
_STEPS = tl.constexpr(STEPS)
_LANES = tl.constexpr(LANES)
_STRIP = tl.constexpr(COLUMNS)
_PART = tl.constexpr(ROWS)
_COLUMNS = tl.constexpr(TILE[0])
_ROWS = tl.constexpr(TILE[1])
_RUNS = tl.constexpr(RUNS)
_WENT_BACK = tl.constexpr(WENT_BACK)
_DONE = tl.constexpr(DONE)


@triton.jit
def _converged(sums, pair, programs, tolerance, PROGRAMS: tl.constexpr):
    """The first of the iterations before, from 1 on, after which a pair had converged; 0 for none."""
    k, found = tl.arange(0, PROGRAMS), 0
    for step in tl.static_range(_STEPS):
        change = tl.sum(tl.load(sums + (pair * _STEPS + step) * programs + k, k < programs, 0.0))
        found = tl.where((found == 0) & (change <= tolerance), step + 1, found)
    return found


@triton.jit
def _pixels(tile, width, height):
    """Columns, rows and indices of the program's pixels, and whether they lie in the image."""
    k, across = tl.arange(0, _COLUMNS * _ROWS), tl.cdiv(width, _COLUMNS)
    x, y = tile % across * _COLUMNS + k % _COLUMNS, tile // across * _ROWS + k // _COLUMNS
    return x, y, y * width + x, (x < width) & (y < height)


@triton.jit
def _cubic(t):
    """Weights of four neighbours around a place t beyond the second of them."""
    a, b, c, d = t + 1, t, 1 - t, 2 - t
    return (
        ((-0.75 * a + 3.75) * a - 6) * a + 3, (1.25 * b - 2.25) * b * b + 1,
        (1.25 * c - 2.25) * c * c + 1, ((-0.75 * d + 3.75) * d - 6) * d + 3,
    )  # fmt: skip


@triton.jit
def _sample(image, x, y, across, down, width, height, inside):
    """Bicubic value of an image around columns x - 1 to x + 2 and rows y - 1 to y + 2; zero outside of the image."""
    total = tl.zeros_like(across[0])
    for row in tl.static_range(4):
        at_y = y + row - 1
        line = tl.zeros_like(total)
        for column in tl.static_range(4):
            at_x = x + column - 1
            known = inside & (at_x >= 0) & (at_x < width) & (at_y >= 0) & (at_y < height)
            line += across[column] * tl.load(image + at_y * width + at_x, known, 0.0)
        total += down[row] * line
    return total


@triton.jit(do_not_specialize=SIZES)
def _linearize(u, first, images, linear, width, height):
    """linear (N, 3, HW): gradient g of the second frame at x + u, and the frames' difference there minus g u.

    images (N, 3, HW): the second frame and its gradient.
    """
    pair, area = tl.program_id(1), width * height
    x, y, i, inside = _pixels(tl.program_id(0), width, height)
    u, first = u + pair.to(tl.int64) * 2 * area, first + pair.to(tl.int64) * area
    images, linear = images + pair.to(tl.int64) * 3 * area, linear + pair.to(tl.int64) * 3 * area
    u_x, u_y = tl.load(u + i, inside, 0.0), tl.load(u + area + i, inside, 0.0)
    to_x = tl.minimum(tl.maximum(x + u_x, -4.0), width + 4.0)
    to_y = tl.minimum(tl.maximum(y + u_y, -4.0), height + 4.0)
    low_x, low_y = tl.floor(to_x), tl.floor(to_y)
    across, down = _cubic(to_x - low_x), _cubic(to_y - low_y)
    column, row = low_x.to(tl.int32), low_y.to(tl.int32)
    second = _sample(images, column, row, across, down, width, height, inside)
    slope_x = _sample(images + area, column, row, across, down, width, height, inside)
    slope_y = _sample(images + 2 * area, column, row, across, down, width, height, inside)
    tl.store(linear + i, slope_x, inside)
    tl.store(linear + area + i, slope_y, inside)
    difference = second - tl.load(first + i, inside, 0.0)
    tl.store(linear + 2 * area + i, difference - (slope_x * u_x + slope_y * u_y), inside)


@triton.jit
def _from_left(pair, lane):
    """Values of the columns to the left of a lane's two."""
    return tl.gather(pair[1], tl.maximum(lane - 1, 0), 0), pair[0]


@triton.jit
def _from_right(pair, lane):
    """Values of the columns to the right of a lane's two."""
    return pair[1], tl.gather(pair[0], tl.minimum(lane + 1, _LANES - 1), 0)


@triton.jit
def _read(plane, i, inside):
    """Two neighbouring columns of a plane of the image."""
    return tl.load(plane + i, inside[0], 0.0), tl.load(plane + i + 1, inside[1], 0.0)


@triton.jit
def _write(plane, i, pair, inside):
    tl.store(plane + i, pair[0], inside[0])
    tl.store(plane + i + 1, pair[1], inside[1])


@triton.jit
def _descend(u_x, u_y, left_x, left_y, above_x, above_y, p, slope_x, slope_y, offset, inverse, limit, k: tl.constexpr):
    """What an iteration changes of u in one of a lane's two columns, k; above_ and left_: p along y, and along x, there."""
    step = (offset[k] + slope_x[k] * u_x[k] + slope_y[k] * u_y[k]) * inverse[k]
    step = tl.minimum(tl.maximum(step, -limit), limit)
    change_x = (p[0][k] - left_x[k]) + (p[2][k] - above_x[k]) - step * slope_x[k]
    change_y = (p[1][k] - left_y[k]) + (p[3][k] - above_y[k]) - step * slope_y[k]
    return change_x, change_y


@triton.jit
def _ascend(p_right, p_below, right, below, tau, tightness):
    """The dual variable of one component of the flow, from that component's forward differences."""
    bound = 1 + tightness * tl.sqrt(right * right + below * below)
    scale = tl.rsqrt(bound * bound)  # a division takes four times as long
    return (p_right + tau * right) * scale, (p_below + tau * below) * scale


@triton.jit
def _component(u, u_below, p_right, p_below, lane, at_right, at_below, tau, tightness):
    """p along x and along y of one component of the flow u in two columns, from u there and in the row below."""
    right = _from_right(u, lane)
    a, b = tl.where(at_right[0], right[0] - u[0], 0.0), tl.where(at_right[1], right[1] - u[1], 0.0)
    c, d = tl.where(at_below, u_below[0] - u[0], 0.0), tl.where(at_below, u_below[1] - u[1], 0.0)
    even = _ascend(p_right[0], p_below[0], a, c, tau, tightness)
    odd = _ascend(p_right[1], p_below[1], b, d, tau, tightness)
    return (even[0], odd[0]), (even[1], odd[1])


@triton.jit(do_not_specialize=SIZES)
def _iterate(
    u, u_next, p, p_next, linear, sums, sums_next, state, state_next, active,
    width, height, programs, steps, tolerance, limit, tau, tightness, PROGRAMS: tl.constexpr,
):  # fmt: skip
    """`steps` iterations, up to STEPS, of the pairs `active`: u (N, 2, HW), p (N, 4, HW), linear (N, 3, HW), state (N,).

    sums (N, STEPS, programs): what each iteration changed, squared and summed by each program; infinity for those not taken.
    """
    program, pair = tl.program_id(0), tl.load(active + tl.program_id(1))
    known = tl.load(state + pair)
    if known != _DONE:
        back = _converged(sums, pair, programs, tolerance, PROGRAMS)
        back = tl.where(known == _RUNS, back, 0)
        goes_on = (known == _RUNS) & (back == 0)
        count = tl.where(goes_on, steps, back)
        tl.store(state_next + pair, tl.where(goes_on, _RUNS, tl.where(known == _RUNS, _WENT_BACK, _DONE)))
        if goes_on:
            _walk(u, u_next, p, p_next, linear, sums_next, pair, program, width, height, programs, count, limit, tau, tightness)
        else:
            _walk(u_next, u, p_next, p, linear, sums_next, pair, program, width, height, programs, count, limit, tau, tightness)
    else:
        tl.store(state_next + pair, _DONE)


@triton.jit
def _row(u, p, linear, area, i, inside, there):
    """p, u and the linear form in a lane's two columns of a row."""
    here = inside[0] & there, inside[1] & there
    dual = _read(p, i, here), _read(p + area, i, here), _read(p + 2 * area, i, here), _read(p + 3 * area, i, here)
    flow = _read(u, i, here), _read(u + area, i, here)
    return dual, flow, (_read(linear, i, here), _read(linear + area, i, here), _read(linear + 2 * area, i, here))


@triton.jit
def _walk(u, u_next, p, p_next, linear, sums, pair, program, width, height, programs, count, limit, tau, tightness):
    """`count` iterations from u and p to u_next and p_next in a part of a strip."""
    area, lane, strips = width * height, tl.arange(0, _LANES), tl.cdiv(width, _STRIP)
    u, u_next, linear = u + pair * 2 * area, u_next + pair * 2 * area, linear + pair * 3 * area
    p, p_next = p + pair * 4 * area, p_next + pair * 4 * area
    begin_x, begin_y = program % strips * _STRIP, program // strips * _PART
    end_x, end_y = tl.minimum(begin_x + _STRIP, width), tl.minimum(begin_y + _PART, height)
    x = begin_x - _STEPS + 2 * lane
    inside = (x >= 0) & (x < width), (x + 1 >= 0) & (x + 1 < width)
    own = (x >= begin_x) & (x < end_x), (x + 1 >= begin_x) & (x + 1 < end_x)
    at_right = inside[0] & (x < width - 1), inside[1] & (x < width - 2)
    zero = tl.zeros((_LANES,), tl.float32)
    none = zero, zero
    nothing = (none, none, none, none), (none, none), (none, none, none, none)
    behind, changes = (), ()
    for _ in tl.static_range(_STEPS):
        behind, changes = behind + (nothing,), changes + (zero,)
    y = begin_y - _STEPS
    coming = _row(u, p, linear, area, y * width + x, inside, (y >= 0) & (y < height))
    for y in range(begin_y - _STEPS, end_y + _STEPS):
        dual, flow, linear_form = coming
        a, b, c = linear_form
        coming = _row(u, p, linear, area, (y + 1) * width + x, inside, (y + 1 >= 0) & (y + 1 < height))  # long under way
        s, t = a[0] * a[0] + b[0] * b[0], a[1] * a[1] + b[1] * b[1]
        slopes = a, b, c, (tl.where(s > _FLAT, 1 / s, 0.0), tl.where(t > _FLAT, 1 / t, 0.0))
        now, sums_now = (), ()
        for step in tl.static_range(_STEPS):
            above, flow_above, slopes_above = behind[step]
            rate = tl.where(step < count, 1.0, 0.0)
            left_x, left_y = _from_left(dual[0], lane), _from_left(dual[1], lane)
            e_x, e_y = _descend(
                flow[0], flow[1], left_x, left_y, above[2], above[3], dual, slopes[0], slopes[1], slopes[2], slopes[3], limit, 0
            )
            o_x, o_y = _descend(
                flow[0], flow[1], left_x, left_y, above[2], above[3], dual, slopes[0], slopes[1], slopes[2], slopes[3], limit, 1
            )
            counted = (y - step >= begin_y) & (y - step < end_y)
            change = tl.where(own[0] & counted, e_x * e_x + e_y * e_y, 0.0)
            sums_now = sums_now + (changes[step] + change + tl.where(own[1] & counted, o_x * o_x + o_y * o_y, 0.0),)
            flow = (flow[0][0] + rate * e_x, flow[0][1] + rate * o_x), (flow[1][0] + rate * e_y, flow[1][1] + rate * o_y)
            at_below = (y - step - 1 >= 0) & (y - step - 1 < height - 1)
            first = _component(
                flow_above[0], flow[0], above[0], above[2], lane, at_right, at_below, tau * rate, tightness * rate
            )
            second = _component(
                flow_above[1], flow[1], above[1], above[3], lane, at_right, at_below, tau * rate, tightness * rate
            )
            now = now + ((dual, flow, slopes),)
            dual, flow, slopes = (first[0], second[0], first[1], second[1]), flow_above, slopes_above
        behind, changes = now, sums_now
        out = y - _STEPS
        shown = (out >= begin_y) & (out < end_y)
        i, mine = out * width + x, (own[0] & shown, own[1] & shown)
        _write(u_next, i, flow[0], mine)
        _write(u_next + area, i, flow[1], mine)
        for plane in tl.static_range(4):
            _write(p_next + plane * area, i, dual[plane], mine)
    for step in tl.static_range(_STEPS):
        change = tl.where(step < count, tl.sum(changes[step]), float("inf"))
        tl.store(sums + (pair * _STEPS + step) * programs + program, change)


@triton.jit
def _sort(a, b):
    return tl.minimum(a, b), tl.maximum(a, b)


@triton.jit
def _merge2(a0, a1, b0, b1):
    """Two sorted lists of two -> one; this and what follows is Batcher's odd-even merge, as in median.py."""
    first, m = _sort(a0, b0)
    n, last = _sort(a1, b1)
    m, n = _sort(n, m)
    return first, m, n, last


@triton.jit
def _merge5(a0, a1, a2, a3, a4, b0, b1, b2, b3, b4):
    """Two sorted lists of five -> one."""
    even = _merge2(a0, a4, b0, b4)
    low, high = _sort(a2, b2)
    e1, e2 = _sort(low, even[1])
    e3, e4 = _sort(high, even[2])
    odd = _merge2(a1, a3, b1, b3)
    c1, c2 = _sort(odd[0], e1)
    c3, c4 = _sort(odd[1], e2)
    c5, c6 = _sort(odd[2], e3)
    c7, c8 = _sort(odd[3], e4)
    return even[0], c1, c2, c3, c4, c5, c6, c7, c8, even[3]


@triton.jit
def _column(image, x, y, width, height, inside):
    """Five pixels around row y of column x, sorted; the border is repeated outside."""
    at = image + tl.minimum(tl.maximum(x, 0), width - 1)
    a, b = _sort(tl.load(at + tl.maximum(y - 2, 0) * width, inside), tl.load(at + tl.maximum(y - 1, 0) * width, inside))
    c = tl.load(at + y * width, inside)
    y_d, y_e = tl.minimum(y + 1, height - 1), tl.minimum(y + 2, height - 1)
    d, e = _sort(tl.load(at + y_d * width, inside), tl.load(at + y_e * width, inside))
    a, b, d, e = _merge2(a, b, d, e)
    a, c = _sort(a, c)
    b, c = _sort(b, c)
    c, d = _sort(c, d)
    d, e = _sort(d, e)
    return a, b, c, d, e


@triton.jit
def _columns(image, x, y, width, height, inside):
    """Ten pixels of column x and of that to its right, sorted."""
    a, b = _column(image, x, y, width, height, inside), _column(image, x + 1, y, width, height, inside)
    return _merge5(a[0], a[1], a[2], a[3], a[4], b[0], b[1], b[2], b[3], b[4])


@triton.jit(do_not_specialize=SIZES)
def _median(u, u_next, sums, state, active, width, height, programs, tolerance, PROGRAMS: tl.constexpr):
    """Median of 5x5 pixels of u (N, 2, HW), for those of the pairs `active` that go on; the memory of others changes sides."""
    pair = tl.load(active + tl.program_id(1) // 2)
    plane = 2 * pair + tl.program_id(1) % 2
    known = tl.load(state + pair)
    x, y, i, inside = _pixels(tl.program_id(0), width, height)
    u, u_next = u + plane * width * height, u_next + plane * width * height
    if known != _DONE:
        if (known == _RUNS) & (_converged(sums, pair, programs, tolerance, PROGRAMS) == 0):
            a, b = _columns(u, x - 2, y, width, height, inside), _columns(u, x + 1, y, width, height, inside)
            even = _merge5(a[0], a[2], a[4], a[6], a[8], b[0], b[2], b[4], b[6], b[8])
            odd = _merge5(a[1], a[3], a[5], a[7], a[9], b[1], b[3], b[5], b[7], b[9])
            s7, s8 = _sort(odd[3], even[4])  # of 20 sorted values, number 8 and 9; 13 is the median if the others are larger
            s9, s10 = _sort(odd[4], even[5])
            s11, s12 = _sort(odd[5], even[6])
            c = _column(u, x, y, width, height, inside)
            least = tl.minimum(tl.minimum(s12, tl.maximum(s11, c[0])), tl.minimum(tl.maximum(s10, c[1]), tl.maximum(s9, c[2])))
            least = tl.minimum(least, tl.minimum(tl.maximum(s8, c[3]), tl.maximum(s7, c[4])))
            tl.store(u_next + i, least, inside)
        else:
            tl.store(u + i, tl.load(u_next + i, inside), inside)


class BatchSolver:
    """Minimizes at one scale for `count` pairs at once; the counterpart of wstal.features.pixels.flow.Solver."""

    def __init__(self, count: int, height: int, width: int, settings: TVL1, device: torch.device):
        self.shape, self.settings, self.tolerance = (height, width), settings, settings.epsilon**2 * height * width
        self.us = list(torch.empty(2, count, 2, height, width, device=device))  # now, next
        self.ps = list(torch.empty(2, count, 4, height, width, device=device))  # along x of both components, along y
        self.linear = torch.empty(count, 3, height, width, device=device)  # ρ(u) = linear[2] + linear[:2] · u
        self.tiles = triton.cdiv(width, TILE[0]) * triton.cdiv(height, TILE[1])
        self.programs = triton.cdiv(width, COLUMNS) * triton.cdiv(height, ROWS)
        self.sums = list(torch.empty(2, count, STEPS, self.programs, device=device))
        self.states = list(torch.empty(2, count, dtype=torch.int32, device=device))

    @property
    def flow(self) -> Tensor:
        """The flow so far (N, 2, H, W), in pixels."""
        return self.us[0]

    def start(self, flow: Tensor, first: Tensor, images: Tensor) -> None:
        """Begin with flow (N, 2, H, W) in pixels, and with a dual variable of zero.

        first (N, 1, H, W), images (N, 3, H, W): the second frame and its gradient.
        """
        self.us[0].copy_(flow)
        self.ps[0].zero_()
        self.first, self.images = first.contiguous(), images.contiguous()

    def solve(self) -> None:
        """Warp the second frame by the flow and improve that."""
        height, width = self.shape
        _linearize[self.tiles, len(self.first)](self.us[0], self.first, self.images, self.linear, width, height, **BUILD)
        self.sums[0].fill_(float("inf"))
        self.states[0].fill_(RUNS)
        self.active = torch.arange(len(self.first), device=self.first.device)
        for _ in range(self.settings.outer):
            self._smooth()
            for launch, begin in enumerate(range(0, self.settings.inner, STEPS), start=1):
                self._step(min(STEPS, self.settings.inner - begin))
                if launch % CHECK == 0:
                    self.active = self.active[self.states[0][self.active] != DONE]
                    if not len(self.active):
                        return
        for _ in range(2):  # those that have just converged go back; then both memories hold every pair
            self._step(0)

    def _smooth(self) -> None:
        """The median filter."""
        memory = *self.us, self.sums[0], self.states[0], self.active
        launch = _median[self.tiles, 2 * len(self.active)]
        launch(*memory, *self.shape[::-1], self.programs, self.tolerance, PROGRAMS=self._padded(), **BUILD)
        self.us.reverse()

    def _step(self, steps: int) -> None:
        """So many iterations, up to STEPS."""
        s = self.settings
        memory = *self.us, *self.ps, self.linear, *self.sums, *self.states, self.active
        rates = self.tolerance, s.lambda_ * s.theta, s.tau, s.tau / s.theta
        launch = _iterate[self.programs, len(self.active)]
        launch(*memory, *self.shape[::-1], self.programs, steps, *rates, PROGRAMS=self._padded(), **WALK)
        for pair in (self.us, self.ps, self.sums, self.states):
            pair.reverse()

    def _padded(self) -> int:
        return triton.next_power_of_2(self.programs)
