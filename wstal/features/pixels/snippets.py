"""Frames -> the snippets of a time grid.

Snippet t holds the frames [t*stride_f, t*stride_f + window_f). A last window that the video does not fill is left out, as in
the field's features: T = (frames - window_f) // stride_f + 1. A video shorter than one window gets one snippet, its last
frame repeated, so that every video has features.
"""

from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from wstal.base.timegrid import TimeGrid


def snippets(frames: Iterator[np.ndarray], grid: TimeGrid) -> Iterator[np.ndarray]:
    """Frames (H, W, C), `grid.fps` a second, -> snippets (window_f, H, W, C). At most window_f frames are held.

    Frames may be tensors on a GPU; then snippets are, too.
    """
    window: deque[np.ndarray] = deque(maxlen=grid.window_f)
    count = 0
    for frame in frames:
        window.append(frame)
        count += 1
        first = count - grid.window_f  # frame that the window starts at
        if first >= 0 and first % grid.stride_f == 0:
            yield stack(list(window))
    if 0 < count < grid.window_f:
        yield stack([*window, *[window[-1]] * (grid.window_f - count)])


def centre_crop(frames: Iterator[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The middle `size` x `size` pixels of frames (H, W, C); of two middles the upper and the left one."""
    for frame in frames:
        top, left = ((length - size) // 2 for length in frame.shape[:2])
        yield frame[top : top + size, left : left + size]


def stack(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (...) as one (N, ...), or tensors on a GPU as one there."""
    return torch.stack(list(arrays)) if isinstance(arrays[0], torch.Tensor) else np.stack(arrays)
