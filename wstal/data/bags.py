"""Features + video-level labels -> bags: which videos and snippets a step sees, and padded batches of them with a mask."""

import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
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

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device."""
        return self if device.type == "cpu" else Batch(*(part.to(device) for part in self))


class Drawn(NamedTuple):
    """What a step sees: B videos and the snippets of each."""

    videos: np.ndarray  # (B,) int64, their places among the bags
    snippets: list[np.ndarray]  # B times (K,) int64, rising places in the video

    @property
    def lengths(self) -> np.ndarray:
        """Snippets of each bag, (B,)."""
        return np.array([len(chosen) for chosen in self.snippets])

    def take(self, which: np.ndarray | slice) -> "Drawn":
        """Some of the bags, in that order: places (K,) among them, or a slice."""
        chosen = self.snippets[which] if isinstance(which, slice) else [self.snippets[i] for i in which]
        return Drawn(self.videos[which], chosen)


class Bags:
    """Videos of one subset as bags, with their labels (N, C) multi-hot.

    `streams` with more than one name are concatenated (early fusion), on one grid. `targets` are streams behind them that no
    method reads: what snippets are taught.
    """

    def __init__(
        self, store: Store, streams: Sequence[str], videos: Sequence[str], labels: np.ndarray, targets: Sequence[str] = ()
    ):
        self.store, self.videos = store, tuple(videos)
        self.read, self.streams = tuple(streams), (*streams, *targets)
        self.grid = store.grid(self.streams)
        self.labels = torch.from_numpy(labels)

    def __len__(self) -> int:
        return len(self.videos)

    @property
    def dim(self) -> int:
        """Feature width D of a bag, without targets."""
        return sum(self.store.dim(stream) for stream in self.read)

    @property
    def width(self) -> int:
        """Columns of a bag: features and targets."""
        return sum(self.store.dim(stream) for stream in self.streams)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Snippets of each video, (N,) int64."""
        return np.array([self.store.rows(self.streams[0], video).length for video in self.videos])

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each video in the array of each stream, (S, N) int64."""
        return np.array([[self.store.rows(stream, video).start for video in self.videos] for stream in self.streams])

    @cached_property
    def arrays(self) -> list[Tensor]:
        """Features of each stream, (sum of T, D) as they are stored, to read; not copied."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return [torch.from_numpy(self.store.array(stream)) for stream in self.streams]

    def features(self, i: int) -> np.ndarray:
        """All snippets of video i: (T, D) float32."""
        views = [self.store.features(stream, self.videos[i]) for stream in self.streams]
        return np.concatenate(views, axis=1, dtype=np.float32)

    def rows(self, i: int, snippets: np.ndarray) -> Tensor:
        """These snippets (K,) of video i: (K, D) as they are stored."""
        parts = [
            array.index_select(0, torch.from_numpy(snippets + start))
            for array, start in zip(self.arrays, self.starts[:, i], strict=True)
        ]
        return torch.cat(parts, dim=-1)

    def draw(self, index: np.ndarray, snippets: Snippets, rng: np.random.Generator) -> Drawn:
        """The bags `index` (B,), and of each the snippets that `sampling.draw` takes."""
        return Drawn(index, draw(self.lengths[index], snippets, rng))

    def gather(self, drawn: Drawn) -> Batch:
        """Bags as one padded batch."""
        places = padded(drawn.snippets)  # (B, T), -1 in the padding
        mask = torch.from_numpy(places >= 0)
        whole = bool(mask.all())
        rows = torch.from_numpy((places if whole else places.clip(0)) + self.starts[:, drawn.videos, None]).flatten(
            1
        )  # (S, B T)
        parts = [array.index_select(0, row).float() for array, row in zip(self.arrays, rows, strict=True)]
        x = (torch.cat(parts, dim=-1) if len(parts) > 1 else parts[0]).view(*mask.shape, -1)
        return Batch(x if whole else x.mul_(mask[..., None]), mask, self.labels[torch.from_numpy(drawn.videos)])

    def batch(self, index: Sequence[int], snippets: Snippets, rng: np.random.Generator) -> Batch:
        """The bags `index` (B,) as one padded batch, of each the snippets that are drawn."""
        return self.gather(self.draw(np.asarray(index), snippets, rng))


def padded(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Rows (K,) of different lengths as one array (B, T) of int64, -1 behind the shorter ones."""
    out = np.full((len(rows), max(map(len, rows))), -1, dtype=np.int64)
    for target, row in zip(out, rows, strict=True):
        target[: len(row)] = row
    return out


def batches(labels: np.ndarray, size: int, epochs: int, groups: Groups, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices (size,) of the bags of every step, grouped where the method compares bags: labels (N, C) multi-hot."""
    return grouped(labels, size, epochs, groups, rng) if groups.count else shuffled(len(labels), size, epochs, rng)


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
