"""Video file -> upright RGB frames at a constant rate, small enough for a network. One pass, a few frames in memory.

Time        Frame k stands for [k/fps, (k+1)/fps) and shows what the video shows in the middle of it, at (k + 1/2)/fps; at a
            tie, the frame that is about to go. So a variable rate, gaps and other rates than `fps` need no special case,
            and the choice equals that of FFmpeg's filter `fps`. Second 0 is where a player starts: the container's start.
Rotation    The display matrix (phones) is applied, quarter turns and mirrors alike.
Size        FFmpeg's swscale, bilinear with a support that grows with the reduction (no aliasing), exact rounding. The
            short side gets `short_side` pixels; pixels that are not square become so; sizes may be odd.
Damage      What decodes is used. Broken packets are passed over, timestamps that are missing or jump are mended
            (`Clock`), and `Footage.warnings` says so, as far as FFmpeg notices: VP8 decodes noise without a word, MPEG-TS
            does not say how long it should be, and the loss of less than SHORT_S at the end passes. A file without one
            frame raises.

One thread decodes a file, as concealment of damage by several threads differs from run to run; decode files side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video import VideoStream
from av.video.reformatter import Interpolation, VideoReformatter

from wstal.border.limits import LIMITS
from wstal.border.videofile import DecodeError as DecodeError
from wstal.border.videofile import is_raw, opened, reason

T = TypeVar("T")
RESIZE = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INT
JUMP_S = 1  # timestamps that go back by so much, or pass the file's end by so much, are a fault of the file
GAP_S = LIMITS.gap_s  # and so are those that go on by more than that
WIDEST = 32  # a long side of more short sides than that is damage, and would fill the memory
SHORT_S = 1  # a file that ends so much before its stated end was cut short


@dataclass
class Clock:
    """Seconds from the start of the video for one frame after the other, mended where the file is wrong."""

    limit_s: Fraction | None  # no frame of a sound file starts later than this
    start_s: Fraction = Fraction(-1)  # of the last frame
    end_s: Fraction = Fraction(0)  # of the last frame
    offset_s: Fraction = Fraction(0)  # what jumps have added up to
    mended: int = 0
    closed_s: Fraction = Fraction(0)  # the longest of the gaps that were closed
    still_s: Fraction = Fraction(0)  # the longest time for which one picture stands
    stated_s: Fraction = Fraction(0)  # the longest that one should have stood, where that is beyond all bounds

    def place(self, time_s: Fraction | None, length_s: Fraction) -> bool:
        """Move on to the next frame; False for one that is never seen, as it does not start after the one before.

        Without a timestamp it follows the frame before. After a jump, by JUMP_S back, by more than GAP_S on, or beyond the
        end of the file, it and all later ones do. No frame lasts longer than GAP_S, or beyond the end of the file.
        """
        start_s = self.end_s if time_s is None else time_s - self.offset_s
        gap_s = start_s - max(self.start_s, Fraction(0))
        jumps = start_s <= self.start_s - JUMP_S or gap_s > GAP_S or (self.limit_s is not None and start_s > self.limit_s)
        if jumps:
            self.closed_s = max(self.closed_s, gap_s)
            self.end_s = min(self.end_s, max(self.start_s, Fraction(0)) + JUMP_S)
            self.offset_s += start_s - self.end_s
            start_s = self.end_s
        self.mended += jumps or time_s is None
        if start_s <= self.start_s:
            return False
        if length_s > JUMP_S:
            left_s = Fraction(GAP_S) if self.limit_s is None else min(Fraction(GAP_S), self.limit_s - JUMP_S - start_s)
            self.stated_s = max(self.stated_s, length_s) if length_s > left_s else self.stated_s
            length_s = min(length_s, max(left_s, Fraction(JUMP_S)))
        self.still_s = max(self.still_s, length_s, start_s - max(self.start_s, Fraction(0)))
        self.start_s, self.end_s = start_s, start_s + length_s
        return True


@dataclass
class Footage:
    """A video file. `frames` reads it once, front to back; `warnings` is complete when that has ended."""

    path: Path
    warnings: list[str] = field(default_factory=list)

    def frames(self, fps: float, short_side: int) -> Iterator[np.ndarray]:
        """Upright RGB frames (H, W, 3) uint8, `fps` a second, read-only: neighbours may be one and the same array.

        Raises:
            UserError: for a missing file.
            DecodeError: when not one frame can be had.
        """
        with opened(self.path) as (container, stream):
            resize = Resize(stream, short_side)
            picture: np.ndarray | None = None
            shown: av.VideoFrame | None = None
            for frame in constant_rate(self._timed(container, stream), fps):
                if picture is None or frame is not shown:
                    picture, shown = self._resized(frame, resize), frame
                yield picture
        if picture is None:
            raise DecodeError(self.path, "it holds no picture that decodes")

    def _resized(self, frame: av.VideoFrame, resize: "Resize") -> np.ndarray:
        """The frame as an array; one in a shape or colour format beyond all use makes the file useless."""
        try:
            return resize(frame)
        except (av.FFmpegError, ValueError):
            shape = f"{frame.width} x {frame.height} pixels in {frame.format.name}"
            raise DecodeError(self.path, f"its pictures, {shape}, cannot be resized") from None

    def _timed(self, container: InputContainer, stream: VideoStream) -> Iterator[tuple[Fraction, Fraction, av.VideoFrame]]:
        """(start, end, frame) of all frames, in seconds from the container's start; starts increase."""
        usual_s = usual_length_s(stream)
        begin_s, known_s = span_s(container, stream)
        clock = Clock(None if known_s is None else known_s + max(begin_s, Fraction(0)) + JUMP_S)
        broken, corrupt = [0], 0
        for frame in decoded(container, stream, broken):
            corrupt += frame.is_corrupt
            stamp, unit = frame.dts if frame.pts is None else frame.pts, Fraction(frame.time_base or 0)
            shown = clock.place(None if stamp is None else stamp * unit - begin_s, frame.duration * unit or usual_s)
            if shown:
                yield clock.start_s, clock.end_s, frame
        if broken[0]:
            self.warnings.append(f"{broken[0]} damaged packets were passed over")
        if corrupt:
            self.warnings.append(f"{corrupt} pictures are damaged, and what follows them may be")
        if is_raw(container) and clock.mended:
            self.warnings.append(f"{clock.mended} pictures have no timestamps, so {float(1 / usual_s):g} a second are taken")
        elif clock.mended:
            self.warnings.append(f"{clock.mended} timestamps were missing or jumped")
        if clock.closed_s > GAP_S:
            self.warnings.append(f"a gap of {float(clock.closed_s):.0f} s in its timestamps was closed")
        elif clock.stated_s:
            self.warnings.append(f"a picture is said to last {float(clock.stated_s):.0f} s, which is cut short")
        elif clock.still_s > LIMITS.still_s:
            self.warnings.append(f"one picture stands for {float(clock.still_s):.0f} s")
        if known_s is not None and clock.end_s + max(clock.offset_s, Fraction(0)) < known_s - SHORT_S:
            self.warnings.append(f"pictures end at {float(clock.end_s):.2f} s of {float(known_s):.2f} s")


def span_s(container: InputContainer, stream: VideoStream) -> tuple[Fraction, Fraction | None]:
    """(where second 0 lies on the file's own clock, seconds from there to the end of the video; None if it is not said).

    Sound may start before 0 (an encoder's priming); the video does not wait for that. Containers whose streams state no
    length of their own (Matroska) state where they end. The length of a cut AVI, as FFmpeg gives it, is that of what is left;
    the header's, in the same unit, is given as the number of frames.
    """
    unit = Fraction(stream.time_base or 0)
    whole_s = Fraction(container.start_time or 0, av.time_base)
    first_s = whole_s if stream.start_time is None else stream.start_time * unit
    begin_s = min(max(whole_s, Fraction(0)), first_s)
    if is_raw(container):
        return begin_s, None  # what FFmpeg guesses from the number of bits
    length = max(stream.duration or 0, stream.frames if container.format.name == "avi" else 0)
    if length:
        return begin_s, first_s - begin_s + length * unit
    return begin_s, Fraction(container.duration, av.time_base) - begin_s if container.duration else None


def duration_s(path: Path) -> float:
    """Seconds that a video lasts, from its header, or from its packets' timestamps where the header does not say.

    Raises:
        UserError: for a missing file.
        DecodeError: for one that is no video or holds no packet.
    """
    with opened(path) as (container, stream):
        begin_s, known_s = span_s(container, stream)
        if known_s is None or _may_have_gap(stream, known_s):
            measured = _measured(path, container, stream, begin_s)
            known_s = measured.end_s if known_s is None or measured.closed_s > GAP_S else known_s
    if known_s > LIMITS.video_s:
        raise DecodeError(path, f"its header says that it lasts {float(known_s) / 3600:.0f} hours")
    if known_s <= 0:
        raise DecodeError(path, "it holds no picture")
    return float(known_s)


def usual_length_s(stream: VideoStream) -> Fraction:
    """Seconds that a frame lasts which does not say so itself."""
    return 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)


def _may_have_gap(stream: VideoStream, known_s: Fraction) -> bool:
    """Whether a picture may stand for more than GAP_S, by what the header says of their number, if it says that."""
    if not stream.frames:
        return known_s > GAP_S
    return stream.frames / Fraction(stream.guessed_rate or 25) + GAP_S < known_s


def _measured(path: Path, container: InputContainer, stream: VideoStream, begin_s: Fraction) -> Clock:
    """The clock at the end of the video, by the timestamps of its packets."""
    unit, clock = Fraction(stream.time_base or 0), Clock(None)
    try:
        stamps = [(packet.pts, packet.duration or 0) for packet in container.demux(stream) if packet.size]
    except av.FFmpegError as error:
        raise DecodeError(path, reason(error)) from None
    for pts, length in sorted(stamps, key=lambda stamp: stamp[0] or 0):
        clock.place(None if pts is None else pts * unit - begin_s, length * unit or usual_length_s(stream))
    return clock


def decoded(container: InputContainer, stream: VideoStream, broken: list[int]) -> Iterator[av.VideoFrame]:
    """Frames in order of showing. Packets that fail are counted in broken[0]; a container that fails ends the video."""
    stream.codec_context.thread_count = 1
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            broken[0] += 1
            return
        if packet is None:
            return
        broken[0] += packet.is_corrupt
        try:
            yield from packet.decode()
        except av.FFmpegError:
            broken[0] += 1


def constant_rate(timed: Iterator[tuple[Fraction, Fraction, T]], fps: float) -> Iterator[T]:
    """(start, end, frame) with increasing starts, in seconds -> `fps` frames a second by the rule at the top.

    The first frame also stands for the time before it, the last one is shown until its end.
    """
    period_s = 1 / Fraction(fps)
    middle_s, end_s, shown = period_s / 2, Fraction(0), None
    for start_s, end_s, frame in timed:  # noqa: B007
        while shown is not None and middle_s <= start_s:
            yield shown
            middle_s += period_s
        shown = frame
    while shown is not None and middle_s <= end_s:
        yield shown
        middle_s += period_s


class Resize:
    """Frames of one stream as upright RGB arrays of one size, that of the first frame."""

    def __init__(self, stream: VideoStream, short_side: int):
        self.short_side = short_side
        self.aspect = Fraction(stream.sample_aspect_ratio or 1)  # width of a pixel over its height
        self.size: tuple[int, int] | None = None  # (width, height) as stored, before turning
        self.scaler = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame as an array (H, W, 3) uint8, upright.

        Raises:
            ValueError: the first frame's sides differ by more than WIDEST times.
        """
        if self.size is None:
            width, height = frame.width * self.aspect, Fraction(frame.height)
            scale = self.short_side / min(width, height)
            if max(width, height) > WIDEST * min(width, height):
                raise ValueError
            self.size = round(width * scale), round(height * scale)
        small = self.scaler.reformat(frame, *self.size, format="rgb24", interpolation=RESIZE, threads=1)
        return upright(small.to_ndarray(), frame)


def upright(picture: np.ndarray, frame: av.VideoFrame) -> np.ndarray:
    """Turn and mirror (H, W, 3) by the display matrix of its frame: x' = a x + c y, y' = b x + d y -> (H', W', 3)."""
    matrix = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]  # the stub knows no key but str
    if matrix is None:
        return picture
    a, b, _, c, d, *_ = np.frombuffer(matrix, dtype="<i4")
    if abs(b) + abs(c) > abs(a) + abs(d):
        picture, a, d = picture.swapaxes(0, 1), c, b
    return np.ascontiguousarray(picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])
