"""ActivityNet's ground-truth JSON, which half of the field borrows: {"database": {video: {"annotations": [...]}}}."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wstal.base.errors import UserError
from wstal.base.types import Annotations, Segment, Video
from wstal.border import content, jsonfile
from wstal.checks.findings import Findings
from wstal.checks.videos_and_classes import check_labels
from wstal.datasets.readers import _files


class Instance(msgspec.Struct, frozen=True):
    """One entry of "annotations"; without a segment it is a video-level label."""

    label: str
    segment: tuple[float, float] | None = None  # start, end in seconds


class Annotated(msgspec.Struct, frozen=True):
    """One video. Other keys (url, resolution, ...) are passed over."""

    annotations: list[Instance]
    subset: str | None = None
    duration: float | None = None  # seconds
    duration_second: float | None = None  # the same, as BMN's files spell it


@dataclass(frozen=True)
class Database:
    """The content of a file of ActivityNet's ground-truth layout."""

    path: Path
    classes: tuple[str, ...]  # as listed in the file, otherwise the sorted labels of all its videos
    entries: dict[str, Annotated]
    notes: tuple[str, ...] = ()  # what is odd about the file

    def require(self, videos: Iterable[str]) -> None:
        """Check that all of `videos`, which a list asks for, are there.

        Raises:
            UserError: some are not.
        """
        absent = [video for video in videos if video not in self.entries]
        if absent:
            more = f" (and {len(absent) - 1} more)" if len(absent) > 1 else ""
            raise UserError(
                f"{self.path} lacks video {absent[0]}{more}, which a list of videos names; "
                "add it, take it off the list, or `exclude` it in params.yaml."
            )


class _GroundTruth(msgspec.Struct, frozen=True):
    database: dict[str, Annotated] | None = None
    classes: list[str] | None = None


class _Loose(msgspec.Struct, frozen=True):
    database: dict[str, Any] | None = None
    classes: list[str] | None = None


def read(path: Path, cure: str) -> Database:
    """The file `path`, with or without the outer "database" (BMN's file is the inner part alone)."""
    _files.require([path], cure)
    data = content.read_bytes(path, cure=cure)
    jsonfile.once(data, str(path))
    findings = Findings(str(path))
    try:
        file = jsonfile.convert(data, _GroundTruth, str(path), *_files.NOT_SO, strict=False)
        classes, entries = file.classes, file.database
        if entries is None:
            entries = jsonfile.convert(data, dict[str, Annotated], str(path), *_files.NOT_SO, strict=False)
    except UserError:  # of one video, or `classes` stand among them
        classes, entries = _one_by_one(data, path, findings)
    return database(path, classes or (), entries, findings)


def _one_by_one(data: bytes, path: Path, findings: Findings) -> tuple[list[str] | None, dict[str, Annotated]]:
    """`classes` and the videos that are as they should be; the others are faults."""
    whole = jsonfile.convert(data, dict[str, Any], str(path), *_files.NOT_SO)
    file = jsonfile.record(whole, _Loose, str(path), *_files.NOT_SO)
    raw = {video: entry for video, entry in whole.items() if video != "classes"} if file.database is None else file.database
    entries = {}
    for video, entry in raw.items():
        with findings.gathering():
            entries[video] = jsonfile.record(entry, Annotated, f"{path}, video {video}", *_files.NOT_SO)
    return file.classes, entries


def database(path: Path, classes: Iterable[str], entries: dict[str, Annotated], findings: Findings) -> Database:
    """Entries with tidied labels; `classes` as the file lists them, if it does.

    Raises:
        UserError: there are faults, also those that `findings` has before.
    """
    labels = {instance.label for entry in entries.values() for instance in entry.annotations}
    tidied = check_labels([*classes, *labels], findings)
    findings.refuse()
    if tidied:
        entries = {video: _tidied(entry, tidied) for video, entry in entries.items()}
    names = [tidied.get(name, name) for name in classes] or sorted({tidied.get(label, label) for label in labels})
    return Database(path, tuple(names), entries, findings.notes)


def _tidied(entry: Annotated, tidied: Mapping[str, str]) -> Annotated:
    instances = [msgspec.structs.replace(x, label=tidied.get(x.label, x.label)) for x in entry.annotations]
    return msgspec.structs.replace(entry, annotations=instances)


def assemble(database: Database, rows: Iterable[tuple[str, str, float]], ambiguous: tuple[Segment, ...]) -> Annotations:
    """Annotations of the videos in `rows` = (video id, our subset, duration in seconds)."""
    videos, segments = [], []
    for video, subset, duration_s in rows:
        instances = database.entries[video].annotations
        videos.append(Video(video, subset, duration_s, tuple(sorted({x.label for x in instances}))))
        segments += [Segment(video, x.label, *x.segment) for x in instances if x.segment]
    return Annotations(database.classes, tuple(videos), tuple(segments), ambiguous, database.notes)
