"""Annotations in one file, features in others: what readers of such layouts share, whatever the first file looks like."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.border import filenames
from wstal.datasets.readers import _arrays, _database, _files
from wstal.datasets.readers._arrays import Archive, ArrayLayout


class SharedSource(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What `source:` in params.yaml says for all of these readers."""

    root: str  # folder that the other paths start from, relative to the repository or absolute
    annotations: str  # the file of annotations
    splits: dict[str, str]  # train and test -> their names in that file
    lists: dict[str, str] = {}  # train and test -> file of video ids, one a line; {}: the annotations say the subset
    exclude: list[str] | str = []  # videos to leave out, or a file of their ids, which may name others as well
    features: dict[str, str | ArrayLayout] = {}  # stream -> its files; a path alone stands for one (T, D) array a file
    list_prefix: str = ""  # what ids have in front in the files of `lists` and `exclude`, but not in the annotations ("v_")
    obtain: str = "those who published the dataset"  # where people get the files; ends the sentence about a missing one

    @property
    def path(self) -> Path:
        """The file of annotations."""
        return _files.folder(self.root) / self.annotations

    def cure(self) -> str:
        """What ends the sentence about a missing file."""
        return (
            f"set `source` in params.yaml to where {', '.join(dict.fromkeys(self.files()))} are (people get them from "
            f"{self.obtain}), or leave the video out with `exclude` or `lists`"
        )

    def files(self) -> list[str]:
        """Files and patterns of files below `root`."""
        patterns = [layout if isinstance(layout, str) else layout.path for layout in self.features.values()]
        return [self.annotations, *self.lists.values(), *patterns]

    def filled(self, pattern: str, video: str, subset: str) -> str:
        """The pattern with the names of a video and its subset.

        Raises:
            UserError: the id of the video would lead out of the folder.
        """
        video = filenames.part(video, str(self.path))
        return pattern.replace("{subset}", self.splits.get(subset, subset)).replace("{video}", video)

    def ids(self, name: str) -> list[str]:
        """Video ids of a file below `root`, spelled as in the annotations."""
        ids = _files.read_ids(_files.folder(self.root) / name, self.cure())
        return [video.removeprefix(self.list_prefix) for video in ids]

    def listed(self) -> dict[str, str]:
        """Video id -> our subset, of the files in `lists`."""
        return _files.disjoint({subset: self.ids(name) for subset, name in self.lists.items()}, _files.folder(self.root))


def choose(source: SharedSource, database: _database.Database, subsets: Mapping[str, str | None]) -> dict[str, str]:
    """Video id -> our subset, for the videos that the source asks for; `subsets` are {video id: subset as published}."""
    if source.lists:
        videos = source.listed()
    else:
        ours = {theirs: name for name, theirs in source.splits.items()}
        videos = {video: ours[theirs] for video, theirs in subsets.items() if theirs in ours}
    named = source.exclude
    exclude = named if isinstance(named, list) else set(source.ids(named)) & set(videos)
    chosen = {video: videos[video] for video in _files.drop(videos, exclude, database.path)}
    database.require(chosen)
    return chosen


def features(
    source: SharedSource, videos: Mapping[str, str], streams: tuple[str, ...]
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) array}) of {video id: our subset}, in its order; each is read when its turn comes."""
    layouts = {stream: _layout(source, stream) for stream in streams}
    places = {
        video: {stream: _place(source, layout, video, subset) for stream, layout in layouts.items()}
        for video, subset in videos.items()
    }
    archive, cure = _arrays.opener(), source.cure()
    _files.require(dict.fromkeys(path for of_video in places.values() for path, _ in of_video.values()), cure)
    for stream, layout in layouts.items():
        if "{video}" not in layout.path:
            _require_in_archives([of_video[stream] for of_video in places.values()], archive, cure)
    for video, of_video in places.items():
        yield video, {stream: _arrays.load(*of_video[stream], layouts[stream], archive, cure) for stream in streams}


def _require_in_archives(places: list[tuple[Path, str]], archive: Callable[[Path], Archive], cure: str) -> None:
    """The files that hold many videos hold all that are asked of them."""
    for path in dict.fromkeys(path for path, _ in places):
        _arrays.require_keys(path, [key for other, key in places if other == path], archive(path), cure)


def _layout(source: SharedSource, stream: str) -> ArrayLayout:
    given = source.features.get(stream)
    layout = ArrayLayout(path=given) if isinstance(given, str) else given
    if layout is None or not layout.each():
        raise UserError(f"params.yaml: `source.features` needs a path or key with {{video}} for stream {stream!r}; add it.")
    return layout


def _place(source: SharedSource, layout: ArrayLayout, video: str, subset: str) -> tuple[Path, str]:
    """File and key of a video's features."""
    path = _files.folder(source.root) / source.filled(layout.path, video, subset)
    return path, source.filled(layout.key or "", video, subset)
