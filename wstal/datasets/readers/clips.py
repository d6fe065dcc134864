"""The embedded films as a dataset of videos; its parameters are the `source` section itself. See `wstal.datasets.clips`."""

from pathlib import Path

from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets.clips import render as films
from wstal.datasets.clips.storyboards import Source as Source
from wstal.datasets.clips.storyboards import storyboards
from wstal.datasets.readers import _files


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """Labels and times of all films, whether or not they have been rendered."""
    listed, segments = [], []
    for storyboard in storyboards(source):
        actions = [(source.classes[shot.label], *shot.action_f) for shot in storyboard.shots if shot.action_f]
        labels = tuple(sorted({name for name, *_ in actions}))
        listed.append(Video(storyboard.id, storyboard.subset, storyboard.frames / source.fps, labels))
        segments += [Segment(storyboard.id, name, first / source.fps, end / source.fps) for name, first, end in actions]
    return Annotations(tuple(source.classes), tuple(listed), tuple(segments))


def videos(source: Source) -> dict[str, Path]:
    """Video id -> its file, which `render` makes."""
    root = _files.folder(source.root)
    return {storyboard.id: root / f"{storyboard.id}.mp4" for storyboard in storyboards(source)}


def render(source: Source) -> None:
    """Draw the films; files that are right already stay as they are."""
    films.render(source, _files.folder(source.root))
