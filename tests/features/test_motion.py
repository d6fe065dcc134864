"""Frames of a video to pictures of flow: as many, each to the next frame, whatever is computed at once."""

import numpy as np
import pytest
import torch

from wstal.features.pixels.flow import quantize, tvl1
from wstal.features.pixels.motion import flow_images, luma
from wstal.features.pixels.tvl1 import BOUND, LEVELS, OPENCV


def moving(count, step=2):
    """A smooth pattern that moves `step` pixels to the right from frame to frame."""
    x, y = np.meshgrid(np.arange(64.0), np.arange(48.0))
    for i in range(count):
        grey = 128 + 60 * np.sin((x - step * i) / 5) + 60 * np.cos(y / 4)
        yield np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def test_pictures_are_the_flow_of_neighbouring_frames():
    frames, pictures = list(moving(5)), list(flow_images(moving(5)))
    assert [(picture.shape, picture.dtype) for picture in pictures] == [((48, 64, 2), np.uint8)] * 5
    for first, second, picture in zip(frames, frames[1:], pictures, strict=False):
        flow = tvl1(luma(first)[None], luma(second)[None], settings=OPENCV)
        assert np.array_equal(picture, quantize(flow)[0].permute(1, 2, 0).numpy())
    x, y = (pictures[0][8:-8, 8:-8] * (2 * BOUND / LEVELS) - BOUND).mean((0, 1))
    assert x == pytest.approx(2, abs=0.2) and y == pytest.approx(0, abs=0.2)
    assert np.array_equal(pictures[-1], pictures[-2])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_is_computed_at_once_does_not_matter(threads, monkeypatch):
    alone = list(flow_images(moving(6)))
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert all(np.array_equal(a, b) for a, b in zip(alone, flow_images(moving(6)), strict=True))


def test_one_frame_shows_no_motion_and_none_none():
    assert np.all(next(flow_images(moving(1))) == 128)
    assert list(flow_images(iter(()))) == []


def test_grey_is_that_of_opencv():
    """Values of cv2.cvtColor for pure colours and white."""
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]], np.uint8)
    assert luma(colours).tolist() == [[76, 150, 29, 255]]
