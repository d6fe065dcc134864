"""The embedded simulator as a dataset; its parameters are the `source` section itself. See datasets/simulation."""

from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets.simulation import timelines
from wstal.datasets.simulation.features import Source as Source
from wstal.datasets.simulation.features import features as features
from wstal.datasets.simulation.timelines import TimelineStatistics


def annotations(source: TimelineStatistics, grid: TimeGrid) -> Annotations:
    """Labels and times of all simulated videos."""
    videos, segments = [], []
    for video in timelines.timelines(source):
        names = [source.names[instance.label] for instance in video.instances]
        videos.append(Video(video.id, video.subset, video.duration_s, tuple(sorted(set(names))), video.draw))
        segments += [
            Segment(video.id, name, instance.start_s, instance.end_s)
            for name, instance in zip(names, video.instances, strict=True)
        ]
    return Annotations(tuple(source.names), tuple(videos), tuple(segments))
