"""Videos of one's own: a table of labels and a folder of videos. Weak labels only; there are no segments to evaluate against.

    <root>/<labels>       CSV in UTF-8 with the columns video, label and, optionally, subset (train or test), in any order
    <root>/<videos>       the files; `video` is a file's name, with or without its ending

- `video` may also be a path, of which the last part counts, and case does not where it leaves one file.
- A video with several labels has a line for each; a line that is there twice is one.
- A video that shows none of the actions has the label NONE. An empty label is one that is not known, as a test video may have.
- Commas, semicolons or tabs separate columns, as spreadsheets write them.
- Without the column `subset`, every `test_every`-th video by name is a test video; of 0, none is.
- Classes are the sorted labels. Durations come from the files themselves.
"""

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wstal.base.errors import MachineError, UserError
from wstal.base.record import Index
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Video
from wstal.checks.findings import Findings
from wstal.checks.videos_and_classes import check_labels
from wstal.datasets.readers import _files, _table
from wstal.datasets.readers._table import CsvTable
from wstal.datasets.readers._videos import VideoFiles
from wstal.features.pixels.decode import duration_s

NONE = "-"  # the label of a video without any action: no class can have this name, as it has no letter
LINES = "write a line `video,label` for every video"
ONCE = "once is enough"
CURE = f"{LINES}, or set `source` in params.yaml to the table and the folder"


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder that the other paths start from, relative to the repository or absolute
    labels: str  # the CSV file
    videos: str  # folder of the video files
    test_every: Index  # without a column `subset`: every so-manieth video is a test video; 0: none is
    exclude: list[str]  # ids of videos to leave out; the id is the file's name without its ending


@dataclass(frozen=True)
class TableLine:
    """A line of the table."""

    line: int
    file: Path
    name: str  # of the video, as it stands there
    label: str  # "" where there is none
    subset: str | None
    known: bool  # the label, or that there is none


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """Labels from the table, durations from the files.

    Raises:
        UserError: the table or a video is missing or damaged; the sentence names the line.
    """
    table = _read(source)
    found = []
    for video, rows, subset in _split(source, table.of_video):
        labels = tuple(sorted({row.label for row in rows} - {""}))
        with table.findings.gathering():
            found.append(Video(video, subset, _duration_s(rows[0], table.path), labels))
    table.findings.refuse()
    classes = sorted({label for video in found for label in video.labels})
    return Annotations(tuple(classes), tuple(found), (), notes=table.findings.notes)


def trained(source: Source) -> set[str]:
    """The labels of training videos; no file is opened but the table."""
    return {row.label for _, rows, subset in _split(source, _read(source).of_video) if subset == "train" for row in rows} - {""}


def listed(source: Source) -> dict[str, tuple[str, tuple[str, ...]]]:
    """{video: (its subset, its labels)}; no file is opened but the table."""
    of_video = _read(source).of_video
    return {
        video: (subset, tuple(sorted({row.label for row in rows} - {""}))) for video, rows, subset in _split(source, of_video)
    }


def videos(source: Source) -> dict[str, Path]:
    """Video id -> its file."""
    return {video: rows[0].file for video, rows in _read(source).of_video.items()}


@dataclass(frozen=True)
class Labelled:
    """The table, all its lines without fault."""

    path: Path
    of_video: dict[str, list[TableLine]]
    findings: Findings  # what is odd


def _read(source: Source) -> Labelled:
    """The lines of the table by video.

    Raises:
        UserError: there are faults; the sentence says all, with their lines.
    """
    root = _files.folder(source.root)
    table, folder = root / source.labels, root / source.videos
    findings, content, files = Findings(str(table)), _table.read(table, CURE), VideoFiles(folder)
    _require_columns(table, content)
    of_video: dict[str, list[TableLine]] = {}
    for line, cells in content.lines:
        with findings.gathering():
            row = _row(cells, content.columns, f"{table}, line {line}", line, files)
            before = of_video.setdefault(row.file.stem, [])
            _check_agreement(row, before, f"{table}, line {line}")
            if row.label in [other.label for other in before]:
                findings.found("repeated line", f"line {line} says again what an earlier one says of {row.file.name}", ONCE)
            else:
                before.append(row)
    tidied = check_labels([row.label for rows in of_video.values() for row in rows if row.label], findings)
    of_video = {
        video: [dataclasses.replace(row, label=tidied.get(row.label, row.label)) for row in rows]
        for video, rows in of_video.items()
    }
    if not content.lines:
        raise UserError(f"{table} lists no video; {LINES}.")
    for video, rows, subset in _split(source, of_video):
        if subset == "train" and not any(row.known for row in rows):
            problem = f"line {rows[0].line}: training video {video!r} has no label"
            cure = f"write one, write {NONE} if it shows none of the actions, remove the line, or write test for it in a column"
            findings.fault(problem, f"{cure} `subset`")
    findings.refuse()
    return Labelled(table, {video: of_video[video] for video in _files.drop(of_video, source.exclude, table)}, findings)


def _check_agreement(row: TableLine, before: Collection[TableLine], where: str) -> None:
    """A line and earlier ones of its video mean one file and one subset, and not both an action and none."""
    for other in before:
        if other.file != row.file:
            raise UserError(f"{where}: {row.file.name} and {other.file.name} have one id; rename one.")
        if _folder(other.name) != _folder(row.name):
            raise UserError(f"{where}: {row.name!r} and {other.name!r} lead to one file, {row.file}; write one of them.")
        if other.subset != row.subset:
            raise UserError(f"{where}: the subset differs from that in line {other.line}; keep one.")
        if "" in (other.label, row.label) and other.label != row.label:
            why = "as one of them says that the video has no action"
            raise UserError(f"{where} repeats or contradicts line {other.line}, {why}; remove one.")


def _folder(name: str) -> str:
    """What stands before the last part of a path; "" for a name alone."""
    return name.replace("\\", "/").rpartition("/")[0].casefold()


def _duration_s(row: TableLine, table: Path) -> float:
    try:
        return duration_s(row.file)
    except UserError as error:
        kind = MachineError if isinstance(error, MachineError) else UserError
        raise kind(f"{table}, line {row.line}: {error}") from None


def _split(source: Source, of_video: dict[str, list[TableLine]]) -> Iterator[tuple[str, list[TableLine], str]]:
    """(video, its lines, its subset), by name."""
    for number, (video, rows) in enumerate(sorted(of_video.items()), start=1):
        held_out = source.test_every and number % source.test_every == 0
        yield video, rows, rows[0].subset or ("test" if held_out else "train")


def _require_columns(table: Path, content: CsvTable) -> None:
    if sorted(content.columns) not in (["label", "video"], ["label", "subset", "video"]):
        raise UserError(f"{table}, line 1: the columns are {[*content.columns]}; name them video,label or video,label,subset.")


def _row(cells: tuple[str, ...], columns: tuple[str, ...], where: str, line: int, files: VideoFiles) -> TableLine:
    if len(cells) != len(columns):
        raise UserError(f"{where} has {len(cells)} cells, the header {len(columns)}; write as many, quoting commas in names.")
    values = dict(zip(columns, cells, strict=True))
    subset = values.get("subset", "").lower() if "subset" in columns else None
    if subset not in (None, "train", "test"):
        raise UserError(f"{where}: the subset is {subset!r}; write train or test.")
    if not values["video"]:
        raise UserError(f"{where} names no video; write its file name.")
    if not values["label"] and subset == "train":
        cure = f"write one, write {NONE} if it shows none of the actions, or make it a test video"
        raise UserError(f"{where}: a training video needs a label; {cure}.")
    label = "" if values["label"] == NONE else values["label"]
    file = files.find(values["video"], where, "remove the line")
    return TableLine(line, file, values["video"], label, subset, known=bool(values["label"]))
