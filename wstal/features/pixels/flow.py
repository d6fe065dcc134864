"""TV-L1 optical flow for batches of frame pairs, on the CPU and on the GPU, and its form as input of two-stream networks.

C. Zach, T. Pock, H. Bischof: A duality based approach for realtime TV-L1 optical flow, DAGM 2007. J. Sánchez Pérez,
E. Meinhardt-Llopis, G. Facciolo: TV-L1 optical flow estimation, IPOL 2013.

A flow u minimizes its total variation plus λ times the absolute difference between the first frame and the second frame
warped by u. The difference is linearized about the flow so far; a copy v of u, tied to it by θ, splits the problem into one
that is solved pixel by pixel and one that Chambolle's dual projection solves. Coarse scales come first.

symbol   meaning                                   shape            here
u        flow in pixels, x then y                  (2, H W)         Solver.u, .flow
p        dual variable of u, here times θ          (2, 2, H W)      Solver.p: along x and along y, of both components
∇I       gradient of the warped second frame       (2, H W)         Solver.gradient
ρ(u)     linearized difference of the frames       (H W)            |∇I|² (offset + slope · u)
τ, λ, θ  time step, data weight, tightness         scalars          TVL1.tau, .lambda_, .theta
ε        stops when the mean squared change ≤ ε²   scalar           TVL1.epsilon

One iteration: v = u - ∇I clamp(ρ(u) / |∇I|², ±λθ); u = v + θ div p; p = (p + τ/θ ∇u) / (1 + τ/θ |∇u|), with forward
differences in ∇u and backward ones in div p.

OpenCV's DualTVL1OpticalFlow, which made most published flow features, differs from the authors' code of IPOL 2013:
1. Frames are neither smoothed nor normalized, and the pyramid is bilinear, in steps of 0.8.
2. A 5x5 median filter smooths the flow before every `inner` iterations, up to `outer` times a linearization.
Ours follows OpenCV and differs in rounding alone: sums in another order may stop an iteration sooner or later.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from queue import SimpleQueue
from threading import Barrier, Lock

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, pad

from wstal.base.errors import UserError
from wstal.features.pixels.median import Median
from wstal.features.pixels.tvl1 import BOUND, FLAT, LEVELS, MIN_SIZE, TVL1

_POOLS = Lock()


def tvl1(first: Tensor, second: Tensor, *, settings: TVL1) -> Tensor:
    """Flow (N, 2, H, W) float32 in pixels, x then y, that leads from first to second, (N, H, W).

    Frames are grey: uint8, or floating point in the same range of 0 to 255. A pair's flow depends on no other pair and not
    on the number of threads. CUDA devices that have Triton compute all pairs at once, which pays from about a hundred
    pairs on; the CPU takes as many pairs at a time as torch.get_num_threads() says.

    Raises:
        UserError: first and second differ in shape, or are no pictures.
    """
    if first.shape != second.shape or first.ndim != 3 or 0 in first.shape[1:]:
        raise UserError(f"frames are {tuple(first.shape)} and {tuple(second.shape)}; give two batches of one shape, (N, H, W).")
    pairs = torch.stack((first, second), 1)
    if not len(pairs):
        return pairs.float()
    if pairs.is_cuda and find_spec("triton"):
        from wstal.features.pixels.flow_triton import BatchSolver

        with torch.cuda.device(pairs.device):  # kernels start on the current one
            return _coarse_to_fine(pairs, _solvers(BatchSolver, pairs, settings), settings)
    return _one_by_one(pairs, settings)


def truncate(flow: Tensor) -> Tensor:
    """Flow in pixels (...) -> I3D's flow input (...): cut off at ±BOUND, then [-1, 1]."""
    return flow.clamp(-BOUND, BOUND) / BOUND


def quantize(flow: Tensor) -> Tensor:
    """Flow in pixels (...) -> (...) uint8 as two-stream networks store it: cut off at ±BOUND, then 0 to 255, halves to even.

    Level k stands for a flow of k * 2 * BOUND / LEVELS - BOUND pixels, within BOUND / LEVELS = 0.078 pixels.
    """
    return ((truncate(flow) + 1) * (LEVELS / 2)).round().to(torch.uint8)


def _one_by_one(pairs: Tensor, settings: TVL1) -> Tensor:
    """Flow (N, 2, H, W) of pairs (N, 2, H, W), each by one thread: threads within operations would wait at every one."""
    batches, threads = pairs.split(1), torch.get_num_threads()
    idle: SimpleQueue[list[Solver]] = SimpleQueue()

    def flow(batch: Tensor) -> Tensor:
        solvers = idle.get()
        try:
            return _coarse_to_fine(batch, solvers, settings)
        finally:
            idle.put(solvers)

    for _ in range(min(threads, len(batches))):
        idle.put(_solvers(Solver, batches[0], settings))
    with _POOLS:
        pool = _pool(threads)
    return torch.cat(list(pool.map(flow, batches)))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """So many threads, in each of which torch's operations stay; all calls of tvl1 share them."""
    pool, started = ThreadPoolExecutor(threads), Barrier(threads + 1)

    def start() -> None:
        torch.set_num_threads(1)
        started.wait()  # so that each of the threads starts here once

    for _ in range(threads):
        pool.submit(start)
    started.wait()
    torch.set_num_threads(threads)  # set by a thread for itself and for threads to come: these shall not have one
    return pool


def _solvers(solver_class: type, pairs: Tensor, settings: TVL1) -> list:
    """One for every scale of the pyramid, the finest first."""
    shapes = [tuple(pairs.shape[2:])]
    while len(shapes) < settings.scales:
        shape = tuple(round(length * settings.scale_step) for length in shapes[-1])
        if min(shape) < MIN_SIZE:
            break
        shapes.append(shape)
    return [solver_class(len(pairs), *shape, settings, pairs.device) for shape in shapes]


@torch.no_grad()
def _coarse_to_fine(pairs: Tensor, solvers: list, settings: TVL1) -> Tensor:
    """Flow (N, 2, H, W) of pairs (N, 2, H, W), with one solver for each scale."""
    pyramid = [pairs.to(torch.float32)]
    for solver in solvers[1:]:
        pyramid.append(_resize(pyramid[-1], solver.shape, 1 / settings.scale_step))
    flow = torch.zeros_like(pyramid[-1])
    for solver, frames in zip(solvers[::-1], pyramid[::-1], strict=True):
        flow = _resize(flow, solver.shape) / settings.scale_step
        first, second = frames.split(1, dim=1)
        solver.start(flow, first, torch.cat((second, _central_gradient(second)), 1))
        for _ in range(settings.warps):
            solver.solve()
        flow = solver.flow
    return flow.clone()  # solvers keep their memory for the next pairs


def _resize(images: Tensor, shape: tuple[int, int], step: float | None = None) -> Tensor:
    """Bilinear (N, K, *shape); pixels' centres lie `step` old pixels apart, by default as far as both shapes say."""
    for dim, length in zip((2, 3), shape, strict=True):
        old = images.shape[dim]
        centres = (torch.arange(length, device=images.device) + 0.5) * (step or old / length) - 0.5
        centres = centres.clamp(0, old - 1)
        low = centres.long()
        weight = (centres - low).view(-1, *[1] * (3 - dim))
        images = torch.lerp(images.index_select(dim, low), images.index_select(dim, (low + 1).clamp(max=old - 1)), weight)
    return images


def _central_gradient(image: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, 2, H, W): half the difference of the neighbours along x and y, the border repeated."""
    wide, high = pad(image, (1, 1, 0, 0), mode="replicate"), pad(image, (0, 0, 1, 1), mode="replicate")
    return torch.cat((wide[..., 2:] - wide[..., :-2], high[..., 2:, :] - high[..., :-2, :]), 1) / 2


def _to_powers_of_two(images: Tensor) -> Tensor:
    """Zeros to the right and below: grid_sample's coordinates, shares of the size, are rounded for other sizes."""
    rows, columns = (1 << (length - 1).bit_length() for length in images.shape[2:])
    return pad(images, (0, columns - images.shape[3], 0, rows - images.shape[2]))


def _warp(images: Tensor, flow: Tensor) -> Tensor:
    """images (N, K, 2^a, 2^b) at x + flow (N, 2, H, W), bicubic, zero outside; exact where a pixel is met."""
    (height, width), (rows, columns) = flow.shape[2:], images.shape[2:]
    x = (torch.arange(width, device=flow.device) + flow[:, 0] + 0.5) * (2 / columns) - 1
    y = (torch.arange(height, device=flow.device)[:, None] + flow[:, 1] + 0.5) * (2 / rows) - 1
    return grid_sample(images, torch.stack((x, y), -1), mode="bicubic", padding_mode="zeros", align_corners=False)


class Solver:
    """Minimizes at one scale, one pair at a time, by in-place torch operations on flat memory that is kept for all pairs.

    In a flat image the pixel to the left is one before, that above is `width` before. At the border this reaches the last
    column of the row above, or zeros in front of the first row: there the dual variable is zero, as it should be outside.
    """

    def __init__(self, count: int, height: int, width: int, settings: TVL1, device: torch.device):
        area = height * width
        self.shape, self.settings = (height, width), settings
        self.tolerance = settings.epsilon**2 * area
        flow, dual = torch.zeros(2, area + width, device=device), torch.zeros(2, 2, width + area, device=device)
        self.u, self.right, self.below = flow[:, :area], flow[:, 1 : area + 1], flow[:, width:]
        self.p, self.left, self.above = dual[..., width:], dual[0, :, width - 1 : -1], dual[1, :, :area]
        self.forward = torch.empty(2, 2, area, device=device)  # gradient of the flow: along x and along y
        self.last = self.forward[0].view(2, height, width)[..., -1], self.forward[1, :, -width:]
        self.change, self.norm = torch.empty(2, 2, area, device=device)
        self.residual, self.one = torch.empty(area, device=device), torch.ones((), device=device)
        self.median = Median(2, height, width, device)
        self.flow = self.u.view(count, 2, height, width)

    def start(self, flow: Tensor, first: Tensor, images: Tensor) -> None:
        """Begin with flow (1, 2, H, W) in pixels, and with a dual variable of zero.

        first (1, 1, H, W), images (1, 3, H, W): the second frame and its gradient.
        """
        self.flow.copy_(flow)
        self.p.zero_()
        self.first, self.images = first[0, 0], _to_powers_of_two(images)

    def solve(self) -> None:
        """Warp the second frame by the flow and improve that."""
        warped = _warp(self.images, self.flow)
        self.gradient = warped[0, 1:].flatten(1)
        difference = (warped[0, 0] - self.first).flatten() - (self.gradient * self.u).sum(0)
        squared = self.gradient.square().sum(0)
        inverse = torch.where(squared > FLAT, 1 / squared, 0)
        self.slope, self.offset = self.gradient * inverse, difference * inverse  # ρ(u) / |∇I|² = offset + slope · u
        for _ in range(self.settings.outer):
            self.flow.copy_(self.median(self.flow[0])[None])
            for _ in range(self.settings.inner):
                if self._step() <= self.tolerance:
                    return

    def _step(self) -> float:
        """One iteration; the sum of squares of the flow's change."""
        tau, theta, limit = self.settings.tau, self.settings.theta, self.settings.lambda_ * self.settings.theta
        u, p, forward, norm, change = self.u, self.p, self.forward, self.norm, self.change
        residual = torch.addcmul(self.offset, self.slope[0], u[0], out=self.residual)
        residual.addcmul_(self.slope[1], u[1]).clamp_(-limit, limit)
        torch.sub(p[0], self.left, out=change).add_(p[1]).sub_(self.above)  # θ div p
        u.add_(change.addcmul_(residual, self.gradient, value=-1))
        torch.sub(self.right, u, out=forward[0])
        torch.sub(self.below, u, out=forward[1])
        for edge in self.last:
            edge.zero_()
        torch.mul(forward[0], forward[0], out=norm).addcmul_(forward[1], forward[1]).sqrt_()
        p.add_(forward, alpha=tau).div_(torch.add(self.one, norm, alpha=tau / theta, out=norm))
        return torch.dot(change.view(-1), change.view(-1)).item()
