"""Snippets of a whole dataset side by side, each with what is known of it: what statistics of features are measured on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations


@dataclass(frozen=True)
class Sample:
    """The N snippets of a dataset in one stream, video by video, in order of time."""

    x: np.ndarray  # (N, D) features, float32
    step_s: float  # seconds from one snippet of a video to the next
    video: np.ndarray  # (N,) index of the video
    train: np.ndarray  # (N,) bool: of a training video
    label: np.ndarray  # (N,) class index, -1 in background
    piece: np.ndarray  # (N,) index of the stretch of one label, and of one footage, that a snippet lies in
    place: np.ndarray  # (N,) place in the instance, 0 at its start, 1 at its end; nan in background
    unedited: np.ndarray  # (N,) bool: of a video that nobody has cut together

    @property
    def action(self) -> np.ndarray:
        """(N,) bool: shows an action."""
        return self.label >= 0


def sample(
    annotations: Annotations, features: Mapping[str, np.ndarray], grid: TimeGrid, cuts_s: Mapping[str, Sequence[float]]
) -> Sample:
    """Snippets of annotated videos, from features {video: (T, D)}; `cuts_s` says where videos were cut together, in seconds.

    A snippet has the label of the instance that its centre lies in: where instances overlap, of the one that starts last.
    """
    of_name = {name: number for number, name in enumerate(annotations.classes)}
    segments: dict[str, list[tuple[float, float, int]]] = {video.id: [] for video in annotations.videos}
    for one in sorted(annotations.segments, key=lambda one: one.start_s):
        segments[one.video].append((one.start_s, one.end_s, of_name[one.label]))
    videos = [video for video in annotations.videos if video.id in features]
    known = [labelled(len(features[video.id]), segments[video.id], grid) for video in videos]
    counts = [len(label) for label, _, _ in known]

    def spread(values: list) -> np.ndarray:
        return np.repeat(np.array(values), counts)

    number, label = spread(list(range(len(videos)))), np.concatenate([label for label, _, _ in known])
    instance = np.concatenate([instance for _, instance, _ in known])
    footage = np.concatenate([
        np.searchsorted(sorted(cuts_s.get(video.id, ())), centres(count, grid), side="right")
        for video, count in zip(videos, counts, strict=True)
    ])  # fmt: skip
    changes = np.any([np.diff(index) != 0 for index in (number, instance, footage)], axis=0)
    return Sample(
        x=np.concatenate([features[video.id] for video in videos]).astype(np.float32),
        step_s=grid.step_s,
        video=number,
        train=spread([video.subset == "train" for video in videos]),
        label=label,
        piece=np.concatenate([[0], np.cumsum(changes)]),
        place=np.concatenate([place for _, _, place in known]),
        unedited=spread([not cuts_s.get(video.id) for video in videos]),
    )


def labelled(
    count_t: int, segments: list[tuple[float, float, int]], grid: TimeGrid
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class, number of the instance (-1, -1 in background) and place in it of each snippet of a video: (T,) each."""
    centre = centres(count_t, grid)
    label, instance, place = np.full(count_t, -1), np.full(count_t, -1), np.full(count_t, np.nan)
    for number, (start_s, end_s, which) in enumerate(segments):
        inside = (centre >= start_s) & (centre < end_s)
        label[inside], instance[inside] = which, number
        place[inside] = (centre[inside] - start_s) / (end_s - start_s)
    return label, instance, place


def centres(count_t: int, grid: TimeGrid) -> np.ndarray:
    """Centres of the first snippets of a video in seconds, (T,)."""
    return grid.seconds(np.arange(count_t) + 0.5)
