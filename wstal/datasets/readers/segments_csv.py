"""A table of segments: a line for every action of a video.

    <root>/<annotations>      CSV in UTF-8 with the columns video, label, start_s, end_s and, optionally, subset and
                              duration_s, in any order; times in seconds
    <root>/<features>         an array per video in a file of its own, or all in one .npz or .h5; see `_arrays`

- A video without any action has one line, its label and times empty. A training video needs its labels only: times may
  be empty.
- Commas, semicolons or tabs separate columns, as spreadsheets write them. Other columns are passed over.
- `subset` has the names in `splits`. Where `lists` names files of video ids, these say the subset instead, and videos
  in none of them are left out.
- A video without duration_s lasts as long as the features of the first stream in `features` cover on the dataset's grid.
- Classes are the sorted labels of the whole table.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations
from wstal.checks.findings import Findings
from wstal.datasets.readers import _database, _files, _source, _table
from wstal.datasets.readers._database import Annotated, Database, Instance
from wstal.datasets.readers._source import SharedSource

REQUIRED = ("video", "label", "start_s", "end_s")
OPTIONAL = ("subset", "duration_s")
CURE = "mend the table, or `source` in params.yaml"

Cells = Mapping[str, str]  # cells by column; "" where the table has no such column
LineFault = tuple[int, str]  # line and what it does wrong, as a predicate: 7, "names no video"


class Source(SharedSource, frozen=True, kw_only=True):
    """`source:` in params.yaml; `annotations` is the table."""


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """Labels and times from the table; durations from it, too, or from the features.

    Raises:
        UserError: a file is missing or damaged; of the table, the sentence names the lines.
    """
    database = read(source)
    chosen = _chosen(source, database)
    known_s = {video: database.entries[video].duration for video in chosen}
    covered_s = _covered_s(source, {video: subset for video, subset in chosen.items() if known_s[video] is None}, grid)
    rows = [(video, subset, known_s[video] or covered_s[video]) for video, subset in chosen.items()]
    return _database.assemble(database, rows, ())


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) array}) in the order of the table; each video is read when its turn comes."""
    return _source.features(source, _chosen(source, read(source)), streams)


def _covered_s(source: Source, videos: Mapping[str, str], grid: TimeGrid) -> dict[str, float]:
    """Seconds that the features of {video id: our subset} cover."""
    if videos and not source.features:
        raise UserError(
            f"{source.path}: video {next(iter(videos))} has no duration_s, and `source.features` in params.yaml names no "
            "files to take it from; add either."
        )
    stream = next(iter(source.features), "")
    found = _source.features(source, videos, (stream,)) if videos else ()
    return {video: grid.coverage_s(len(arrays[stream])) for video, arrays in found}


def _chosen(source: Source, database: Database) -> dict[str, str]:
    """Video id -> our subset."""
    return _source.choose(source, database, {video: entry.subset for video, entry in database.entries.items()})


def read(source: Source) -> Database:
    """The table as if it were ActivityNet's JSON; without `splits`, subsets are what they are.

    Raises:
        UserError: the file is missing or has faults; the sentence says all, with their lines.
    """
    findings = Findings(str(source.path))
    of_video: dict[str, list[Cells]] = {}
    for row in _rows(source, findings):
        of_video.setdefault(row["video"], []).append(row)
    entries = {video: Annotated(_instances(rows), rows[0]["subset"], _duration_s(rows)) for video, rows in of_video.items()}
    return _database.database(source.path, (), entries, findings)


def _instances(rows: Iterable[Cells]) -> list[Instance]:
    return [
        Instance(row["label"], (float(row["start_s"]), float(row["end_s"])) if row["start_s"] else None)
        for row in rows
        if row["label"]
    ]


def _duration_s(rows: Iterable[Cells]) -> float | None:
    return next((float(row["duration_s"]) for row in rows if row["duration_s"]), None)


def _rows(source: Source, findings: Findings) -> list[Cells]:
    """The lines of the table, all without fault."""
    path = source.path
    _files.require([path], source.cure())
    if _table.is_json(path):
        raise UserError(f"{path} is JSON; use `reader: activitynet_json` in params.yaml, or name the table of segments.")
    table = _table.read(path, source.cure())
    _require_columns(path, table.columns, source)
    width, empty = len(table.columns), dict.fromkeys(OPTIONAL, "")
    faults = [(line, f"has {len(cells)} cells, the header {width}") for line, cells in table.lines if len(cells) != width]
    rows = {line: empty | dict(zip(table.columns, cells, strict=True)) for line, cells in table.lines if len(cells) == width}
    faults += [(line, fault) for line, row in rows.items() for fault in _line_faults(row)]
    for line, fault in sorted([*faults, *_subset_faults(source, rows), *_video_faults(rows)]):
        findings.fault(f"line {line} {fault}", CURE)
    findings.refuse()
    if not rows:
        raise UserError(f"{path} lists no video; write a line `video,label,start_s,end_s,subset` for every action.")
    return [*rows.values()]


def _require_columns(path: Path, columns: tuple[str, ...], source: Source) -> None:
    wanted = REQUIRED if source.lists or not source.splits else (*REQUIRED, "subset")
    missing = [name for name in wanted if name not in columns]
    if missing:
        instead = ", or name files of video ids in `source.lists` of params.yaml" if missing == ["subset"] else ""
        raise UserError(
            f"{path}, line 1: the columns are {', '.join(columns) or 'not named'}; add or rename {', '.join(missing)}{instead}."
        )
    for name in (*REQUIRED, *OPTIONAL):
        if columns.count(name) > 1:
            raise UserError(f"{path}, line 1: {columns.count(name)} columns are named {name}; keep one.")


def _line_faults(row: Cells) -> Iterator[str]:
    """What a line does wrong by itself."""
    times = {name: _seconds(row[name]) for name in ("start_s", "end_s", "duration_s") if row[name]}
    if not row["video"]:
        yield "names no video"
    for name, value in times.items():
        if value is None:
            yield f"has {name} {row[name]!r}, which is no number of seconds"
    start_s, end_s, duration_s = (times.get(name) for name in ("start_s", "end_s", "duration_s"))
    if ("start_s" in times) != ("end_s" in times):
        yield "has one time of two"
    elif "start_s" in times and not row["label"]:
        yield "has times but no label"
    if start_s is not None and end_s is not None and end_s < start_s:
        yield f"ends before it starts ({row['start_s']}, {row['end_s']})"
    if duration_s is not None and duration_s <= 0:
        yield f"has duration_s {row['duration_s']}, which is not positive"


def _subset_faults(source: Source, rows: Mapping[int, Cells]) -> Iterator[LineFault]:
    """Lines in a subset that `splits` does not know, and test videos whose actions have no times to be tested on."""
    ours = {theirs: name for name, theirs in source.splits.items()}
    of_video = source.listed() if source.lists else {row["video"]: ours.get(row["subset"]) for row in rows.values()}
    for line, row in rows.items():
        if not source.lists and ours and row["subset"] not in ours:
            yield line, f"has subset {row['subset']!r}, which `splits` does not name ({', '.join(ours)})"
        if row["label"] and not row["start_s"] + row["end_s"] and of_video.get(row["video"]) == "test":
            yield line, "has a label without times, which only training videos may"


def _video_faults(rows: Mapping[int, Cells]) -> Iterator[LineFault]:
    """Lines that contradict an earlier line of their video."""
    first: dict[tuple[str, str], int] = {}
    for line, row in rows.items():
        for name in OPTIONAL:
            before = first.setdefault((row["video"], name), line) if row[name] else line
            if _value(rows[before][name]) != _value(row[name]):
                yield line, f"has {name} {row[name]!r}, line {before} of this video {rows[before][name]!r}"
        before = first.setdefault((row["video"], "label"), line)
        if before != line and not (row["label"] and rows[before]["label"]):
            yield line, f"repeats or contradicts line {before}, as one of them says that the video has no action"


def _value(cell: str) -> float | str:
    """A number as such, so that 5 and 5.0 are one."""
    number = _seconds(cell)
    return cell if number is None else number


def _seconds(text: str) -> float | None:
    """The number, if it is one and finite."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
