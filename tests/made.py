"""Ground truth and detections from rows of numbers, rows of names from detections, and plans of datasets."""

import numpy as np

from wstal.base.conversion import convert
from wstal.base.types import Detections, Truth
from wstal.config.parameters import Features
from wstal.config.plan import DatasetPlan

VIDEOS, LABELS = ("a", "b", "c"), ("x", "y", "z")


def columns(rows, width):
    return np.array(rows, dtype=float).reshape(-1, width).T


def make_truth(instances, videos=VIDEOS, labels=LABELS, ambiguous=()) -> Truth:
    """From (video, label, start, end) and (video, start, end) by index."""
    video, label, *times = columns(instances, 4)
    a_video, *a_times = columns(ambiguous, 3)
    return Truth(videos, labels, video.astype(np.int32), label.astype(np.int32), *times, a_video.astype(np.int32), *a_times)


def make_detections(rows, videos=VIDEOS, labels=LABELS) -> Detections:
    """From (video, label, start, end, score) by index."""
    video, label, *rest = columns(rows, 5)
    return Detections(videos, labels, video.astype(np.int32), label.astype(np.int32), *rest)


def rows_of(found: Detections) -> list[tuple]:
    """(video, label, start, end, score) by name."""
    rows = zip(found.video, found.label, found.start_s, found.end_s, found.score, strict=True)
    return [(found.videos[v], found.labels[c], *rest) for v, c, *rest in rows]


def dataset_plan(name, features) -> DatasetPlan:
    """From the section `features` of a dataset."""
    return DatasetPlan(name=name, features=convert(features, Features, f"params.yaml, datasets.{name}.features"))
