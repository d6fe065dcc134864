"""Features + video-level labels -> bags: padded batches with a mask."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from wstal.base.types import Groups
from wstal.data.sampling import Snippets, draw
from wstal.data.store import Store


class Batch(NamedTuple):
    """B bags, padded to the T snippets of the longest."""

    x: Tensor  # (B, T, D) float32, zeros in the padding
    mask: Tensor  # (B, T) bool, True = real snippet
    labels: Tensor  # (B, C) float32, multi-hot


class Bags:
    """Videos of one subset as bags, with their labels (N, C) multi-hot.

    `streams` with more than one name are concatenated (early fusion), on one grid.
    """

    def __init__(self, store: Store, streams: Sequence[str], videos: Sequence[str], labels: np.ndarray):
        self.store, self.streams, self.videos = store, tuple(streams), tuple(videos)
        self.grid = store.grid(self.streams)
        self.labels = torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.videos)

    @property
    def dim(self) -> int:
        """Feature width D of a bag."""
        return sum(self.store.dim(stream) for stream in self.streams)

    def features(self, i: int) -> np.ndarray:
        """All snippets of video i: (T, D) float32."""
        return np.concatenate(self._views(i), axis=1, dtype=np.float32)

    def _views(self, i: int) -> list[np.ndarray]:
        """All snippets of video i, (T, D) of each stream, as they are stored."""
        return [self.store.features(stream, self.videos[i]) for stream in self.streams]

    def batch(self, index: Sequence[int], snippets: Snippets, rng: np.random.Generator) -> Batch:
        """The bags `index` (B,) as one padded batch, of each the snippets that `draw` takes."""
        bags = [self._views(i) for i in index]
        drawn = [draw(len(views[0]), snippets, rng) for views in bags]
        x = torch.zeros(len(bags), max(map(len, drawn)), self.dim)
        mask = torch.zeros(x.shape[:2], dtype=torch.bool)
        for row, (views, chosen) in enumerate(zip(bags, drawn, strict=True)):
            out = x[row, : len(chosen)].numpy()
            np.concatenate([view[chosen] for view in views], axis=1, out=out)
            mask[row, : len(chosen)] = True
        return Batch(x, mask, self.labels[list(index)])


def shuffled(count: int, size: int, epochs: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches (size,) of indices below `count`, from a fresh permutation an epoch.

    A batch runs on over the end of an epoch; an incomplete last one is left out.
    """
    order = np.concatenate([rng.permutation(count) for _ in range(epochs)])
    for step in range(len(order) // size):
        yield order[step * size : (step + 1) * size]


def grouped(labels: np.ndarray, size: int, epochs: int, groups: Groups, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Batches (size,) of indices, as many as `shuffled` makes: groups of videos that share a class, then single videos.

    labels (N, C) multi-hot. Each group draws its class anew among all that a video shows, then its videos among those of
    the class: with replacement if `groups.replace` or if the class has fewer videos than a group, else without. Single
    videos are drawn with replacement from all.
    """
    members = [videos for column in labels.T if len(videos := np.flatnonzero(column))]
    for _ in range(len(labels) * epochs // size):
        drawn = [members[i] for i in rng.integers(len(members), size=groups.count)]
        parts = [rng.choice(videos, groups.size, replace=groups.replace or len(videos) < groups.size) for videos in drawn]
        yield np.concatenate([*parts, rng.integers(len(labels), size=size - groups.count * groups.size)])
