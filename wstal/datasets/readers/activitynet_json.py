"""ActivityNet's layout (ActivityNet 1.2 and 1.3, HACS Segments), and the one to use for videos of one's own.

    <root>/<annotations>      {"classes": [...], "database": {video: {"subset", "duration", "annotations":
                              [{"label", "segment": [start, end]}]}}}, times in seconds
    <root>/<features>         an array per video in a file of its own, or all in one .npz or .h5; see `_arrays`
    <root>/<videos>           or the video files, for a dataset with a section `extraction`

- "classes" is optional and gives the order of classes; without it they are the sorted labels of the whole file.
- "segment" is optional: a training video needs its labels only.
- "duration" may be spelled "duration_second", and "database" may be missing (the file is then its inner part alone):
  so is BMN's anet_anno_action.json, whose subsets stand in a table, video_info_new.csv.
- Videos of other subsets than those in `splits` are left out. Where `lists` names files of video ids, these say the
  subset instead, and videos in none of them are left out.
- Features that were stretched to 100 snippets a video (BMN's csv_mean_100) have no time grid and are refused.
"""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations
from wstal.checks.findings import Findings
from wstal.datasets.readers import _database, _files, _source, _table
from wstal.datasets.readers._source import SharedSource
from wstal.datasets.readers._videos import VideoFiles


class Source(SharedSource, frozen=True, kw_only=True):
    """`source:` in params.yaml; `annotations` is the JSON file."""

    videos: str | None = None  # or a video's file: {video} is its id, {subset} its subset's name; the ending may be left out
    subsets: str | None = None  # table with columns "video" and "subset", where the JSON file has no subsets (BMN)

    def files(self) -> list[str]:
        """Files and patterns of files below `root`."""
        return [*super().files(), *filter(None, [self.subsets])]


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """The annotations of the file.

    Raises:
        UserError: a file is missing or damaged, or a video has no duration.
    """
    database = _read(source)
    rows, findings = [], Findings(str(database.path))
    for video, subset in _chosen(source, database).items():
        entry = database.entries[video]
        duration_s = entry.duration_second if entry.duration is None else entry.duration
        if duration_s is None:
            findings.fault(f'{video} has no "duration"', "add it, in seconds")
        else:
            rows.append((video, subset, duration_s))
    findings.refuse()
    return _database.assemble(database, rows, ())


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) array}) in the order of the file; each video is read when its turn comes."""
    return _source.features(source, _chosen(source, _read(source)), streams)


def videos(source: Source) -> dict[str, Path]:
    """Video id -> its file.

    Raises:
        UserError: `source.videos` names no files, or a video has none.
    """
    if not source.videos or "{video}" not in Path(source.videos).name:
        raise UserError('params.yaml: `source.videos` needs a path with {video} in the file\'s name, as "videos/{video}.mp4".')
    database = _read(source)
    folder_of, found = lru_cache(VideoFiles), {}
    for video, subset in _chosen(source, database).items():
        path = _files.folder(source.root) / source.filled(source.videos, video, subset)
        found[video] = folder_of(path.parent).find(path.name, str(database.path), "leave the video out with `exclude`")
    return found


def _read(source: Source) -> _database.Database:
    _files.require([source.path], source.cure())
    if _table.is_table(source.path):
        raise UserError(f"{source.path} is a CSV; use `reader: segments_csv` in params.yaml, or name the JSON file.")
    return _database.read(source.path, source.cure())


def _chosen(source: Source, database: _database.Database) -> dict[str, str]:
    """Video id -> our subset."""
    return _source.choose(source, database, {} if source.lists else _subsets(source, database))


def _subsets(source: Source, database: _database.Database) -> dict[str, str | None]:
    """Video id -> the name of its subset as published."""
    if source.subsets is None:
        return {video: entry.subset for video, entry in database.entries.items()}
    rows = _files.read_table(_files.folder(source.root) / source.subsets, ("video", "subset"), source.cure())
    return {video: subset for video, subset in rows}
