"""When what happens in simulated videos: time lines with a published dataset's statistics, before any feature exists.

A video is a sequence of *pieces*. An action instance is a weak approach, a discriminative core and a weak follow-through;
between instances lies plain background, background that moves, and beside many instances *context*: the scene and posture of
the action without the action.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wstal.base.record import Count, Index, NonNegative, Positive, Record, Share
from wstal.base.timegrid import TimeGrid

KINDS = ("background", "camera", "context", "weak", "core")  # what a piece of the time line shows


class TimelineStatistics(Record, kw_only=True):
    """Statistics of time lines; values and their sources stand in params.yaml."""

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
    draws: tuple[Index, ...] = (0,)  # all of it is drawn for each of these numbers, which join the seed

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
    draw: int
    subset: str
    number: int  # within draw and subset
    duration_s: float
    instances: tuple[Piece, ...]  # kind "core": whole action instances, in order of time
    pieces: tuple[Piece, ...]  # the same time line split into kinds, without gaps

    def snippets(self, grid: TimeGrid) -> int:
        """Number of whole snippets T in the video."""
        frames = round(self.duration_s * grid.fps)
        return (frames - grid.window_f) // grid.stride_f + 1


def timelines(statistics: TimelineStatistics) -> Iterator[Timeline]:
    """Of each draw training videos, then test videos. Classes go round, so that every class occurs equally often."""
    for draw in statistics.draws:
        for subset, count in (("train", statistics.train_videos), ("test", statistics.test_videos)):
            for number in range(count):
                rng = np.random.default_rng([statistics.seed, draw, subset == "test", number])
                instances, duration_s = happenings(number % len(statistics.names), rng, statistics)
                pieces = tuple(split(instances, duration_s, rng, statistics))
                yield Timeline(f"sim{draw}_{subset}_{number:04d}", draw, subset, number, duration_s, tuple(instances), pieces)


def happenings(label: int, rng: np.random.Generator, statistics: TimelineStatistics) -> tuple[list[Piece], float]:
    """Draw the instances of one video whose main class is `label`, and its length in seconds."""
    labels = [label]
    if rng.random() < statistics.two_classes:
        labels.append((label + int(rng.integers(1, len(statistics.names)))) % len(statistics.names))
    duration = max(lognormal(rng, *statistics.duration_s), 12.0)
    share = np.clip(rng.normal(*statistics.background), 0.15, 0.92)
    lengths: list[float] = []
    action = (1 - share) * duration
    while sum(lengths) < action:
        lengths.append(min(max(lognormal(rng, *statistics.instance_s), 0.8), 0.8 * duration))
    if len(lengths) > 1 and sum(lengths) - action > lengths[-1] / 2:
        lengths.pop()  # nearer to the wanted share without the last one
    gaps = rng.dirichlet(np.ones(len(lengths) + 1)) * max(duration - sum(lengths), 0.3 * duration)
    duration = round(float(sum(lengths) + sum(gaps)), 2)
    instances: list[Piece] = []
    clock = 0.0
    for k, length in enumerate(lengths):
        start = clock + gaps[k]
        clock = start + length
        which = labels[k % len(labels)] if k < len(labels) else labels[int(rng.integers(len(labels)))]
        strength = float(np.exp(rng.normal(0, statistics.visibility)))
        instances.append(Piece("core", which, round(start, 2), round(min(clock, duration), 2), strength))
    return instances, duration


def split(
    instances: list[Piece], duration_s: float, rng: np.random.Generator, statistics: TimelineStatistics
) -> Iterator[Piece]:
    """Split the time line into pieces: gaps into context and background, instances into weak, core, weak."""
    clock, before = 0.0, None
    for instance in [*instances, None]:
        end = instance.start_s if instance else duration_s
        yield from gap(clock, end, before, instance, rng, statistics)
        if instance is None:
            return
        length = instance.end_s - instance.start_s
        core = rng.uniform(*statistics.core) * length
        start = instance.start_s + rng.uniform(0.2, 0.8) * (length - core)
        for kind, a, b in (
            ("weak", instance.start_s, start),
            ("core", start, start + core),
            ("weak", start + core, instance.end_s),
        ):
            yield Piece(kind, instance.label, a, b, instance.strength)
        clock, before = instance.end_s, instance


def gap(
    start_s: float,
    end_s: float,
    before: Piece | None,
    after: Piece | None,
    rng: np.random.Generator,
    statistics: TimelineStatistics,
) -> Iterator[Piece]:
    """Fill a gap between instances: context beside either, still or moving background between.

    `before` and `after` are the instances at its sides, None at the ends of the video.
    """
    length = max(end_s - start_s, 0.0)
    sides = [
        min(lognormal(rng, statistics.context_s, 0.5), length / 2) if side and rng.random() < statistics.context else 0.0
        for side in (before, after)
    ]
    if before:
        yield Piece("context", before.label, start_s, start_s + sides[0])
    kind = "camera" if rng.random() < statistics.camera else "background"
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
