"""ActivityNet's layout, the one to use for videos of one's own: one JSON file, and one .npy per video and stream.

    <root>/<annotations>      {"classes": [...], "database": {video: {"subset", "duration", "annotations":
                              [{"label", "segment": [start, end]}]}}}, times in seconds
    <root>/<features>         one array (T, D) per video, for instance features/{video}.npy

- "classes" is optional and gives the order of classes; without it they are the sorted labels of the whole file.
- "segment" is optional: a training video needs its labels only.
- "duration" may be spelled "duration_second", and "database" may be missing (the file is then its inner part alone).
- Videos of other subsets than those in `splits` are left out. Where `lists` names files of video ids, these say the
  subset instead, and videos in none of them are left out.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from wstal.errors import UserError
from wstal.readers import _database, _files
from wstal.timegrid import TimeGrid
from wstal.types import Annotations

CURE = (
    "set `source` in params.yaml to the folder, the ActivityNet-style JSON file and the pattern of the feature files, "
    "or leave the video out with `exclude` or `lists`"
)


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder that the other paths start from, relative to the repository or absolute
    annotations: str  # the JSON file
    features: dict[str, str]  # stream -> path of a feature file; {video} is its id, {subset} its subset's name in `splits`
    splits: dict[str, str]  # train and test -> their names in the JSON file
    lists: dict[str, str]  # train and test -> text file of video ids, one a line; {}: all videos of the file
    exclude: list[str]  # videos to leave out


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """The annotations of the file."""
    database = _read(source)
    rows = []
    for video, subset in _chosen(source, database).items():
        entry = database.entries[video]
        duration_s = entry.duration_second if entry.duration is None else entry.duration
        if duration_s is None:
            raise UserError(f'{database.path}: {video} has no "duration"; add it, in seconds.')
        rows.append((video, subset, duration_s))
    return _database.assemble(database, rows, ())


def features(source: Source, streams: tuple[str, ...], grid: TimeGrid) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) memory-mapped array}) in the order of the file."""
    for stream in streams:
        if "{video}" not in source.features.get(stream, ""):
            raise UserError(f"params.yaml: `source.features` needs a path with {{video}} for stream {stream!r}; add it.")
    videos = _chosen(source, _read(source))
    paths = {
        video: {stream: _path(source, stream, video, source.splits.get(subset, subset)) for stream in streams}
        for video, subset in videos.items()
    }
    _files.require((path for of_video in paths.values() for path in of_video.values()), CURE)
    for video, of_video in paths.items():
        yield video, {stream: _files.load_array(path, CURE) for stream, path in of_video.items()}


def _read(source: Source) -> _database.Database:
    return _database.read(_files.folder(source.root) / source.annotations, CURE)


def _path(source: Source, stream: str, video: str, subset: str) -> Path:
    pattern = source.features[stream].replace("{subset}", subset).replace("{video}", video)
    return _files.folder(source.root) / pattern


def _chosen(source: Source, database: _database.Database) -> dict[str, str]:
    """Video id -> our subset."""
    if source.lists:
        root = _files.folder(source.root)
        listed = {subset: _files.read_ids(root / name, CURE) for subset, name in source.lists.items()}
        videos = _files.disjoint(listed, root)
    else:
        ours = {theirs: name for name, theirs in source.splits.items()}
        videos = {video: ours[entry.subset] for video, entry in database.entries.items() if entry.subset in ours}
    chosen = {video: videos[video] for video in _files.drop(videos, source.exclude, database.path)}
    database.require(chosen)
    return chosen
