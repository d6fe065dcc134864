"""RGB frames -> optical flow as two-stream networks see it, while a video is decoded."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from wstal import seeding
from wstal.features.flow import OPENCV, quantize, tvl1

LUMA = (0.299, 0.587, 0.114)  # grey of red, green and blue: ITU-R BT.601, as OpenCV converts
AT_ONCE = 128  # pairs on a GPU; a CPU takes one a thread


def flow_images(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 -> as many pictures (H, W, 2) uint8: TV-L1 flow to the next frame, x then y, within ±20 pixels.

    The last frame has no next one and repeats the flow before it, as if the video went on. Runs on a GPU where there is one.
    """
    device = seeding.device()
    count = AT_ONCE if device.type == "cuda" else torch.get_num_threads()
    first, picture = next(frames, None), None
    while block := list(islice(frames, count)):
        grey = torch.stack([luma(frame) for frame in (first, *block)]).to(device)
        pictures = quantize(tvl1(grey[:-1], grey[1:], settings=OPENCV)).permute(0, 2, 3, 1).cpu().numpy()
        yield from pictures
        picture = pictures[-1]
        first = block[-1]
    if first is not None:
        yield quantize(torch.zeros(*first.shape[:2], 2)).numpy() if picture is None else picture


def luma(frame: np.ndarray) -> Tensor:
    """(H, W, 3) -> grey (H, W) uint8."""
    return (torch.from_numpy(frame).float() @ torch.tensor(LUMA)).round().to(torch.uint8)
