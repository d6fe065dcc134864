"""Features of simulated videos that are hard as the papers say.

Each kind of piece of each class has a direction of its own:

core     class-specific, strong: a classifier needs nothing else, so attention tends to stop there
weak     little class evidence, but the motion that all actions share
context  the class's scene; it is also present during the action, so video-level labels alone cannot tell them apart
camera   background that moves: part of the shared motion direction without any action

Snippets mix the pieces they overlap, plus a scene direction constant over the video, slow drift and noise, then a rectifier,
as pooled I3D features are non-negative. RGB sees scenes well and motion poorly, flow the reverse, and each stream
confuses other classes, so that the two complement each other.

Everything is drawn in float64 from one seed and stored rounded to 2**-8 in float16: the last-bit differences between
machines' arithmetic vanish in the rounding.
"""

from dataclasses import dataclass

import numpy as np

from wstal.base.record import Count, Record, Share
from wstal.base.timegrid import TimeGrid
from wstal.datasets.simulation.script import Piece, Script, Timeline, overlap

ROUNDING = 256  # features are multiples of 1/256, exact in float16 below 8


class Strengths(Record):
    """How one feature stream sees the world: lengths of the directions that make up a snippet."""

    core: float  # class evidence of the discriminative part
    weak: float  # class evidence of the weak parts
    motion: float  # motion that all actions share
    camera: float  # the same direction in moving background
    context: float  # scene of the class, around and during its actions
    scene: float  # scene of the video, everywhere
    drift: float  # slow change over the video
    noise: float  # change from snippet to snippet
    confusion: Share  # share of the class evidence that a group of classes has in common
    groups: Count  # number of such groups


class Source(Script):
    """Time lines, and the strength of the phenomena in each stream; values and their sources stand in params.yaml."""

    dim: Count  # feature width of each stream
    streams: dict[str, Strengths]


@dataclass(frozen=True)
class Directions:
    """Unit directions of one stream's feature space."""

    core: np.ndarray  # (C, D)
    weak: np.ndarray  # (C, D)
    context: np.ndarray  # (C, D)
    motion: np.ndarray  # (D,)


def directions(source: Source, name: str) -> Directions:
    """Draw the directions of stream `name`; classes of a group share part of theirs."""
    index = sorted(source.streams).index(name)
    rng = np.random.default_rng([source.seed, 7, index])
    stream, classes = source.streams[name], len(source.names)
    group = rng.permutation(classes) % stream.groups

    def evidence() -> np.ndarray:
        shared, own = unit(rng.normal(size=(stream.groups, source.dim))), unit(rng.normal(size=(classes, source.dim)))
        return unit(np.sqrt(stream.confusion) * shared[group] + np.sqrt(1 - stream.confusion) * own)

    return Directions(evidence(), evidence(), evidence(), unit(rng.normal(size=source.dim)))


def unit(v: np.ndarray) -> np.ndarray:
    """Vectors v (..., D) at unit length, (..., D)."""
    return v / np.linalg.norm(v, axis=-1, keepdims=True)


def features(video: Timeline, source: Source, name: str, grid: TimeGrid) -> np.ndarray:
    """Snippet features of one video in stream `name`: (T, D) float16, multiples of 1/256."""
    stream, axis = source.streams[name], directions(source, name)
    rng = np.random.default_rng(
        [source.seed, 11, video.subset == "test", int(video.id[-4:]), sorted(source.streams).index(name)]
    )
    weights = overlap(video.pieces, video.snippets(grid), grid)  # (T, P)
    shown = np.stack([appearance(piece, stream, axis) for piece in video.pieces])  # (P, D)
    length, width = len(weights), source.dim
    scene = stream.scene * unit(rng.normal(size=width))
    drift = np.cumsum(rng.normal(size=(length, width)), axis=0) / np.sqrt(np.arange(1, length + 1))[:, None]
    noise = rng.normal(size=(length, width))
    scale = 1 / np.sqrt(width)  # noise and drift of length `noise` and `drift` on average
    x = weights @ shown + scene + scale * (stream.drift * drift + stream.noise * noise)
    return (np.round(np.maximum(x + 2 * scale, 0) * ROUNDING) / ROUNDING).astype(np.float16)


def appearance(piece: Piece, stream: Strengths, axis: Directions) -> np.ndarray:
    """Mean feature of a piece: (D,)."""
    if piece.kind == "background":
        return np.zeros_like(axis.motion)
    if piece.kind == "camera":
        return stream.camera * axis.motion
    scene = stream.context * axis.context[piece.label]
    if piece.kind == "context":
        return scene
    if piece.kind == "weak":
        return scene + piece.strength * (stream.weak * axis.weak[piece.label] + stream.motion * axis.motion)
    evidence = stream.core * axis.core[piece.label] + stream.weak * axis.weak[piece.label]
    return scene + piece.strength * (evidence + stream.motion * axis.motion)
