"""A prepared dataset on disk, as training sees it: video-level labels and features, each read once."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from wstal.base.paths import Tree
from wstal.data import labels
from wstal.data.bags import Bags
from wstal.data.labels import Labels
from wstal.data.store import FeatureStore


@dataclass(frozen=True)
class Prepared:
    """Labels and features of one dataset. Another process gets the paths, and reads for itself."""

    annotations: Path  # the folder of videos.json; of what else lies there, nothing is read
    features: Path  # the folder of the feature store

    @classmethod
    def of(cls, tree: Tree, dataset: str) -> "Prepared":
        """The dataset of that name in a tree."""
        return cls(tree.annotations(dataset), tree.features(dataset))

    @cached_property
    def labels(self) -> Labels:
        """Video-level labels."""
        return labels.read(self.annotations / "videos.json")

    @cached_property
    def store(self) -> FeatureStore:
        """Features."""
        return FeatureStore(self.features)

    def bags(self, streams: tuple[str, ...], subset: str) -> Bags:
        """The videos of "train" or "test" as bags of these streams, concatenated."""
        videos = self.labels.subset(subset)
        return Bags(self.store, streams, [video.id for video in videos], self.labels.multi_hot(videos))

    def durations_s(self, subset: str = "test") -> dict[str, float]:
        """Length of each video of "train" or "test" in seconds."""
        return {video.id: video.duration_s for video in self.labels.subset(subset)}

    def __getstate__(self) -> dict[str, Any]:
        return {"annotations": self.annotations, "features": self.features}
