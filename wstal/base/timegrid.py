"""TimeGrid: the only place where seconds and snippets are converted."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from wstal.base.errors import UserError

MOST = 1e6  # frames of a second, a stride or a window


@dataclass(frozen=True)
class TimeGrid:
    """Snippet t covers frames [t*stride_f, t*stride_f + window_f) of a video at `fps` frames a second.

    The *cell* of snippet t is the stride_f frames around the centre of its window. Cells tile the time line, so
    boundary b (between snippets b-1 and b) lies at (b*stride_f + (window_f - stride_f)/2) / fps seconds. With
    stride_f == window_f, the field's usual layout (16 frames, 25 fps), that is b * 16/25.

    Raises:
        UserError: a number is not positive, or beyond all use.
    """

    fps: float  # frames a second that features were extracted at
    stride_f: int  # frames between the starts of neighbouring snippets
    window_f: int  # frames a snippet sees

    def __post_init__(self) -> None:
        if not all(0 < number < MOST for number in (self.fps, self.stride_f, self.window_f)):
            raise UserError(
                f"time grid {self}: fps, stride_f and window_f must be positive and below {MOST:g}; mend `grid` in params.yaml."
            )

    @property
    def offset_s(self) -> float:
        """Seconds from the start of the video to the first boundary."""
        return (self.window_f - self.stride_f) / 2 / self.fps

    @property
    def step_s(self) -> float:
        """Seconds between boundaries."""
        return self.stride_f / self.fps

    def seconds(self, boundary_t: ArrayLike) -> np.ndarray:
        """Boundary indices, which may be fractional, -> seconds: (...) -> (...) float64."""
        return np.asarray(boundary_t, dtype=np.float64) * self.stride_f / self.fps + self.offset_s

    def snippets(self, time_s: ArrayLike) -> np.ndarray:
        """Seconds -> fractional boundary indices, the inverse of `seconds`: (...) -> (...) float64."""
        return (np.asarray(time_s, dtype=np.float64) - self.offset_s) * self.fps / self.stride_f

    def coverage_s(self, snippets_t: int) -> float:
        """End of the last frame that `snippets_t` snippets see, in seconds."""
        return ((snippets_t - 1) * self.stride_f + self.window_f) / self.fps


Grids = Mapping[str, TimeGrid]  # stream -> its time grid
