"""Storyboards -> H.264 files. One seed gives the same bytes: one thread, an encoder that may not look at the CPU, no dates."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation

from wstal.base import files, progress
from wstal.datasets.clips.canvas import Canvas, texture, view
from wstal.datasets.clips.scenes import SCENES
from wstal.datasets.clips.storyboards import Shot, Source, Storyboard, storyboards

MARGIN = 0.1  # of the picture's height: how far the camera may shake
RAMP_S = 0.4  # in which a motion reaches its full strength, and in which it fades
EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.BITEXACT | Interpolation.FULL_CHR_H_INP
ENCODER = {"preset": "veryfast", "crf": "20", "x264-params": "threads=1:cpu-independent=1"}


def render(source: Source, folder: Path) -> None:
    """Write <folder>/<id>.mp4 for every film, each whole or not at all.

    A file that is right already is not touched, so that what was made from it still counts.
    """
    films = list(storyboards(source))
    for done, storyboard in enumerate(films, start=1):
        film = folder / f"{storyboard.id}.mp4"
        with files.scratch(folder) as place:
            encode(pictures(storyboard, source), source, drawn := place / film.name)
            if not film.is_file() or film.read_bytes() != drawn.read_bytes():
                files.write(film, drawn.read_bytes())
        progress.report("render", done, len(films))


def encode(frames: Iterator[np.ndarray], source: Source, path: Path) -> None:
    """Write RGB frames (H, W, 3) uint8 as a video file."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=source.fps, options=ENCODER)
        stream.width, stream.height = source.size
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture).reformat(format="yuv420p", interpolation=EXACT, threads=1)
            frame.pts, frame.time_base = i, Fraction(1, source.fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def pictures(storyboard: Storyboard, source: Source) -> Iterator[np.ndarray]:
    """All frames of a film, each (H, W, 3) uint8."""
    rng = np.random.default_rng(storyboard.seed)
    path = shake(rng, storyboard.frames, source)
    for shot in storyboard.shots:
        yield from shoot(shot, path, rng, source)


def shoot(shot: Shot, path: np.ndarray, rng: np.random.Generator, source: Source) -> Iterator[np.ndarray]:
    """The frames of one shot, each (H, W, 3) uint8; path (F, 2) says where the camera points in each frame of the film."""
    width, height = source.size
    scene = SCENES[source.classes[shot.label]](rng)
    room = 2 * round(MARGIN * height)
    still = texture(rng, height + room, width + room, scene.dark, scene.light)
    scene.set_up(Canvas(still))
    grain = rng.normal(0, 0.006, (2, height, width, 1)).astype(np.float32)
    for f in range(shot.first_f, shot.end_f):
        camera = tuple(path[f])
        canvas = Canvas(view(still, height, width, camera), camera)
        scene.draw(canvas, *motion(shot, f, scene.rate, source.fps))
        yield np.round(np.clip(canvas.pixels + grain[f % 2], 0, 1) * 255).astype(np.uint8)


def motion(shot: Shot, frame_f: int, rate: float, fps: int) -> tuple[float, float]:
    """(phase, amount) of the shot's motion in a frame; after the action the phase stays."""
    if shot.action_f is None:
        return 0.0, 0.0
    first_f, end_f = shot.action_f
    inside_f = min(max(frame_f - first_f, 0), end_f - first_f)
    ramp_f = min(inside_f, end_f - first_f - inside_f)
    return rate * inside_f / fps, min(ramp_f / (RAMP_S * fps), 1.0)


def shake(rng: np.random.Generator, frames: int, source: Source) -> np.ndarray:
    """Where the camera points: (frames, 2), slow waves of random phase and speed, at most MARGIN / 2."""
    clock_s = np.arange(frames)[:, None, None] / source.fps
    speed, phase = rng.uniform(0.2, 1.6, (1, 2, 4)), rng.uniform(0, 2 * np.pi, (1, 2, 4))
    waves = np.sin(2 * np.pi * speed * clock_s + phase).mean(2)
    return np.clip(2 * source.shake * waves, -MARGIN / 2, MARGIN / 2)
