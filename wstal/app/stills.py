"""Small JPEG pictures of a video at given times, for the page of one's own videos."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from wstal.base.record import Count, Positive, Record
from wstal.features.pixels.decode import DecodeError, Footage

FINE_FPS = 10_000.0  # no picture is shown so briefly that it falls between two of these


class Stills(Record):
    """How pictures are taken."""

    fps: Positive  # frames a second that are looked at: a picture is at most half of such a frame off its time
    short_side: Count  # pixels
    quality: Count  # of JPEG: 2 is best, 31 worst
    strip: Count  # pictures of the film strip above a video's curves


def stills(path: Path, times_s: Sequence[float], pictures: Stills) -> list[bytes]:
    """A JPEG of the frame at each time, in the order of `times_s`; times past the end get the last frame.

    Raises:
        DecodeError: the file yields no frame.
    """
    wanted = [max(0, int(time_s * pictures.fps)) for time_s in times_s]
    looked_for, last, taken = set(wanted), max(wanted, default=0), {}
    for number, frame in enumerate(frames(path, pictures)):
        if number in looked_for:
            taken[number] = frame
        if number >= last:
            break
    return [jpeg(taken.get(number, frame), pictures.quality) for number in wanted]


def frames(path: Path, pictures: Stills) -> Iterator[np.ndarray]:
    """`pictures.fps` frames (H, W, 3) a second; of a file that is too short for one, its first."""
    regular = Footage(path).frames(pictures.fps, pictures.short_side)
    try:
        yield next(regular)
    except DecodeError:
        yield next(Footage(path).frames(FINE_FPS, pictures.short_side))
    yield from regular


def jpeg(frame: np.ndarray, quality: int) -> bytes:
    """(H, W, 3) uint8 RGB as a JPEG file."""
    frame = frame[: len(frame) // 2 * 2, : frame.shape[1] // 2 * 2]
    codec = av.CodecContext.create("mjpeg", "w")
    codec.height, codec.width = frame.shape[:2]
    codec.pix_fmt, codec.time_base, codec.thread_count = "yuvj420p", Fraction(1, 25), 1
    codec.options = {"qmin": str(quality), "qmax": str(quality)}
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame)).reformat(format="yuvj420p")
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*codec.encode(picture), *codec.encode(None)])
