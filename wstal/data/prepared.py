"""A prepared dataset on disk, as training sees it: video-level labels and features, each read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from wstal.base.paths import Tree
from wstal.base.types import Video
from wstal.data import labels
from wstal.data.bags import Bags
from wstal.data.labels import Labels
from wstal.data.store import FeatureStore


@dataclass(frozen=True)
class Prepared:
    """Labels and features of one draw of a dataset. Another process gets the paths, and reads for itself."""

    annotations: Path  # the folder of videos.json; of what else lies there, nothing is read
    features: Path  # the folder of the feature store
    draw: int = 0  # whose videos are seen; a dataset that is not redrawn has draw 0 alone

    @classmethod
    def of(cls, tree: Tree, dataset: str, draw: int) -> "Prepared":
        """A draw of the dataset of that name in a tree."""
        return cls(tree.annotations(dataset), tree.features(dataset), draw)

    @cached_property
    def labels(self) -> Labels:
        """Video-level labels, of all draws."""
        return labels.read(self.annotations / "videos.json")

    @cached_property
    def store(self) -> FeatureStore:
        """Features."""
        return FeatureStore(self.features)

    def videos(self, subset: str) -> tuple[Video, ...]:
        """The videos of "train" or "test", in the order of their names."""
        return self.labels.subset(subset, self.draw)

    def bags(self, streams: tuple[str, ...], subset: str) -> Bags:
        """The videos of "train" or "test" as bags of these streams, concatenated."""
        videos = self.videos(subset)
        return Bags(self.store, streams, [video.id for video in videos], self.labels.multi_hot(videos))

    def durations_s(self, subset: str = "test") -> dict[str, float]:
        """Length of each video of "train" or "test" in seconds."""
        return {video.id: video.duration_s for video in self.videos(subset)}

    def content(self) -> bytes:
        """All that training can read: equal contents train equal weights."""
        videos, known = self.videos("train"), self.store.manifest
        stored = {video.id: known.videos.get(video.id, {}) for video in videos}
        hashes = {video: {stream: rows.sha256 for stream, rows in streams.items()} for video, streams in stored.items()}
        return msgspec.json.encode([self.labels.classes, videos, known.grids, known.streams, hashes], order="sorted")

    def __getstate__(self) -> dict[str, Any]:
        return {"annotations": self.annotations, "features": self.features, "draw": self.draw}
