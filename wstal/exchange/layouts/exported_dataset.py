"""A prepared dataset as layouts see it: labels, times and features of every video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from wstal.base import progress
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.border import content, filenames, jsonfile
from wstal.data import labels
from wstal.data.store import FeatureStore

AGAIN = "make it again with `dvc repro annotations`"


class _Annotation(msgspec.Struct):
    label: str
    segment: tuple[float, float]


class _Entry(msgspec.Struct):
    annotations: list[_Annotation]
    ambiguous: list[tuple[float, float]] = []


class _SegmentTimes(msgspec.Struct):
    database: dict[str, _Entry]


@dataclass(frozen=True)
class ExportedDataset:
    """A dataset with features in streams, on one grid where they are joined."""

    name: str
    classes: tuple[str, ...]
    videos: tuple[Video, ...]  # by name
    segments: dict[str, list[Segment]]  # of every video, by time
    ambiguous: dict[str, list[tuple[float, float]]]  # start, end in seconds
    store: FeatureStore
    streams: tuple[str, ...]  # in the order in which they stand side by side

    @property
    def grid(self) -> TimeGrid:
        """The time grid of all streams.

        Raises:
            UserError: they lie on several.
        """
        return self.store.grid(self.streams)

    @property
    def dim(self) -> int:
        """Feature width D of all streams side by side."""
        return sum(map(self.store.dim, self.streams))

    def subset(self, name: str) -> list[Video]:
        """Videos of "train" or "test"."""
        return [video for video in self.videos if video.subset == name]

    def joint(self, video: str) -> np.ndarray:
        """Features (T, D) of a video, its streams side by side; of one stream a view of its file."""
        arrays = [self.store.features(stream, video) for stream in self.streams]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays, axis=1)

    def each(self, what: str) -> Iterator[Video]:
        """The videos, one after the other; `what` is done with them, as a bar on the screen says."""
        for number, video in enumerate(self.videos, start=1):
            yield video
            progress.report(what, number, len(self.videos))


def read(name: str, annotations: Path, features: Path, streams: tuple[str, ...]) -> ExportedDataset:
    """The dataset whose annotations and feature store lie in these folders; of one that is redrawn, the first draw.

    Raises:
        UserError: a file is missing or damaged, or the streams are not there or lie on several grids.
    """
    known = labels.read(annotations / "videos.json")
    path = annotations / "segments.json"
    content.require([path], AGAIN)
    times = jsonfile.read(path, _SegmentTimes, "is damaged", AGAIN).database
    draw = min((video.draw for video in known.videos), default=0)
    videos = tuple(sorted((video for video in known.videos if video.draw == draw), key=lambda video: video.id))
    if lost := [video.id for video in videos if video.id not in times]:
        raise UserError(f"{path} lacks video {lost[0]!r}, which videos.json names; {AGAIN}.")
    for video in videos:
        filenames.part(video.id, str(path))  # layouts name files by it
    segments = {video: [Segment(video, one.label, *one.segment) for one in entry.annotations] for video, entry in times.items()}
    ambiguous = {video: entry.ambiguous for video, entry in times.items()}
    store = FeatureStore(features)
    if absent := [stream for stream in streams if stream not in store.grids]:
        raise UserError(f"{features} has no stream {absent[0]!r}; make the features again with `dvc repro features`.")
    store.grid(streams)
    return ExportedDataset(name, known.classes, videos, segments, ambiguous, store, streams)
