"""The embedded simulator as a dataset; its parameters are the `source` section itself. See datasets/simulation."""

from collections.abc import Iterator

import numpy as np

from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets.simulation import script, simulate
from wstal.datasets.simulation.script import Script
from wstal.datasets.simulation.simulate import Source as Source


def annotations(source: Script, grid: TimeGrid) -> Annotations:
    """Labels and times of all simulated videos."""
    videos, segments = [], []
    for video in script.timelines(source):
        names = [source.names[instance.label] for instance in video.instances]
        videos.append(Video(video.id, video.subset, video.duration_s, tuple(sorted(set(names)))))
        segments += [
            Segment(video.id, name, instance.start_s, instance.end_s)
            for name, instance in zip(names, video.instances, strict=True)
        ]
    return Annotations(tuple(source.names), tuple(videos), tuple(segments))


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video, {stream: (T, D)}) for all simulated videos."""
    for video in script.timelines(source):
        yield video.id, {stream: simulate.features(video, source, stream, grids[stream]) for stream in streams}
