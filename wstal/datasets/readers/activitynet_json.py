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

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations
from wstal.datasets.readers import _arrays, _database, _files
from wstal.datasets.readers._arrays import Archive, ArrayLayout
from wstal.datasets.readers._videos import VideoFiles


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder that the other paths start from, relative to the repository or absolute
    annotations: str  # the JSON file
    splits: dict[str, str]  # train and test -> their names in the JSON file
    lists: dict[str, str]  # train and test -> file of video ids, one a line; {}: all videos of the file
    exclude: list[str] | str  # videos to leave out, or a file of their ids, which may name others as well
    features: dict[str, str | ArrayLayout] = {}  # stream -> its files; a path alone stands for one (T, D) array a file
    videos: str | None = None  # or a video's file: {video} is its id, {subset} its subset's name; the ending may be left out
    subsets: str | None = None  # table with columns "video" and "subset", where the JSON file has no subsets (BMN)
    list_prefix: str = ""  # what ids have in front in the files of `lists` and `exclude`, but not in the JSON file ("v_")
    obtain: str = "those who published the dataset"  # where people get the files; ends the sentence about a missing one


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """The annotations of the file.

    Raises:
        UserError: a file is missing or damaged, or a video has no duration.
    """
    database = _read(source)
    rows = []
    for video, subset in _chosen(source, database).items():
        entry = database.entries[video]
        duration_s = entry.duration_second if entry.duration is None else entry.duration
        if duration_s is None:
            raise UserError(f'{database.path}: {video} has no "duration"; add it, in seconds.')
        rows.append((video, subset, duration_s))
    return _database.assemble(database, rows, ())


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) array}) in the order of the file; each video is read when its turn comes."""
    layouts = {stream: _layout(source, stream) for stream in streams}
    videos = _chosen(source, _read(source))
    places = {
        video: {stream: _place(source, layout, video, subset) for stream, layout in layouts.items()}
        for video, subset in videos.items()
    }
    archive, cure = _arrays.opener(), _cure(source)
    _files.require(dict.fromkeys(path for of_video in places.values() for path, _ in of_video.values()), cure)
    for stream, layout in layouts.items():
        if "{video}" not in layout.path:
            _require_in_archives([of_video[stream] for of_video in places.values()], archive, cure)
    for video, of_video in places.items():
        yield video, {stream: _arrays.load(*of_video[stream], layouts[stream], archive, cure) for stream in streams}


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
        path = _files.folder(source.root) / _filled(source, source.videos, video, subset)
        found[video] = folder_of(path.parent).find(path.name, str(database.path), "leave the video out with `exclude`")
    return found


def _require_in_archives(places: list[tuple[Path, str]], archive: Callable[[Path], Archive], cure: str) -> None:
    """The files that hold many videos hold all that are asked of them."""
    for path in dict.fromkeys(path for path, _ in places):
        _arrays.require_keys(path, [key for other, key in places if other == path], archive(path), cure)


def _cure(source: Source) -> str:
    patterns = [layout if isinstance(layout, str) else layout.path for layout in source.features.values()]
    files = ", ".join(dict.fromkeys([source.annotations, *source.lists.values(), *filter(None, [source.subsets]), *patterns]))
    return (
        f"set `source` in params.yaml to where {files} are (people get them from {source.obtain}), or leave the video out "
        "with `exclude` or `lists`"
    )


def _read(source: Source) -> _database.Database:
    return _database.read(_files.folder(source.root) / source.annotations, _cure(source))


def _layout(source: Source, stream: str) -> ArrayLayout:
    given = source.features.get(stream)
    layout = ArrayLayout(path=given) if isinstance(given, str) else given
    if layout is None or not layout.each():
        raise UserError(f"params.yaml: `source.features` needs a path or key with {{video}} for stream {stream!r}; add it.")
    return layout


def _place(source: Source, layout: ArrayLayout, video: str, subset: str) -> tuple[Path, str]:
    """File and key of a video's features."""
    return _files.folder(source.root) / _filled(source, layout.path, video, subset), _filled(
        source, layout.key or "", video, subset
    )


def _filled(source: Source, pattern: str, video: str, subset: str) -> str:
    """The pattern with the names of a video and its subset."""
    return pattern.replace("{subset}", source.splits.get(subset, subset)).replace("{video}", video)


def _chosen(source: Source, database: _database.Database) -> dict[str, str]:
    """Video id -> our subset."""
    if source.lists:
        listed = {subset: _ids(source, name) for subset, name in source.lists.items()}
        videos = _files.disjoint(listed, _files.folder(source.root))
    else:
        ours = {theirs: name for name, theirs in source.splits.items()}
        videos = {video: ours[theirs] for video, theirs in _subsets(source, database).items() if theirs in ours}
    named = source.exclude
    exclude = named if isinstance(named, list) else set(_ids(source, named)) & set(videos)
    chosen = {video: videos[video] for video in _files.drop(videos, exclude, database.path)}
    database.require(chosen)
    return chosen


def _ids(source: Source, name: str) -> list[str]:
    """Video ids of a file, spelled as in the JSON file."""
    ids = _files.read_ids(_files.folder(source.root) / name, _cure(source))
    return [video.removeprefix(source.list_prefix) for video in ids]


def _subsets(source: Source, database: _database.Database) -> dict[str, str | None]:
    """Video id -> the name of its subset as published."""
    if source.subsets is None:
        return {video: entry.subset for video, entry in database.entries.items()}
    rows = _files.read_table(_files.folder(source.root) / source.subsets, ("video", "subset"), _cure(source))
    return {video: subset for video, subset in rows}
