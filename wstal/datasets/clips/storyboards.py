"""What happens when in each film: shots, and the action in them. All times are whole frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np

from wstal.base.record import Count, Index, NonNegative, Positive, Record, Share

Class = Literal["Bounce", "JumpingJack", "Swing", "Windmill"]  # of wstal.datasets.clips.scenes
Even = Annotated[int, msgspec.Meta(ge=2, multiple_of=2)]
Range = tuple[Positive, Positive]  # smallest and largest value, drawn uniformly


class Source(Record):
    """The films; values stand in params.yaml."""

    root: str  # folder of the rendered files, relative to the repository or absolute
    seed: Index
    classes: Annotated[list[Class], msgspec.Meta(min_length=2)]  # in the order of their index
    train_videos: Count
    test_videos: Count
    fps: Count
    size: tuple[Even, Even]  # width and height in pixels
    shots: tuple[Count, Count]  # fewest and most shots of a film
    action_s: Range  # length of an instance
    rest_s: Range  # its scene at rest, before it and again after it; also the length of a decoy
    decoy: Share  # probability that a further shot shows another class's scene at rest
    other: Share  # probability that a further action is of another class
    shake: NonNegative  # amplitude of the camera's shake, in heights of the picture


@dataclass(frozen=True)
class Shot:
    """One scene without a cut. Frames count from the start of the film."""

    label: int  # index of the class whose scene it is
    first_f: int
    end_f: int
    action_f: tuple[int, int] | None  # first frame of the action and the one behind its last; None: a decoy


@dataclass(frozen=True)
class Storyboard:
    """One film before it is drawn."""

    id: str
    subset: str
    seed: tuple[int, ...]  # of its drawing
    shots: tuple[Shot, ...]

    @property
    def frames(self) -> int:
        """Length of the film in frames."""
        return self.shots[-1].end_f


def storyboards(source: Source) -> Iterator[Storyboard]:
    """Training films, then test films. Classes go round, so that every class is the main one equally often."""
    for subset, count in (("train", source.train_videos), ("test", source.test_videos)):
        for i in range(count):
            seed = (source.seed, int(subset == "test"), i)
            shots = tuple(_shots(i % len(source.classes), np.random.default_rng(seed), source))
            yield Storyboard(f"clip_{subset}_{i:03d}", subset, (*seed, 1), shots)


def _shots(main: int, rng: np.random.Generator, source: Source) -> Iterator[Shot]:
    """One shot, anywhere, shows the main class in action; the others are decoys and actions by chance."""
    count = int(rng.integers(source.shots[0], source.shots[1] + 1))
    sure, clock = int(rng.integers(count)), 0
    for number in range(count):
        another = (main + int(rng.integers(1, len(source.classes)))) % len(source.classes)
        decoy, other = rng.random() < source.decoy, rng.random() < source.other
        before, action, after = (_draw_f(rng, span, source.fps) for span in (source.rest_s, source.action_s, source.rest_s))
        if number != sure and decoy:
            shot = Shot(another, clock, clock + before, None)
        else:
            start, label = clock + before, another if number != sure and other else main
            shot = Shot(label, clock, start + action + after, (start, start + action))
        yield shot
        clock = shot.end_f


def _draw_f(rng: np.random.Generator, span_s: Range, fps: int) -> int:
    """A length in frames."""
    return round(rng.uniform(*span_s) * fps)
