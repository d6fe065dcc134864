"""TV-L1: known motions, what must not change a flow, any size, and the forms that networks take."""

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from wstal.base.errors import UserError
from wstal.features.pixels import flow as module
from wstal.features.pixels.flow import quantize, truncate, tvl1
from wstal.features.pixels.tvl1 import BOUND, LEVELS, OPENCV, TVL1


def texture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """(H, W) float32 between 0 and 255, smooth over about eight pixels."""
    noise = torch.rand(1, 1, height // 8 + 2, width // 8 + 2, generator=torch.Generator().manual_seed(seed))
    smooth = interpolate(noise, (height, width), mode="bicubic")[0, 0]
    return (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 255


def moved(x: int, y: int, height: int = 60, width: int = 72, seed: int = 0) -> torch.Tensor:
    """(2, H, W): a picture, and the same moved by x to the right and y down."""
    wide = texture(height + 20, width + 20, seed)
    return torch.stack([wide[10 - v : 10 - v + height, 10 - u : 10 - u + width] for u, v in ((0, 0), (x, y))])


def flow(pair: torch.Tensor, **changes) -> torch.Tensor:
    """(2, H, W)."""
    return tvl1(pair[:1], pair[1:], settings=msgspec.structs.replace(OPENCV, **changes))[0]


@pytest.mark.parametrize(("x", "y"), [(1, 0), (0, -2), (3, 1), (-5, 4)])
def test_a_moved_picture_has_that_flow(x, y):
    inner = flow(moved(x, y))[:, 10:-10, 10:-10]
    torch.testing.assert_close(inner.mean((1, 2)), torch.tensor([x, y], dtype=torch.float32), atol=0.02, rtol=0)
    assert (inner - torch.tensor([x, y])[:, None, None]).norm(dim=0).max() < 0.2


def test_large_motion_needs_the_pyramid():
    target = torch.tensor([-5.0, 4.0])[:, None, None]
    errors = [(flow(moved(-5, 4), scales=scales)[:, 10:-10, 10:-10] - target).norm(dim=0).mean() for scales in (1, 5)]
    assert errors[0] > 1 > 0.05 > errors[1]


def test_nothing_moves():
    still = texture(41, 50).expand(2, -1, -1)
    assert flow(still).eq(0).all()


def test_flat_frames_of_other_brightness_do_not_move():
    assert flow(torch.tensor([100.0, 120.0])[:, None, None].expand(-1, 30, 40)).eq(0).all()


def test_outside_of_the_second_frame_is_black():
    """A brighter picture has a higher border, but the same motion inside."""
    pair = moved(2, 1) / 2
    difference = (flow(pair) - flow(pair + 100)).norm(dim=0)
    assert difference[12:-12, 12:-12].mean() < 0.01 < 0.1 < difference.max()


def test_contrast_and_data_weight_are_one():
    pair = moved(2, -1) / 4
    torch.testing.assert_close(flow(pair * 2), flow(pair, lambda_=2 * OPENCV.lambda_), atol=1e-3, rtol=0)


def test_transposed_frames_have_the_transposed_flow():
    pair = moved(1, 3)
    torch.testing.assert_close(flow(pair.mT), flow(pair).flip(0).mT, atol=1e-2, rtol=0)


def test_a_smaller_data_weight_gives_a_smoother_flow():
    pair = moved(2, 1) + 20 * torch.randn(2, 60, 72, generator=torch.Generator().manual_seed(1))
    rough, smooth = (flow(pair, lambda_=weight).diff(dim=2).abs().mean() for weight in (0.5, 0.02))
    assert smooth < rough / 2


@pytest.mark.parametrize("threads", [1, 3])
def test_pairs_and_threads_do_not_matter(threads):
    pairs = torch.stack([moved(x, y, 33, 47, seed) for seed, (x, y) in enumerate([(1, 0), (4, -3), (0, 0), (-2, 2)])])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        together = tvl1(pairs[:, 0], pairs[:, 1], settings=OPENCV)
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(together, torch.stack([flow(pair) for pair in pairs]))


def test_types_of_frames_do_not_matter():
    pair = moved(2, 1, 33, 47).round()
    results = [flow(pair.to(dtype)) for dtype in (torch.uint8, torch.float32, torch.float64)]
    assert all(result.dtype == torch.float32 and torch.equal(result, results[0]) for result in results)


def test_frames_are_left_as_they_were():
    pair = moved(2, 1, 33, 47)
    copy = pair.clone()
    flow(pair)
    assert torch.equal(pair, copy)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (6, 1), (15, 40), (19, 20), (33, 21)])
def test_any_size(shape):
    pair = torch.rand(2, *shape, generator=torch.Generator().manual_seed(0)) * 255
    result = flow(pair)
    assert result.shape == (2, *shape) and result.isfinite().all()


def test_the_pyramid_of_the_usual_frame_and_of_small_ones():
    def shapes(height, width):
        pairs = torch.empty(1, 2, height, width)
        return [solver.shape for solver in module._solvers(module.Solver, pairs, OPENCV)]

    assert shapes(256, 340) == [(256, 340), (205, 272), (164, 218), (131, 174), (105, 139)]
    assert shapes(20, 40) == [(20, 40), (16, 32)]
    assert shapes(19, 40) == [(19, 40)] and shapes(3, 5) == [(3, 5)]


def test_no_pairs():
    assert tvl1(torch.empty(0, 5, 6), torch.empty(0, 5, 6), settings=OPENCV).shape == (0, 2, 5, 6)


@pytest.mark.parametrize("shapes", [((2, 5, 6), (3, 5, 6)), ((5, 6), (5, 6)), ((1, 0, 6), (1, 0, 6))])
def test_frames_that_do_not_fit(shapes):
    with pytest.raises(UserError, match="give two batches of one shape"):
        tvl1(*map(torch.zeros, shapes), settings=OPENCV)


def test_settings_have_the_papers_names():
    assert msgspec.to_builtins(OPENCV)["lambda"] == 0.15
    with pytest.raises(msgspec.ValidationError, match="tau"):
        msgspec.convert(msgspec.to_builtins(OPENCV) | {"tau": 0.0}, TVL1)


def test_levels_of_known_flows():
    pixels = torch.tensor([-99.0, -20.0, -10.0, 0.0, 0.1, 20.0, float("inf")])
    assert quantize(pixels).tolist() == [0, 0, 64, 128, 128, 255, 255]
    assert quantize(pixels).dtype == torch.uint8
    assert truncate(pixels).tolist() == [-1, -1, -0.5, 0, pytest.approx(0.005), 1, 1]


def pixels_of(levels):
    """The flow that 8-bit levels stand for."""
    return levels.float() * (2 * BOUND / LEVELS) - BOUND


def test_all_levels_come_back():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(quantize(pixels_of(levels)), levels)
    assert pixels_of(levels)[[0, 255]].tolist() == [-20, 20]


@given(st.floats(-20, 20, width=32))
def test_levels_lose_half_a_step(pixels):
    assert abs(pixels_of(quantize(torch.tensor([pixels])))[0] - pixels) <= 20 / 255 + 1e-5


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_gives_the_flow_of_the_cpu():
    pairs = torch.stack([moved(x, y, seed=seed) for seed, (x, y) in enumerate([(1, 0), (4, -3), (0, 0), (-2, 2)])])
    on_cpu = tvl1(pairs[:, 0], pairs[:, 1], settings=OPENCV)
    on_gpu = tvl1(pairs[:, 0].cuda(), pairs[:, 1].cuda(), settings=OPENCV)
    alone = torch.cat([tvl1(pair[:1].cuda(), pair[1:].cuda(), settings=OPENCV) for pair in pairs])
    assert torch.equal(on_gpu, alone)
    assert (on_gpu.cpu() - on_cpu).norm(dim=1).mean() < 0.01
    assert np.isfinite(on_gpu.cpu().numpy()).all()
