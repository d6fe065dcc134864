"""Videos of one's own: a table of labels and a folder of videos. Weak labels only; there are no segments to evaluate against.

    <root>/<labels>       CSV in UTF-8 with the columns video, label and, optionally, subset (train or test), in any order
    <root>/<videos>       the files; `video` is a file's name, with or without its ending

- A video with several labels has a line for each. A test video may have none: leave its label empty.
- Commas, semicolons or tabs separate columns, as spreadsheets write them.
- Without the column `subset`, every `test_every`-th video by name is a test video; of 0, none is.
- Classes are the sorted labels. Durations come from the files themselves.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wstal.base.errors import UserError
from wstal.base.record import Index
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Video
from wstal.datasets.readers import _files, _table
from wstal.datasets.readers._table import CsvTable
from wstal.datasets.readers._videos import VideoFiles
from wstal.features.pixels.decode import duration_s

LINES = "write a line `video,label` for every video"
CURE = f"{LINES}, or set `source` in params.yaml to the table and the folder"


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder that the other paths start from, relative to the repository or absolute
    labels: str  # the CSV file
    videos: str  # folder of the video files
    test_every: Index  # without a column `subset`: every so-manieth video is a test video; 0: none is
    exclude: list[str]  # ids of videos to leave out; the id is the file's name without its ending


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    line: int
    file: Path
    label: str  # "" where there is none
    subset: str | None


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """Labels from the table, durations from the files.

    Raises:
        UserError: the table or a video is missing or damaged; the sentence names the line.
    """
    table, of_video = _read(source)
    found = []
    for video, rows, subset in _split(source, of_video):
        labels = tuple(sorted({row.label for row in rows} - {""}))
        try:
            found.append(Video(video, subset, duration_s(rows[0].file), labels))
        except UserError as error:
            raise UserError(f"{table}, line {rows[0].line}: {error}") from None
    classes = sorted({label for video in found for label in video.labels})
    return Annotations(tuple(classes), tuple(found), ())


def trained(source: Source) -> set[str]:
    """The labels of training videos; no file is opened but the table."""
    return {row.label for _, rows, subset in _split(source, _read(source)[1]) if subset == "train" for row in rows} - {""}


def videos(source: Source) -> dict[str, Path]:
    """Video id -> its file."""
    return {video: rows[0].file for video, rows in _read(source)[1].items()}


def _read(source: Source) -> tuple[Path, dict[str, list[Line]]]:
    """The table's path, and its lines by video, faults named by their line."""
    root = _files.folder(source.root)
    table, folder = root / source.labels, root / source.videos
    content = _table.read(table, CURE)
    of_video: dict[str, list[Line]] = {}
    for row in _rows(table, content, VideoFiles(folder)):
        before = of_video.setdefault(row.file.stem, [])
        for other in before:
            if other.file != row.file:
                raise UserError(f"{table}, line {row.line}: {row.file.name} and {other.file.name} have one id; rename one.")
            if other.subset != row.subset:
                raise UserError(f"{table}, line {row.line}: the subset differs from that in line {other.line}; keep one.")
            if other.label == row.label or "" in (other.label, row.label):
                raise UserError(f"{table}, line {row.line} repeats or contradicts line {other.line}; remove one of them.")
        before.append(row)
    if not of_video:
        raise UserError(f"{table} lists no video; {LINES}.")
    return table, {video: of_video[video] for video in _files.drop(of_video, source.exclude, table)}


def _split(source: Source, of_video: dict[str, list[Line]]) -> Iterator[tuple[str, list[Line], str]]:
    """(video, its lines, its subset), by name."""
    for number, (video, rows) in enumerate(sorted(of_video.items()), start=1):
        held_out = source.test_every and number % source.test_every == 0
        yield video, rows, rows[0].subset or ("test" if held_out else "train")


def _rows(table: Path, content: CsvTable, files: VideoFiles) -> Iterator[Line]:
    """The lines below the header that are not blank."""
    columns = content.columns
    if sorted(columns) not in (["label", "video"], ["label", "subset", "video"]):
        raise UserError(f"{table}, line 1: the columns are {[*columns]}; name them video,label or video,label,subset.")
    for line, cells in content.lines:
        yield _row(cells, columns, f"{table}, line {line}", line, files)


def _row(cells: tuple[str, ...], columns: tuple[str, ...], where: str, line: int, files: VideoFiles) -> Line:
    if len(cells) != len(columns):
        raise UserError(f"{where} has {len(cells)} cells, the header {len(columns)}; write as many, quoting commas in names.")
    values = dict(zip(columns, cells, strict=True))
    subset = values.get("subset", "").lower() if "subset" in columns else None
    if subset not in (None, "train", "test"):
        raise UserError(f"{where}: the subset is {subset!r}; write train or test.")
    if not values["video"]:
        raise UserError(f"{where} names no video; write its file name.")
    if not values["label"] and subset == "train":
        raise UserError(f"{where}: a training video needs a label; write one, or make it a test video.")
    return Line(line, files.find(values["video"], where, "remove the line"), values["label"], subset)
