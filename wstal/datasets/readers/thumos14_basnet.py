"""The layout of BaS-Net, which UM and others share.

    <root>/gt.json                  {"database": {video: {"subset", "annotations": [{"segment", "label"}]}}}
    <root>/split_{train,test}.txt   video ids, one a line
    <root>/features/{train,test}/{rgb,flow}/<video>.npy    (T, 1024)

Segment times are strings there, and durations are absent. A duration is, in this order: what the features cover on
the time grid; the entry in the JSON file `durations` ({video: seconds}); the end of the last annotated segment.
Published for 200 + 210 videos; test videos 0000270, 0001292 and 0001496 are not among them.
"""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations
from wstal.border import filenames, npyfile
from wstal.checks.findings import Findings
from wstal.datasets.readers import _database, _files

log = logging.getLogger(__name__)

CURE = (
    "set `source.root` in params.yaml to the folder with gt.json, split_train.txt, split_test.txt and "
    "features/{train,test}/{rgb,flow}/<video>.npy, all linked from github.com/Pilhyeon/BaSNet-pytorch"
)


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder of the published files, relative to the repository or absolute
    durations: str | None  # JSON file below root, {video: seconds}, for videos without features; null: none
    ambiguous: str | None  # text file below root, `video start end`, times nobody could decide; null: none (as published)
    splits: dict[str, str]  # train and test -> the names in split_<name>.txt and features/<name>/
    exclude: list[str]  # videos to leave out


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """The published annotations, with durations found as the module says."""
    root = _files.folder(source.root)
    database = _database.read(root / "gt.json", CURE)
    known_s = _files.read_json(root / source.durations, dict[str, float], CURE) if source.durations else {}
    chosen, rows, findings = _chosen(source), [], Findings()
    database.require(chosen)
    for video, subset in chosen.items():
        with findings.gathering():
            covered_s = _covered_s(root / "features" / source.splits[subset], video, grid)
            duration_s = covered_s or known_s.get(video) or _last_s(database.path, video, database.entries[video])
            rows.append((video, subset, duration_s))
    findings.refuse()
    ids = {video for video, _, _ in rows}
    ambiguous = _files.read_ambiguous(root / source.ambiguous, ids, CURE) if source.ambiguous else ()
    return _database.assemble(database, rows, ambiguous)


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) memory-mapped array}) in the order of the split files."""
    root = _files.folder(source.root) / "features"
    paths = {
        video: {stream: root / source.splits[subset] / stream / f"{video}.npy" for stream in streams}
        for video, subset in _chosen(source).items()
    }
    _files.require((path for of_video in paths.values() for path in of_video.values()), CURE)
    for video, of_video in paths.items():
        yield video, {stream: npyfile.load(path, CURE) for stream, path in of_video.items()}


def _chosen(source: Source) -> dict[str, str]:
    """Video id -> our subset."""
    root = _files.folder(source.root)
    listed = {subset: _files.read_ids(root / f"split_{name}.txt", CURE) for subset, name in source.splits.items()}
    videos = _files.disjoint(listed, root / "split_*.txt")
    kept = _files.drop(videos, source.exclude, root / "split_*.txt")
    return {filenames.part(video, str(root / "split_*.txt")): videos[video] for video in kept}


def _covered_s(place: Path, video: str, grid: TimeGrid) -> float | None:
    """Seconds that the features of `video` cover; None without features."""
    for path in sorted(folder / f"{video}.npy" for folder in place.glob("*")):
        if not path.is_file():
            continue
        shape, _ = npyfile.header(path)
        if len(shape) != 2:
            raise UserError(f"{path}: the shape is {shape}; save one row of features per snippet, (T, D).")
        return grid.coverage_s(shape[0])
    return None


def _last_s(path: Path, video: str, entry: _database.Annotated) -> float:
    ends = [instance.segment[1] for instance in entry.annotations if instance.segment]
    if not ends:
        raise UserError(f"{path}: {video} has neither segments nor a duration; give one in `source.durations`.")
    log.info("%s: no features and no duration, its last annotated second stands in", video)
    return max(ends)
