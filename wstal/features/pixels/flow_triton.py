"""TV-L1 on CUDA devices: all pairs at once, one kernel an iteration. wstal/features/pixels/flow.py says what is computed.

A kernel reads the flow u and the dual variable p of one iteration and writes those of the next, so that memory is passed
once: a program computes u of its pixels, and again that of their neighbours to the right and below, which p needs. Pairs
stop on their own, and the host is not asked: programs read what the pair's flow changed in the iteration before, one
partial sum a program, always added in one order. A pair that has converged copies its state once, so that both memories
hold it, then its programs return at once. Every CHECK iterations the host looks which pairs still run and launches programs
for these alone: where a film cuts from shot to shot, one pair of many takes all the iterations that there are.
"""

from itertools import chain

import torch
import triton
import triton.language as tl
from torch import Tensor

from wstal.features.pixels.tvl1 import FLAT, Settings

TILE = 32, 16  # columns and rows a program
BUILD = {"num_warps": 8, "enable_fp_fusion": True}  # two pixels a thread, 80 registers on compute capability 9.0
SIZES = ["width", "height", "tiles"]  # one kernel serves frames of all sizes
CHECK = 10  # iterations between two looks of the host; even, so that it always looks at the same half of the memory
COPIED = -1.0  # in place of a sum: the pair has converged and both memories hold it

_FLAT = tl.constexpr(FLAT)
_COPIED = tl.constexpr(COPIED)
_COLUMNS = tl.constexpr(TILE[0])
_ROWS = tl.constexpr(TILE[1])


@triton.jit
def _error(sums, pair, tiles, TILES: tl.constexpr):
    """What the flow of a pair changed in the iteration before: sum of squares. TILES is a power of two."""
    k = tl.arange(0, TILES)
    return tl.sum(tl.load(sums + pair * tiles + k, k < tiles, 0.0))


@triton.jit
def _pixels(tile, width, height):
    """Columns, rows and indices of the program's pixels, and whether they lie in the image."""
    k, across = tl.arange(0, _COLUMNS * _ROWS), tl.cdiv(width, _COLUMNS)
    x, y = tile % across * _COLUMNS + k % _COLUMNS, tile // across * _ROWS + k // _COLUMNS
    return x, y, y * width + x, (x < width) & (y < height)


@triton.jit
def _flow_change(u, p, linear, i, x, width, area, limit, inside):
    """Flow at pixels i and its change by one iteration, zero where not inside."""
    u_x, u_y = tl.load(u + i, inside, 0.0), tl.load(u + area + i, inside, 0.0)
    slope_x, slope_y = tl.load(linear + i, inside, 0.0), tl.load(linear + area + i, inside, 0.0)
    rho = tl.load(linear + 2 * area + i, inside, 0.0) + slope_x * u_x + slope_y * u_y
    squared = slope_x * slope_x + slope_y * slope_y
    step = tl.where(squared > _FLAT, tl.minimum(tl.maximum(rho / tl.maximum(squared, _FLAT), -limit), limit), 0.0)
    left, above = inside & (x > 0), inside & (i >= width)
    change_x = tl.load(p + i, inside, 0.0) - tl.load(p + i - 1, left, 0.0)
    change_y = tl.load(p + area + i, inside, 0.0) - tl.load(p + area + i - 1, left, 0.0)
    p += 2 * area
    change_x += tl.load(p + i, inside, 0.0) - tl.load(p + i - width, above, 0.0)
    change_y += tl.load(p + area + i, inside, 0.0) - tl.load(p + area + i - width, above, 0.0)
    return u_x, u_y, change_x - step * slope_x, change_y - step * slope_y


@triton.jit
def _ascend(p, p_next, i, area, right, below, tau, tightness, inside):
    """The dual variable of one component of the flow, from that component's forward differences."""
    norm = 1 + tightness * tl.sqrt(right * right + below * below)
    tl.store(p_next + i, (tl.load(p + i, inside) + tau * right) / norm, inside)
    tl.store(p_next + 2 * area + i, (tl.load(p + 2 * area + i, inside) + tau * below) / norm, inside)


@triton.jit(do_not_specialize=SIZES)
def _iterate(
    u, u_next, p, p_next, linear, sums, sums_next, active,
    width, height, tiles, tolerance, limit, tau, tightness, TILES: tl.constexpr,
):  # fmt: skip
    """One iteration of the pairs `active`: u (N, 2, HW), p (N, 4, HW), linear (N, 3, HW) and sums (N, tiles)."""
    tile, pair, area = tl.program_id(0), tl.load(active + tl.program_id(1)), width * height
    error = _error(sums, pair, tiles, TILES)
    x, y, i, inside = _pixels(tile, width, height)
    u, u_next, linear = u + pair * 2 * area, u_next + pair * 2 * area, linear + pair * 3 * area
    p, p_next = p + pair * 4 * area, p_next + pair * 4 * area
    result = _COPIED
    if error > tolerance:
        u_x, u_y, change_x, change_y = _flow_change(u, p, linear, i, x, width, area, limit, inside)
        result = tl.sum(tl.where(inside, change_x * change_x + change_y * change_y, 0.0))
        u_x, u_y = u_x + change_x, u_y + change_y
        tl.store(u_next + i, u_x, inside)
        tl.store(u_next + area + i, u_y, inside)
        at_right, at_below = inside & (x < width - 1), inside & (y < height - 1)
        a, b, da, db = _flow_change(u, p, linear, i + 1, x + 1, width, area, limit, at_right)
        right_x, right_y = tl.where(at_right, a + da - u_x, 0.0), tl.where(at_right, b + db - u_y, 0.0)
        a, b, da, db = _flow_change(u, p, linear, i + width, x, width, area, limit, at_below)
        below_x, below_y = tl.where(at_below, a + da - u_x, 0.0), tl.where(at_below, b + db - u_y, 0.0)
        _ascend(p, p_next, i, area, right_x, below_x, tau, tightness, inside)
        _ascend(p + area, p_next + area, i, area, right_y, below_y, tau, tightness, inside)
    elif error >= 0:
        for plane in tl.static_range(2):
            tl.store(u_next + plane * area + i, tl.load(u + plane * area + i, inside), inside)
        for plane in tl.static_range(4):
            tl.store(p_next + plane * area + i, tl.load(p + plane * area + i, inside), inside)
    tl.store(sums_next + pair * tiles + tile, result)


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
def _median(u, u_next, sums, active, width, height, tiles, tolerance, TILES: tl.constexpr):
    """Median of 5x5 pixels of u (N, 2, HW), for those of the pairs `active` that have not converged."""
    plane = 2 * tl.load(active + tl.program_id(1) // 2) + tl.program_id(1) % 2
    error = _error(sums, plane // 2, tiles, TILES)
    x, y, i, inside = _pixels(tl.program_id(0), width, height)
    u, u_next = u + plane * width * height, u_next + plane * width * height
    if error > tolerance:
        a, b = _columns(u, x - 2, y, width, height, inside), _columns(u, x + 1, y, width, height, inside)
        even = _merge5(a[0], a[2], a[4], a[6], a[8], b[0], b[2], b[4], b[6], b[8])
        odd = _merge5(a[1], a[3], a[5], a[7], a[9], b[1], b[3], b[5], b[7], b[9])
        s7, s8 = _sort(odd[3], even[4])  # of 20 sorted values, number 8 and 9; 13 is the median if the others are larger
        s9, s10 = _sort(odd[4], even[5])
        s11, s12 = _sort(odd[5], even[6])
        c = _column(u, x, y, width, height, inside)
        median = tl.minimum(tl.minimum(s12, tl.maximum(s11, c[0])), tl.minimum(tl.maximum(s10, c[1]), tl.maximum(s9, c[2])))
        median = tl.minimum(median, tl.minimum(tl.maximum(s8, c[3]), tl.maximum(s7, c[4])))
        tl.store(u_next + i, median, inside)
    elif error >= 0:
        tl.store(u_next + i, tl.load(u + i, inside), inside)


class BatchSolver:
    """Minimizes at one scale for `count` pairs at once; the counterpart of wstal.features.pixels.flow.Solver."""

    def __init__(self, count: int, height: int, width: int, settings: Settings, device: torch.device):
        area = height * width
        self.shape, self.settings, self.tolerance = (height, width), settings, settings.epsilon**2 * area
        self.us = list(torch.empty(2, count, 2, height, width, device=device))  # now, next
        self.ps = list(torch.empty(2, count, 4, height, width, device=device))  # along x of both components, along y
        self.linear = torch.empty(count, 3, height, width, device=device)  # ρ(u) = linear[2] + linear[:2] · u
        self.tiles = triton.cdiv(width, TILE[0]) * triton.cdiv(height, TILE[1])
        self.tiles_padded = triton.next_power_of_2(self.tiles)
        self.sums = list(torch.empty(2, count, self.tiles, device=device))

    @property
    def flow(self) -> Tensor:
        """The flow so far (N, 2, H, W), in pixels."""
        return self.us[0]

    def start(self, flow: Tensor) -> None:
        """Begin with flow (N, 2, H, W) in pixels, and with a dual variable of zero."""
        self.us[0].copy_(flow)
        self.ps[0].zero_()

    def solve(self, first: Tensor, warped: Tensor) -> None:
        """Improve the flow for first (N, H, W) and the second frame with its gradient at this flow, (N, 3, H, W)."""
        self.linear[:, :2] = warped[:, 1:]
        self.linear[:, 2] = warped[:, 0] - first - (warped[:, 1:] * self.flow).sum(1)
        self.sums[0].fill_(float("inf"))
        self.active = torch.arange(len(first), device=first.device)
        for _ in range(self.settings.outer):
            self._smooth()
            for k in range(1, self.settings.inner + 1):
                self._step()
                if k % CHECK == 0:
                    self.active = (self.sums[0][:, 0] != COPIED).nonzero()[:, 0]
                    if not len(self.active):
                        return

    def _smooth(self) -> None:
        """The median filter."""
        height, width = self.shape
        sizes = width, height, self.tiles
        launch = _median[self.tiles, 2 * len(self.active)]
        launch(*self.us, self.sums[0], self.active, *sizes, self.tolerance, TILES=self.tiles_padded, **BUILD)
        self.us.reverse()

    def _step(self) -> None:
        """One iteration."""
        s, (height, width) = self.settings, self.shape
        sizes, rates = (width, height, self.tiles), (self.tolerance, s.lambda_ * s.theta, s.tau, s.tau / s.theta)
        launch = _iterate[self.tiles, len(self.active)]
        memory = self.us, self.ps, [self.linear], self.sums, [self.active]
        launch(*chain(*memory), *sizes, *rates, TILES=self.tiles_padded, **BUILD)
        for pair in (self.us, self.ps, self.sums):
            pair.reverse()
