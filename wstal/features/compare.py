"""How far two feature sets of the same videos differ: in shape, in stride, and in direction of their vectors, by video.

A set is a feature store (its streams side by side, RGB first, or one of them) or a folder of arrays, <video>.npy (T, D) each,
at any depth. Where both have a time grid, snippets are compared that lie nearest in time; else those at the same share of the
video, unless their numbers differ by a snippet or two, which then are left over at the end. One video is in memory at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wstal.base import manifest, progress
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.border import npyfile
from wstal.data.store import FeatureStore

UNEVEN_T = 2  # snippets that extractors of one grid leave out at the end, or do not


class StoreSet:
    """Streams of a store, side by side.

    Raises:
        UserError: the store has no such stream, or its streams lie on several grids.
    """

    def __init__(self, folder: Path, stream: str | None):
        self.name, self.store = str(folder), FeatureStore(folder)
        self.streams = (stream,) if stream else tuple(sorted(self.store.grids, key=lambda name: (name != "rgb", name)))
        if stream and stream not in self.store.grids:
            raise UserError(f"{folder} has no stream {stream!r}; choose one of {', '.join(self.store.grids)}.")
        self.grid: TimeGrid | None = self.store.grid(self.streams)
        self.videos = self.store.videos

    def features(self, video: str) -> np.ndarray:
        """Features (T, D) of a video."""
        return np.concatenate([self.store.features(stream, video) for stream in self.streams], axis=1)


class FolderSet:
    """Arrays of a folder, by the names of their files.

    Raises:
        UserError: there are none, or two have one name.
    """

    grid: TimeGrid | None = None

    def __init__(self, folder: Path):
        self.name = str(folder)
        self.paths: dict[str, Path] = {}
        for path in sorted(folder.rglob("*.npy")):
            if other := self.paths.get(path.stem):
                raise UserError(f"{other} and {path} are of one video; name the folder of one stream.")
            self.paths[path.stem] = path
        if not self.paths:
            raise UserError(f"{folder} holds no arrays; name a feature store, or a folder with <video>.npy files.")
        self.videos = tuple(self.paths)

    def features(self, video: str) -> np.ndarray:
        """Features (T, D) of a video, mapped from its file.

        Raises:
            UserError: the file is damaged, or no such array.
        """
        path = self.paths[video]
        array = npyfile.load(path, "name a folder with <video>.npy files")
        if array.ndim != 2 or array.dtype.kind != "f" or 0 in array.shape:
            raise UserError(f"{path}: {array.dtype} of shape {array.shape}; save one row of floats a snippet, (T, D).")
        if not np.isfinite(array).all():
            raise UserError(f"{path} holds NaN or infinity; extract the video again.")
        return array


FeatureSet = StoreSet | FolderSet


@dataclass(frozen=True)
class Difference:
    """How two arrays of one video differ."""

    video: str
    shapes: tuple[tuple[int, int], tuple[int, int]]  # (T, D) of both
    cosine: float  # mean over snippets; NaN where widths differ
    lowest: float  # of a snippet
    scale: float  # mean length of the second's vectors over that of the first's
    largest: float  # absolute difference of two numbers

    @property
    def snippets(self) -> float:
        """Snippets of the second for one of the first."""
        return self.shapes[1][0] / self.shapes[0][0]


def opened(folder: Path, stream: str | None) -> FeatureSet:
    """The feature set in a folder; `stream` alone, if one is named.

    Raises:
        UserError: there is none.
    """
    if manifest.file(folder).is_file():
        return StoreSet(folder, stream)
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; name a dataset of params.yaml whose features are made, or a folder of arrays.")
    return FolderSet(folder / stream if stream and (folder / stream).is_dir() else folder)


def differences(first: FeatureSet, second: FeatureSet) -> Iterator[Difference]:
    """The differences of the videos that both sets have, by name.

    Raises:
        UserError: they have none in common.
    """
    common = sorted(set(first.videos) & set(second.videos))
    if not common:
        raise UserError(
            f"{first.name} and {second.name} have no video in common (for instance {first.videos[0]!r} and "
            f"{second.videos[0]!r}); name sets of the same videos, spelt alike."
        )
    for number, video in enumerate(common, start=1):
        yield difference(video, first.features(video), second.features(video), (first.grid, second.grid))
        progress.report("videos", number, len(common))


def difference(video: str, a: np.ndarray, b: np.ndarray, grids: Sequence[TimeGrid | None]) -> Difference:
    """How arrays (T, D) and (T', D') of a video on these grids differ."""
    shapes = (a.shape, b.shape)
    if a.shape[1] != b.shape[1]:
        return Difference(video, shapes, np.nan, np.nan, np.nan, np.nan)
    rows = pairs(len(a), len(b), grids)
    x, y = (np.asarray(array[chosen], dtype=np.float64) for array, chosen in zip((a, b), rows, strict=True))
    lengths = np.linalg.norm(x, axis=1), np.linalg.norm(y, axis=1)
    both = lengths[0] * lengths[1]
    cosines = np.where(both > 0, np.einsum("td,td->t", x, y) / np.where(both > 0, both, 1), lengths[0] == lengths[1])
    mean = [float(length.mean()) for length in lengths]
    scale = mean[1] / mean[0] if mean[0] else np.nan
    return Difference(video, shapes, float(cosines.mean()), float(cosines.min()), scale, float(np.abs(x - y).max()))


def pairs(first_t: int, second_t: int, grids: Sequence[TimeGrid | None]) -> tuple[np.ndarray, np.ndarray]:
    """Indices (K,) and (K,) of the snippets of two arrays that are compared."""
    one, other = grids
    if one == other and (one is not None or abs(first_t - second_t) <= UNEVEN_T):
        both = np.arange(min(first_t, second_t))
        return both, both
    if one is None or other is None:
        few = np.arange(min(first_t, second_t))
        spread = [((few + 0.5) * length / len(few)).astype(int) for length in (first_t, second_t)]
        return spread[0], spread[1]
    if one.step_s < other.step_s:
        second, first = pairs(second_t, first_t, (other, one))
        return first, second
    nearest = np.rint(other.snippets(one.seconds(np.arange(first_t) + 0.5)) - 0.5).astype(int)
    inside = np.flatnonzero((nearest >= 0) & (nearest < second_t))
    return inside, nearest[inside]
