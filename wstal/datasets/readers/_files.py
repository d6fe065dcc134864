"""What several readers need: paths, JSON, id lists and tables, each failing with a sentence.

`cure` is what the sentence ends with: the layout that the reader expects and where people get the files.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TypeVar

from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.base.types import Segment
from wstal.border import content, csvfile, jsonfile, npyfile
from wstal.border.content import require as require
from wstal.checks.findings import Findings

T = TypeVar("T")
NOT_SO = "is not as expected", "mend it or download it again"  # fault and cure of JSON


def folder(root: str) -> Path:
    """`root` of a source, relative to the repository or absolute."""
    return ROOT / root


def read_json(path: Path, record: type[T], cure: str) -> T:
    """The JSON file `path` as a typed record; numbers may be strings.

    Raises:
        UserError: the file is missing, or no such record.
    """
    require([path], cure)
    return jsonfile.read(path, record, *NOT_SO, strict=False)


def read_lines(path: Path, cure: str) -> list[list[str]]:
    """The fields of every line that is not blank; any run of blanks separates fields.

    Raises:
        UserError: the file is missing or no text.
    """
    require([path], cure)
    lines = content.read_text(path, cure="download it again").splitlines()
    return [fields for line in lines if (fields := line.split())]


def disjoint(listed: dict[str, list[str]], place: Path) -> dict[str, str]:
    """{subset: ids} -> {id: subset}; `place` names where the lists are.

    Raises:
        UserError: a video is in two subsets, so that it would be tested on what it was trained on.
    """
    videos: dict[str, str] = {}
    findings = Findings(str(place))
    for subset, ids in listed.items():
        for video, count in Counter(ids).items():
            if count > 1:
                findings.found("id twice", f"video {video} is {count} times in the list of {subset}", "keep it once")
            if (other := videos.setdefault(video, subset)) != subset:
                findings.found("shared video", f"video {video} is in the lists of {other} and {subset}", "keep it in one")
    findings.refuse()
    return videos


def read_ids(path: Path, cure: str) -> list[str]:
    """Video ids: one a line, before a comma if there is one, or an .npy file of strings.

    Raises:
        UserError: the file is missing, or no such list.
    """
    if path.suffix == ".npy":
        array = npyfile.load(path, cure)
        if array.ndim != 1 or array.dtype.kind != "U":
            raise UserError(f"{path} holds {array.dtype} of shape {array.shape}, not a list of ids; write one id a line.")
        return array.tolist()
    lines = read_lines(path, cure)
    findings = Findings(str(path))
    for number, fields in enumerate(lines, start=1):
        if len(fields) != 1 and "," not in fields[0]:
            findings.fault(f"entry {number} has {len(fields)} fields", "write one video id a line")
    findings.refuse()
    return [fields[0].split(",")[0] for fields in lines]


def read_table(path: Path, columns: tuple[str, ...], cure: str) -> list[tuple[str, ...]]:
    """The named columns of a .csv file whose first line names its columns.

    Raises:
        UserError: the file is missing or no table, or a line lacks a column.
    """
    require([path], cure)
    (_, header), *lines = csvfile.rows(content.read_text(path, cure="download it again"), path) or [(1, [])]
    rows = {line: dict(zip(header, cells, strict=False)) for line, cells in lines if cells}
    findings = Findings(str(path))
    for line, row in rows.items():
        for name in columns:
            if name not in row:
                findings.fault(f"line {line} has no {name!r}", "mend it, or the names in line 1")
    findings.refuse()
    return [tuple(row[name] for name in columns) for row in rows.values()]


def read_ambiguous(path: Path, videos: Collection[str], cure: str) -> tuple[Segment, ...]:
    """THUMOS14's `video  start end` lines (two blanks after the name, as published) for `videos`; others are left.

    Raises:
        UserError: the file is missing, or a line is none of these.
    """
    found, findings = [], Findings(str(path))
    for number, fields in enumerate(read_lines(path, cure), start=1):
        try:
            video, start_s, end_s = fields[0], *map(float, fields[1:])
        except ValueError:
            findings.fault(f"entry {number} is {' '.join(fields)!r}", "write `video start end`, times in seconds")
        else:
            found.append(Segment(video, "Ambiguous", start_s, end_s))
    findings.refuse()
    return tuple(segment for segment in found if segment.video in videos)


def drop(videos: Iterable[str], exclude: Collection[str], origin: Path) -> list[str]:
    """The `videos` without the excluded ones; `origin` names the file that lists them.

    Raises:
        UserError: an excluded video is not there, which is a mistake in params.yaml.
    """
    videos = list(videos)
    unknown = sorted(set(exclude) - set(videos))
    if unknown:
        raise UserError(f"{origin} has no video {unknown[0]!r} to leave out; remove it from `exclude` in params.yaml.")
    return [video for video in videos if video not in exclude]
