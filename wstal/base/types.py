"""Frozen records that travel between the parts. Arrays carry shape and unit; N detections, T snippets, C classes."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Video:
    """A video with its labels and no times: all that weak supervision may know."""

    id: str
    subset: str  # "train" or "test"
    duration_s: float
    labels: tuple[str, ...]  # video-level labels, sorted, each once
    draw: int = 0  # of a dataset that is drawn anew with every seed: the seed whose runs see the video


@dataclass(frozen=True)
class Segment:
    """One annotated action instance."""

    video: str
    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Annotations:
    """A published annotation set as a reader returns it. Order of `classes` is the class index everywhere."""

    classes: tuple[str, ...]
    videos: tuple[Video, ...]
    segments: tuple[Segment, ...]
    ambiguous: tuple[Segment, ...] = ()  # times where annotators could not decide; the label is "Ambiguous"
    notes: tuple[str, ...] = ()  # what is odd about the file that they come from, a sentence each

    def first_draw(self) -> "Annotations":
        """The videos of the first draw; of a dataset that is not redrawn, all."""
        draw = min((video.draw for video in self.videos), default=0)
        kept = {video.id: video for video in self.videos if video.draw == draw}
        segments, ambiguous = (tuple(x for x in times if x.video in kept) for times in (self.segments, self.ambiguous))
        return replace(self, videos=tuple(kept.values()), segments=segments, ambiguous=ambiguous)


def of_draw(subset: str, draw: int) -> str:
    """What segments.json calls a subset of a draw: "test" of draw 0, "test-3" of draw 3."""
    return f"{subset}-{draw}" if draw else subset


@dataclass(frozen=True)
class Detections:
    """Detected action instances as columns; row i is videos[video[i]], labels[label[i]], [start_s, end_s), score."""

    videos: tuple[str, ...]
    labels: tuple[str, ...]
    video: np.ndarray  # (N,) int32, index into videos
    label: np.ndarray  # (N,) int32, index into labels
    start_s: np.ndarray  # (N,) float64, seconds
    end_s: np.ndarray  # (N,) float64, seconds
    score: np.ndarray  # (N,) float64, higher is surer

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True)
class Truth:
    """Ground truth as columns, in the order of the file. Only `wstal.evaluation.truth` makes it."""

    videos: tuple[str, ...]  # every test video, also those without an instance
    labels: tuple[str, ...]  # classes; the index is the class index
    video: np.ndarray  # (M,) int32, index into videos
    label: np.ndarray  # (M,) int32, index into labels
    start_s: np.ndarray  # (M,) float64, seconds
    end_s: np.ndarray  # (M,) float64, seconds
    ambiguous_video: np.ndarray  # (A,) int32, index into videos
    ambiguous_start_s: np.ndarray  # (A,) float64, seconds
    ambiguous_end_s: np.ndarray  # (A,) float64, seconds


@dataclass(frozen=True)
class Groups:
    """What a training batch begins with: groups of neighbouring bags whose videos share a class."""

    count: int  # groups of a batch; without any, batches are shuffled videos
    size: int  # bags of a group
    replace: bool  # whether a video may stand twice in a group


@dataclass(frozen=True)
class VideoScores:
    """What one network says about one video: the input of `wstal.detect.localize`."""

    activation: np.ndarray  # (T, C) float64, class activation sequence that is thresholded
    video_score: np.ndarray  # (C,) float64, video-level class scores
    actionness: np.ndarray  # (T,) float64, class-agnostic foreground score
    logits: np.ndarray | None = None  # (T, C) float64, raw class scores of each snippet: what STPN scores runs on
