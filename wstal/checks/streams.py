"""Whether features are what they are called: constant, zero, equal or exchanged arrays, seen video by video."""

import os
import re
from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from wstal.checks.findings import Findings, some

COLUMNS = 64  # features of a snippet, evenly spaced, whose means stand for a video
FEWEST = 4  # videos from which it shows what a stream looks like
ENOUGH_T = 25  # snippets of which not all can be zero
CLEAR = 5.0  # robust deviations that an exchange must stand out by

Hashes = Mapping[str, Mapping[str, str]]  # video -> stream -> the hash of its features


class StreamChecks:
    """Takes the features of one video after the other, and keeps a few numbers of each."""

    def __init__(self, findings: Findings, extracted: bool = False):
        """With `extracted`, features come from networks and not from files, whose streams may have been mixed up."""
        self.findings, self.extracted = findings, extracted
        self.constant: set[str] = set()  # videos with a stream of equal snippets
        self._videos: list[str] = []
        self._snippets_t = 0
        self._zero: dict[str, list[str]] = {}  # stream -> its videos that are zero
        self._means: dict[str, list[np.ndarray]] = {}  # stream -> (COLUMNS,) of each video

    def see(self, video: str, features: Mapping[str, np.ndarray]) -> None:
        """Look at the features {stream: (T, D)} of a video."""
        self._videos.append(video)
        self._snippets_t += len(next(iter(features.values())))
        for stream, x in features.items():
            self._zero.setdefault(stream, [])
            self._means.setdefault(stream, []).append(_mean(x))
            if np.array_equal(x[0], x[-1]) and (x == x[0]).all():
                self._see_constant(video, stream, x)
        for one, other in combinations(features, 2):
            if not self.extracted and video not in self.constant and np.array_equal(features[one], features[other]):
                problem = f"streams {one!r} and {other!r} of video {video!r} hold the same features"
                self.findings.found(
                    "identical streams", problem, "give each stream its own files, or take one of them off `streams`"
                )

    def finish(self, hashes: Hashes, subsets: Mapping[str, str]) -> None:
        """Say what only all videos together show; subsets are {video: train or test}."""
        for stream, videos in self._zero.items():
            if videos and len(videos) == len(self._videos) and self._snippets_t >= ENOUGH_T:
                problem = f"all features of stream {stream!r} are zero, in all {len(videos)} videos"
                self.findings.found("zero stream", problem, "extract it again, or take it off `streams`")
            else:
                for video in videos:
                    cure = "extract these again, or leave them out"
                    self.findings.found("zero features", f"stream {stream!r} of video {video!r}", cure)
        for one, other in combinations(self._means, 2):
            for video in exchanged(self._videos, self._means[one], self._means[other]):
                problem = f"{one!r} and {other!r} of video {video!r} look exchanged"
                self.findings.found("swapped streams", problem, "look whether each stream names its own files")
        check_shared({v: streams for v, streams in hashes.items() if v not in self.constant}, subsets, self.findings)

    def _see_constant(self, video: str, stream: str, x: np.ndarray) -> None:
        if not x.any():
            self._zero[stream].append(video)
        elif len(x) > 1:
            problem = f"all {len(x)} snippets of stream {stream!r} of video {video!r} are the same"
            self.findings.found("constant features", problem, "nothing can be found in time; extract these again")
        self.constant.add(video)


def check_paths(paths: Mapping[str, Path], findings: Findings) -> None:
    """Streams whose files are called as another stream; paths are {stream: file of one video}."""
    if len(set(paths.values())) < 2:
        return
    shared = len(os.path.commonpath(paths.values()))
    for stream, path in paths.items():
        words = re.split(r"[\W_]+", str(path)[shared:].casefold())
        if stream.casefold() not in words and (others := [name for name in paths if name.casefold() in words]):
            problem = f"stream {stream!r} is read from {path}, which is called as {others[0]!r}"
            findings.found("swapped streams", problem, "look whether each stream names its own files")


def check_shared(hashes: Hashes, subsets: Mapping[str, str], findings: Findings) -> None:
    """Videos with the very same features, in one subset or in both."""
    groups: dict[tuple[str, str], list[str]] = {}
    for video, of_video in hashes.items():
        for stream, digest in of_video.items():
            groups.setdefault((stream, digest), []).append(video)
    for (stream, _), videos in groups.items():
        of_subset = {name: [video for video in videos if subsets[video] == name] for name in ("train", "test")}
        if all(of_subset.values()):
            problem = f"training video {some(of_subset['train'])} and test video {some(of_subset['test'])} have the same "
            cure = "give each its own features, or leave out one of them"
            findings.found("shared features", f"{problem}{stream!r} features", cure)
        elif len(videos) > 1:
            cure = "look whether each has its own"
            findings.found("same features", f"stream {stream!r} of videos {some(videos)} is the same", cure)


def exchanged(videos: list[str], one: list[np.ndarray], other: list[np.ndarray]) -> list[str]:
    """Videos whose two streams look like each other's of the other videos; one and other are (C,) of each of N videos.

    A video's margin is how much nearer its means lie to those of their own stream than to those of the other one. It is about
    the same for all videos but those that are exchanged, where it is about as large and negative.
    """
    if len(videos) < FEWEST or one[0].shape != other[0].shape:
        return []
    a, b = np.stack(one).astype(np.float64), np.stack(other).astype(np.float64)  # (N, C)
    centre_a, centre_b = np.median(a, axis=0), np.median(b, axis=0)
    margin = _distance(a, centre_b) + _distance(b, centre_a) - _distance(a, centre_a) - _distance(b, centre_b)  # (N,)
    typical = float(np.median(margin))
    deviation = 1.4826 * float(np.median(np.abs(margin - typical)))
    clear = typical > 0 and (margin < -typical / 2) & (typical - margin > CLEAR * deviation)
    return [videos[i] for i in np.flatnonzero(clear)]


def _mean(x: np.ndarray) -> np.ndarray:
    """Means over time of evenly spaced columns of (T, D): (C,) with C at most COLUMNS."""
    width = x.shape[1]
    chosen = np.linspace(0, width - 1, min(width, COLUMNS)).astype(int)
    return x[:, chosen].mean(axis=0, dtype=np.float64).astype(np.float32)


def _distance(x: np.ndarray, centre: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x - centre, axis=1)
