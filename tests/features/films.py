"""Videos for tests, rendered where they are needed. Frame i is grey of level LEVEL * i, so that a decoded frame tells its i."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

LEVEL = 4
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def grey(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Frames that can be told apart, up to 60."""
    return [np.full((height, width, 3), LEVEL * i + 4, np.uint8) for i in range(count)]


def index(frame: np.ndarray) -> int:
    """Which grey frame this is."""
    return round((float(frame.mean()) - 4) / LEVEL)


def write(
    path: Path, frames: Iterable[np.ndarray], rate: int = 25, times: list[int] | None = None, *,
    codec: str = "libx264", pixels: str = "yuv444p", options: dict = LOSSLESS, muxer: dict | None = None,
    setup=lambda stream: None,
) -> Path:  # fmt: skip
    """Encode frames at a constant rate, or at `times` in milliseconds."""
    with av.open(str(path), "w", options=muxer or {}) as container:
        frames = list(frames)
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.options = pixels, options
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        setup(stream)
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture)
            if times is not None:
                frame.pts, frame.time_base = times[i], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path, seconds: float = 1.0) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, int(16000 * seconds)), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
