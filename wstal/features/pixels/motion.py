"""RGB frames -> optical flow as two-stream networks see it, while a video is decoded."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from wstal.base import seeding
from wstal.features.pixels.flow import quantize, tvl1
from wstal.features.pixels.tvl1 import OPENCV

LUMA = (0.299, 0.587, 0.114)  # grey of red, green and blue: ITU-R BT.601, as OpenCV converts
GPU_SHARE = 12  # pairs that are computed at once fill one in so many parts of a GPU's memory: a thread decodes each file
PIXEL_BYTES = 240  # of a GPU's memory that a pixel of a pair takes, all scales together


def flow_images(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 -> as many pictures (H, W, 2) uint8: TV-L1 flow to the next frame, x then y, within ±20 pixels.

    The last frame has no next one and repeats the flow before it, as if the video went on. Runs on a GPU where there is one.
    """
    device = seeding.device()
    first, picture = next(frames, None), None
    if first is None:
        return
    count = at_once(device, *first.shape[:2])
    while block := list(islice(frames, count)):
        grey = torch.stack([luma(frame) for frame in (first, *block)]).to(device)
        pictures = quantize(tvl1(grey[:-1], grey[1:], settings=OPENCV)).permute(0, 2, 3, 1).cpu().numpy()
        yield from pictures
        picture = pictures[-1]
        first = block[-1]
    yield quantize(torch.zeros(*first.shape[:2], 2)).numpy() if picture is None else picture


def at_once(device: torch.device, height: int, width: int) -> int:
    """Pairs that a call of `tvl1` gets: hundreds on a GPU, as its memory allows; on a CPU one a thread."""
    if device.type != "cuda":
        return torch.get_num_threads()
    memory = torch.cuda.get_device_properties(device).total_memory
    return max(1, memory // GPU_SHARE // (PIXEL_BYTES * height * width))


def luma(frame: np.ndarray) -> Tensor:
    """RGB frame (H, W, 3) uint8 -> grey (H, W) uint8."""
    return (torch.from_numpy(frame).float() @ torch.tensor(LUMA)).round().to(torch.uint8)
