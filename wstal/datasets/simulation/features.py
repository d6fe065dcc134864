"""Features of simulated videos with the statistics of real I3D features; how near they come, notebooks/01_simulation shows.

    z(t) = video + shot + pose + noise                                     shares of one variance: a background snippet
         + strength * (evidence of the class + what all actions share)     in an action
         + scene of the class                                              in an action and in the context around it
    x(t) = mean * exp(scale * z(t)), less a floor, rectified

Streams have spaces, confusions and shots of their own, and so complement each other; so has every draw of a dataset. Everything
is drawn in float64 from one seed and stored rounded to 2**-8 in float16: the last-bit differences between machines' arithmetic
vanish in the rounding.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from wstal.base.record import Count
from wstal.base.timegrid import Grids, TimeGrid
from wstal.datasets.simulation.appearance import Directions, Look, Space, directions
from wstal.datasets.simulation.timelines import Piece, Timeline, TimelineStatistics, overlap, timelines

ROUNDING = 256  # features are multiples of 1/256, exact in float16 below 8


class Source(TimelineStatistics, kw_only=True):
    """Time lines, and the look of each stream; values and their sources stand in params.yaml."""

    dim: Count  # feature width of a stream of width 1
    streams: dict[str, Look]


@dataclass(frozen=True)
class Stream:
    """One stream of a draw of a simulated dataset."""

    seed: int
    index: int  # of the stream among all that the dataset has
    space: Space
    axis: Directions


def streams(source: Source, draw: int) -> dict[str, Stream]:
    """{name: stream} of all streams of a draw."""
    return {name: stream(source, draw, index, name) for index, name in enumerate(sorted(source.streams))}


def stream(source: Source, draw: int, index: int, name: str) -> Stream:
    """A stream of a draw, with the directions of its classes."""
    look = source.streams[name]
    space = Space(look, max(round(source.dim * look.width), 1), (source.seed, draw, 7, index))
    return Stream(source.seed, index, space, directions(space, len(source.names)))


def features(source: Source, names: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video, {stream: (T, D) float16}) for all videos of a dataset."""
    known = {draw: streams(source, draw) for draw in source.draws}
    for video in timelines(source):
        yield video.id, {name: of_video(video, known[video.draw][name], grids[name]) for name in names}


def of_video(video: Timeline, stream: Stream, grid: TimeGrid) -> np.ndarray:
    """Snippet features of one video in one stream: (T, D) float16, multiples of 1/256."""
    rng = np.random.default_rng((stream.seed, video.draw, 11, video.subset == "test", video.number, stream.index))
    weights = overlap(video.pieces, video.snippets(grid), grid)  # (T, P)
    shown = np.stack([appearance(piece, stream.space.look, stream.axis) for piece in video.pieces])  # (P, D)
    x = stream.space.values(background(len(weights), stream.space, grid.step_s, rng) + weights @ shown)
    return (np.round(x * ROUNDING) / ROUNDING).astype(np.float16)


def background(length_t: int, space: Space, step_s: float, rng: np.random.Generator) -> np.ndarray:
    """The Gaussians of `length_t` snippets that show nothing: (T, D)."""
    look = space.look
    shot = np.cumsum(rng.random(length_t) < step_s / look.shot_s)
    return (
        np.sqrt(look.video) * space.draw(rng)
        + np.sqrt(look.shot) * space.draw(rng, int(shot[-1]) + 1)[shot]
        + np.sqrt(look.pose) * pose(space.draw(rng, length_t), np.exp(-step_s / look.pose_s))
        + np.sqrt(look.noise) * space.noise(rng, length_t)
    )


def pose(steps: np.ndarray, kept: float) -> np.ndarray:
    """An Ornstein-Uhlenbeck process of unit variance, from independent steps (T, D); neighbours correlate by `kept`."""
    scaled = np.concatenate([steps[:1], np.sqrt(1 - kept**2) * steps[1:]])
    return lfilter([1.0], [1.0, -kept], scaled, axis=0)


def appearance(piece: Piece, look: Look, axis: Directions) -> np.ndarray:
    """What a piece adds to the Gaussian of its snippets: (D,)."""
    if piece.kind == "background":
        return np.zeros_like(axis.common)
    if piece.kind == "camera":
        return look.camera * np.sqrt(look.common) * axis.common
    scene = np.sqrt(look.context) * axis.scene[piece.label]
    if piece.kind == "context":
        return scene
    amplitude = np.sqrt(look.evidence) * (look.weak if piece.kind == "weak" else 1.0)
    strength = 2 * piece.strength / (1 + piece.strength)  # of usual strength 1, and never above 2
    return scene + strength * (amplitude * axis.evidence[piece.label] + np.sqrt(look.common) * axis.common)
