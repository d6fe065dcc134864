"""RGB frames -> optical flow as two-stream networks see it, while a video is decoded."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wstal.base import seeding
from wstal.features.pixels.flow import quantize, tvl1
from wstal.features.pixels.tvl1 import OPENCV

LUMA = (0.299, 0.587, 0.114)  # grey of red, green and blue: ITU-R BT.601, as OpenCV converts
GPU_SHARE = 12  # pairs that are computed at once fill one in so many parts of a GPU's memory: a thread decodes each file
BLOCK_F = 64  # frames that become grey at once
PIXEL_BYTES = 240  # of a GPU's memory that a pixel of a pair takes, all scales together


def flow_images(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 -> as many pictures (H, W, 2) uint8: TV-L1 flow to the next frame, x then y, within ±20 pixels.

    The last frame has no next one and repeats the flow before it, as if the video went on. Runs on a GPU where there is one,
    and leaves the pictures there, as tensors.
    """
    device = seeding.device()
    first, picture = next(frames, None), None
    if first is None:
        return
    count = at_once(device, *first.shape[:2])
    compute: Callable[[list[np.ndarray]], Any] = on_gpu(device) if device.type == "cuda" else on_cpu
    while block := list(islice(frames, count)):
        pictures = compute([first, *block])
        yield from pictures
        picture = pictures[-1]
        first = block[-1]
    yield quantize(torch.zeros(*first.shape[:2], 2)).numpy() if picture is None else picture


def on_cpu(frames: list[np.ndarray]) -> np.ndarray:
    """Frames (H, W, 3) uint8 -> the flow from each to the next one, (N - 1, H, W, 2) uint8."""
    grey = torch.stack([luma(frame) for frame in frames])
    return quantize(tvl1(grey[:-1], grey[1:], settings=OPENCV)).permute(0, 2, 3, 1).numpy()


def on_gpu(device: torch.device) -> Callable[[list[np.ndarray]], Tensor]:
    """As `on_cpu`, frames (H, W, 3) on a GPU, in a queue of its own beside those of other files and of the network."""
    queue = torch.cuda.Stream(device)

    def compute(frames: list[np.ndarray]) -> Tensor:
        shape = len(frames), *frames[0].shape
        host = torch.empty(shape, dtype=torch.uint8, pin_memory=True)
        np.stack(frames, out=host.numpy())
        with torch.cuda.stream(queue), torch.inference_mode():
            grey = torch.cat([grey_of(some) for some in host.to(device, non_blocking=True).split(BLOCK_F)])
            pictures = quantize(tvl1(grey[:-1], grey[1:], settings=OPENCV)).permute(0, 2, 3, 1).contiguous()
        queue.synchronize()
        pictures.record_stream(torch.cuda.default_stream(device))  # whose network reads them
        return pictures

    return compute


def grey_of(frames: Tensor) -> Tensor:
    """RGB frames (..., 3) uint8 -> grey (...) uint8."""
    return (frames.float() @ torch.tensor(LUMA, device=frames.device)).round().to(torch.uint8)


def at_once(device: torch.device, height: int, width: int) -> int:
    """Pairs that a call of `tvl1` gets: hundreds on a GPU, as its memory allows; on a CPU one a thread."""
    if device.type != "cuda":
        return torch.get_num_threads()
    memory = torch.cuda.get_device_properties(device).total_memory
    return max(1, memory // GPU_SHARE // (PIXEL_BYTES * height * width))


def luma(frame: np.ndarray) -> Tensor:
    """RGB frame (H, W, 3) uint8 -> grey (H, W) uint8."""
    return grey_of(torch.from_numpy(frame))
