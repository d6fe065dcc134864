"""Features as bags read them: those of a store on disk, one memory-mapped array a stream, or arrays in memory."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wstal.base import manifest
from wstal.base.errors import UserError
from wstal.base.manifest import AGAIN
from wstal.base.timegrid import Grids, TimeGrid
from wstal.border import manifestfile, npyfile


class Place(NamedTuple):
    """Where a video's snippets are in the array of a stream."""

    start: int  # row of the first one
    length: int  # how many, T


class Store(ABC):
    """Features of videos: (T, D) float16 or float32 of each video and stream."""

    name: str  # how sentences call the store
    grids: Grids
    videos: tuple[str, ...]

    @abstractmethod
    def rows(self, stream: str, video: str) -> Place:
        """Where a video's features are in the array of the stream."""

    @abstractmethod
    def array(self, stream: str) -> np.ndarray:
        """Features of all videos one behind the other, (sum of T, D)."""

    def features(self, stream: str, video: str) -> np.ndarray:
        """Features (T, D) of a video: a view."""
        rows = self.rows(stream, video)
        return self.array(stream)[rows.start : rows.start + rows.length]

    @abstractmethod
    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""

    def grid(self, streams: Sequence[str]) -> TimeGrid:
        """The time grid that `streams` share.

        Raises:
            UserError: they lie on different grids, so that they can be neither concatenated nor fused.
        """
        if absent := [stream for stream in streams if stream not in self.grids]:
            known = ", ".join(self.grids)
            raise UserError(f"{self.name} has no stream {absent[0]!r}; set `streams` in params.yaml to those there, {known}.")
        own = {stream: self.grids[stream] for stream in streams}
        first = next(iter(own))
        for stream, grid in own.items():
            if grid != own[first]:
                raise UserError(
                    f"{self.name}: streams {first!r} and {stream!r} lie on different time grids ({own[first]}, {grid}), so "
                    "their snippets cannot be joined; set `streams` in params.yaml to streams of one grid, or extract them "
                    "on one grid."
                )
        return own[first]


class FeatureStore(Store):
    """A store on disk (wstal/base/manifest.py). Arrays are mapped when they are first read, a file descriptor a stream.

    Raises:
        UserError: the manifest is missing or damaged.
    """

    def __init__(self, folder: Path):
        self.folder, self.name = folder, str(folder)
        self.manifest = manifestfile.read(folder)
        self.grids = self.manifest.grids
        self.videos = tuple(sorted(self.manifest.videos))
        self._arrays: dict[str, np.ndarray] = {}

    def __reduce__(self) -> tuple[type, tuple[Path]]:
        return FeatureStore, (self.folder,)

    def rows(self, stream: str, video: str) -> Place:
        """Where a video's features are in the array of the stream.

        Raises:
            UserError: the store has no such features.
        """
        try:
            rows = self.manifest.videos[video][stream]
        except KeyError:
            raise UserError(f"{manifest.file(self.folder)} lists no {stream} features of video {video}; {AGAIN}.") from None
        return Place(rows.start, rows.length)

    def array(self, stream: str) -> np.ndarray:
        """Features of all videos one behind the other, (sum of T, D): the file.

        Raises:
            UserError: the file of the stream is missing or damaged.
        """
        if stream not in self._arrays:
            self._arrays[stream] = self._map(stream)
        return self._arrays[stream]

    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""
        self.grid((stream,))
        return self.manifest.streams[stream].dim

    def _map(self, stream: str) -> np.ndarray:
        """The array of a stream (sum of T, D), whose file is as long as its header and the manifest say."""
        path, form = manifest.array_file(self.folder, stream), self.manifest.streams[stream]
        try:
            array = npyfile.mapped(path, f"{path} is damaged", AGAIN)
            size = path.stat().st_size - (array.offset if isinstance(array, np.memmap) else 0)
        except FileNotFoundError:
            raise UserError(f"{path} is missing; {AGAIN}.") from None
        length = sum(streams[stream].length for streams in self.manifest.videos.values() if stream in streams)
        if (array.shape, array.dtype.name) != ((length, form.dim), form.dtype) or size != array.nbytes:
            raise UserError(
                f"{path} holds {array.dtype} of shape {array.shape} in {size} bytes, its manifest says {form.dtype} of shape "
                f"{(length, form.dim)}; {AGAIN}."
            )
        return array


class Beside(Store):
    """Two stores of the same videos as one, with the streams of both."""

    def __init__(self, first: Store, second: Store):
        self.first, self.second, self.name = first, second, first.name
        self.grids, self.videos = {**first.grids, **second.grids}, first.videos

    def of(self, stream: str) -> Store:
        """The store that has the stream."""
        return self.second if stream in self.second.grids else self.first

    def rows(self, stream: str, video: str) -> Place:
        """Where a video's features are in the array of the stream."""
        return self.of(stream).rows(stream, video)

    def array(self, stream: str) -> np.ndarray:
        """Features of all videos one behind the other, (sum of T, D)."""
        return self.of(stream).array(stream)

    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""
        return self.of(stream).dim(stream)


class ArrayStore(Store):
    """Features in memory, {video: {stream: (T, D)}}, of at least one video."""

    def __init__(self, arrays: Mapping[str, Mapping[str, np.ndarray]], grids: Grids):
        self.arrays, self.grids, self.name = arrays, grids, "features in memory"
        self.videos = tuple(arrays)
        self._ends = {stream: np.cumsum([len(video[stream]) for video in arrays.values()]).tolist() for stream in grids}
        self._places = {video: i for i, video in enumerate(arrays)}
        self._joined: dict[str, np.ndarray] = {}

    def rows(self, stream: str, video: str) -> Place:
        """Where a video's features are in the array of the stream."""
        length = len(self.arrays[video][stream])
        return Place(self._ends[stream][self._places[video]] - length, length)

    def array(self, stream: str) -> np.ndarray:
        """Features of all videos one behind the other, (sum of T, D): a copy, made once."""
        if stream not in self._joined:
            self._joined[stream] = np.concatenate([streams[stream] for streams in self.arrays.values()])
        return self._joined[stream]

    def features(self, stream: str, video: str) -> np.ndarray:
        """Features (T, D) of a video."""
        return self.arrays[video][stream]

    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""
        return self.arrays[self.videos[0]][stream].shape[1]
