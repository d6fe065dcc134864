"""The embedded simulator: videos with a published dataset's statistics, and features that are hard as the papers say.

A video is a sequence of *pieces* on the time line. An action instance is a weak approach, a discriminative core and a weak
follow-through; between instances lies plain background, and beside many instances *context*: the scene and posture of
the action without the action. Each piece kind of each class has its own direction in feature space:

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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wstal.base.record import Count, Index, NonNegative, Positive, Record, Share
from wstal.base.timegrid import TimeGrid

KINDS = ("background", "camera", "context", "weak", "core")  # what a piece of the time line shows
ROUNDING = 256  # features are multiples of 1/256, exact in float16 below 8


class Stream(Record):
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


class Source(Record):
    """Statistics of the time line and strength of the phenomena; values and their sources stand in params.yaml."""

    seed: Index
    classes: list[str] | Count  # their names, or how many; then they are called action_000 and so on
    train_videos: Count
    test_videos: Count
    duration_s: tuple[float, float]  # median and log-deviation of video lengths
    instance_s: tuple[float, float]  # median and log-deviation of instance lengths
    background: tuple[float, float]  # mean share of background, standard deviation over videos
    two_classes: Share  # share of videos with instances of two classes
    core: tuple[float, float]  # smallest and largest share of an instance that is discriminative
    context: Share  # probability that a side of an instance has context
    context_s: Positive  # median length of a context piece
    camera: Share  # probability that a stretch of background moves
    visibility: NonNegative  # log-deviation of the strength of single instances
    dim: Count  # feature width of each stream
    streams: dict[str, Stream]

    @property
    def names(self) -> list[str]:
        """Names of the classes; the index is the class index."""
        return self.classes if isinstance(self.classes, list) else [f"action_{i:03d}" for i in range(self.classes)]


@dataclass(frozen=True)
class Piece:
    """A stretch of the time line; `strength` scales its class evidence."""

    kind: str
    label: int  # class index; -1 for background and camera
    start_s: float
    end_s: float
    strength: float = 1.0


@dataclass(frozen=True)
class Timeline:
    """One video before any feature exists."""

    id: str
    subset: str
    duration_s: float
    instances: tuple[Piece, ...]  # kind "core": whole action instances, in order of time
    pieces: tuple[Piece, ...]  # the same time line split into kinds, without gaps

    def snippets(self, grid: TimeGrid) -> int:
        """Number of whole snippets T in the video."""
        frames = round(self.duration_s * grid.fps)
        return (frames - grid.window_f) // grid.stride_f + 1


def timelines(source: Source) -> Iterator[Timeline]:
    """Training videos, then test videos. Classes go round, so that every class occurs equally often."""
    for subset, count in (("train", source.train_videos), ("test", source.test_videos)):
        for i in range(count):
            rng = np.random.default_rng([source.seed, subset == "test", i])
            yield timeline(f"sim_{subset}_{i:04d}", subset, i % len(source.names), rng, source)


def timeline(id: str, subset: str, label: int, rng: np.random.Generator, source: Source) -> Timeline:
    """Draw one video whose main class is `label`."""
    labels = [label]
    if rng.random() < source.two_classes:
        labels.append((label + int(rng.integers(1, len(source.names)))) % len(source.names))
    duration = max(lognormal(rng, *source.duration_s), 12.0)
    share = np.clip(rng.normal(*source.background), 0.15, 0.92)
    lengths: list[float] = []
    action = (1 - share) * duration
    while sum(lengths) < action:
        lengths.append(min(max(lognormal(rng, *source.instance_s), 0.8), 0.8 * duration))
    if len(lengths) > 1 and sum(lengths) - action > lengths[-1] / 2:
        lengths.pop()  # nearer to the wanted share without the last one
    gaps = rng.dirichlet(np.ones(len(lengths) + 1)) * max(duration - sum(lengths), 0.3 * duration)
    duration = round(float(sum(lengths) + sum(gaps)), 2)
    instances, clock = [], 0.0
    for k, length in enumerate(lengths):
        start = clock + gaps[k]
        clock = start + length
        which = labels[k % len(labels)] if k < len(labels) else labels[int(rng.integers(len(labels)))]
        strength = float(np.exp(rng.normal(0, source.visibility)))
        instances.append(Piece("core", which, round(start, 2), round(min(clock, duration), 2), strength))
    return Timeline(id, subset, duration, tuple(instances), tuple(split(instances, duration, rng, source)))


def split(instances: list[Piece], duration_s: float, rng: np.random.Generator, source: Source) -> Iterator[Piece]:
    """Split the time line into pieces: gaps into context and background, instances into weak, core, weak."""
    clock, before = 0.0, None
    for instance in [*instances, None]:
        end = instance.start_s if instance else duration_s
        yield from gap(clock, end, before, instance, rng, source)
        if instance is None:
            return
        length = instance.end_s - instance.start_s
        core = rng.uniform(*source.core) * length
        start = instance.start_s + rng.uniform(0.2, 0.8) * (length - core)
        for kind, a, b in (
            ("weak", instance.start_s, start),
            ("core", start, start + core),
            ("weak", start + core, instance.end_s),
        ):
            yield Piece(kind, instance.label, a, b, instance.strength)
        clock, before = instance.end_s, instance


def gap(
    start_s: float, end_s: float, before: Piece | None, after: Piece | None, rng: np.random.Generator, source: Source
) -> Iterator[Piece]:
    """Fill a gap between instances: context beside either, still or moving background between.

    `before` and `after` are the instances at its sides, None at the ends of the video.
    """
    length = max(end_s - start_s, 0.0)
    sides = [
        min(lognormal(rng, source.context_s, 0.5), length / 2) if side and rng.random() < source.context else 0.0
        for side in (before, after)
    ]
    if before:
        yield Piece("context", before.label, start_s, start_s + sides[0])
    kind = "camera" if rng.random() < source.camera else "background"
    yield Piece(kind, -1, start_s + sides[0], end_s - sides[1])
    if after:
        yield Piece("context", after.label, end_s - sides[1], end_s)


def lognormal(rng: np.random.Generator, median: float, sigma: float) -> float:
    """One log-normal draw; `sigma` is the deviation of its logarithm."""
    return float(median * np.exp(rng.normal(0, sigma)))


def overlap(pieces: tuple[Piece, ...], snippets_t: int, grid: TimeGrid) -> np.ndarray:
    """Share of each snippet's cell that each piece covers: (T, P), rows sum to 1."""
    edges = grid.seconds(np.arange(snippets_t + 1))[:, None]  # (T + 1, 1)
    starts = np.array([piece.start_s for piece in pieces])
    ends = np.array([piece.end_s for piece in pieces])
    covered = np.clip(np.minimum(edges[1:], ends) - np.maximum(edges[:-1], starts), 0, None)  # (T, P)
    return covered / np.maximum(covered.sum(1, keepdims=True), 1e-9)


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


def appearance(piece: Piece, stream: Stream, axis: Directions) -> np.ndarray:
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
