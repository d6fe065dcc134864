"""How one stream of simulated features looks: one Gaussian with a power-law spectrum, from which all that varies is drawn."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from wstal.base.record import Count, NonNegative, Positive, Record, Share

MOST_SCALE = 0.9  # log-deviation of the most variable dimensions


class Look(Record):
    """Statistics of a stream. Shares are of the variance of a background snippet's Gaussian z; what they leave is noise."""

    mean: Positive  # of all values
    dimensions: NonNegative  # log-deviation of the dimensions' means
    scale: Positive  # log-deviation of a value, in a dimension of median mean
    tilt: NonNegative  # how much more dimensions of small mean vary: as mean ** -tilt
    floor: NonNegative  # taken off every value before the rectifier
    exponent: NonNegative  # of the spectrum of all that lasts; half of it for noise
    knee: Positive  # components before the spectrum falls
    video: Share  # lasts the whole video
    shot: Share  # lasts from cut to cut
    pose: Share  # changes within about `pose_s`
    shot_s: Positive  # mean length of a shot
    pose_s: Positive  # correlation time of the pose
    evidence: NonNegative  # variance that the class adds in the core of an instance of usual strength
    weak: Share  # amplitude of the evidence beside the core
    common: NonNegative  # variance that all actions add alike
    camera: NonNegative  # amplitude of what all actions share in moving background
    context: NonNegative  # variance of the class's scene, around and during its actions
    confusion: Share  # share of the evidence that a group of classes has in common
    groups: Count  # number of such groups
    width: Positive = 1.0  # of this stream's features, in units of the dataset's

    def __post_init__(self) -> None:
        if self.video + self.shot + self.pose > 1:
            raise ValueError("`video`, `shot` and `pose` are shares of one variance and may not exceed 1 together")

    @property
    def noise(self) -> float:
        """Share that changes from snippet to snippet."""
        return 1 - self.video - self.shot - self.pose


@dataclass(frozen=True)
class Space:
    """The feature space of one stream of width D: which directions vary how much, and where its mean lies."""

    look: Look
    dim: int
    seed: tuple[int, ...]

    def draw(self, rng: np.random.Generator, *shape: int) -> np.ndarray:
        """Gaussians (..., D) with the stream's spectrum, of unit variance on average over dimensions."""
        return rng.normal(size=(*shape, self.dim)) @ self.lasting

    def noise(self, rng: np.random.Generator, *shape: int) -> np.ndarray:
        """Gaussians (..., D) with the flatter spectrum of noise."""
        return rng.normal(size=(*shape, self.dim)) @ self.flat

    def values(self, z: np.ndarray) -> np.ndarray:
        """Features of Gaussians z (..., D): exponentials around the mean feature, less the floor, rectified."""
        mean, scale = self.marginals
        return np.maximum((mean + self.look.floor) * np.exp(scale * z - scale**2 / 2) - self.look.floor, 0)

    @cached_property
    def marginals(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and log-deviation of each dimension, (D,) each."""
        look, z = self.look, np.random.default_rng((*self.seed, 1)).normal(size=self.dim)
        spread = np.exp(look.dimensions * z)
        scale = look.scale * np.exp(-look.tilt * look.dimensions * z)
        return look.mean * spread / spread.mean(), np.minimum(scale, MOST_SCALE)

    @cached_property
    def basis(self) -> np.ndarray:
        """Orthonormal directions (D, D), of which the first vary most."""
        q, r = np.linalg.qr(np.random.default_rng((*self.seed, 0)).normal(size=(self.dim, self.dim)))
        return (q * np.sign(np.diag(r))).T

    @cached_property
    def lasting(self) -> np.ndarray:
        """(D, D) matrix that gives white noise the spectrum."""
        return self.mixing(self.look.exponent)

    @cached_property
    def flat(self) -> np.ndarray:
        """(D, D) matrix that gives white noise the spectrum of noise."""
        return self.mixing(self.look.exponent / 2)

    def mixing(self, exponent: float) -> np.ndarray:
        """Square roots of the spectrum times the directions, (D, D)."""
        power = (np.arange(self.dim) + self.look.knee) ** -exponent
        return np.sqrt(power / power.mean())[:, None] * self.basis


@dataclass(frozen=True)
class Directions:
    """What the kinds of pieces look like in one stream, as Gaussians z."""

    evidence: np.ndarray  # (C, D)
    scene: np.ndarray  # (C, D)
    common: np.ndarray  # (D,)


def directions(space: Space, classes: int) -> Directions:
    """Draw the directions of `classes` classes; those of a group share part of their evidence."""
    look, rng = space.look, np.random.default_rng((*space.seed, 2))
    group = rng.permutation(classes) % look.groups
    evidence = np.sqrt(look.confusion) * space.draw(rng, look.groups)[group]
    evidence += np.sqrt(1 - look.confusion) * space.draw(rng, classes)
    return Directions(evidence, space.draw(rng, classes), space.draw(rng))
