"""What several readers need: paths, JSON, id lists, tables and plain .npy files, each failing with a sentence.

`cure` is what the sentence ends with: the layout that the reader expects and where people get the files.
"""

import csv
from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import IO, TypeVar

import msgspec
import numpy as np

from wstal.base.errors import UserError, of_system, system_errors
from wstal.base.paths import ROOT
from wstal.base.types import Segment
from wstal.checks.findings import Findings

T = TypeVar("T")


def folder(root: str) -> Path:
    """`root` of a source, relative to the repository or absolute."""
    return ROOT / root


def require(paths: Iterable[Path], cure: str) -> None:
    """Check that all of `paths` are files, before the first is read.

    Raises:
        UserError: some are not.
    """
    missing = [path for path in paths if not path.is_file()]
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        what = "is a folder, not a file" if missing[0].is_dir() else "is missing"
        raise UserError(f"{missing[0]}{more} {what}; {cure}.")


def parse_json(data: bytes | msgspec.Raw, record: type[T], origin: str) -> T:
    """JSON as a typed record; numbers may be strings. `origin` names the file in the sentence.

    Raises:
        UserError: `data` is no such record.
    """
    try:
        return msgspec.json.decode(data, type=record, strict=False)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{origin} is not as expected ({error}); mend it or download it again.") from error


def read_json(path: Path, record: type[T], cure: str) -> T:
    """The JSON file `path` as a typed record."""
    require([path], cure)
    with system_errors(path):
        data = path.read_bytes()
    return parse_json(data.removeprefix(b"\xef\xbb\xbf"), record, str(path))


def read_lines(path: Path, cure: str) -> list[list[str]]:
    """The fields of every line that is not blank; any run of blanks separates fields.

    Raises:
        UserError: the file is missing or no text.
    """
    require([path], cure)
    try:
        with system_errors(path):
            lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file; download it again.") from error
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
        array = load_array(path, cure)
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
    with system_errors(path), path.open(encoding="utf-8-sig", newline="") as file:
        try:
            rows = list(csv.DictReader(file))
        except (UnicodeDecodeError, csv.Error) as error:
            raise UserError(f"{path} is not a .csv file ({error}); download it again.") from error
    for number, row in enumerate(rows, start=2):
        for name in columns:
            if row.get(name) is None:
                raise UserError(f"{path}: line {number} has no {name!r}; mend it, or the names in line 1.")
    return [tuple(row[name] for name in columns) for row in rows]


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


def npy_header(path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype that an .npy file states; nothing else is read.

    Raises:
        UserError: the file is damaged, or no .npy file.
    """
    try:
        with path.open("rb") as file:
            return read_header(file)
    except Exception as error:  # NumPy reads the header as Python text, so noise makes it raise almost anything
        raise of_system(error, path) or UserError(f"{path} is truncated or no .npy file; download it again.") from error


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and dtype; the file stands at the data afterwards."""
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = readers[np.lib.format.read_magic(file)](file)
    return shape, dtype


def load_array(path: Path, cure: str) -> np.ndarray:
    """The array (...) of a plain .npy file, memory-mapped read-only. Never unpickles.

    Raises:
        UserError: the file is missing or damaged, or holds pickled objects.
    """
    require([path], cure)
    _, dtype = npy_header(path)
    if dtype.hasobject:
        raise UserError(f"{path} holds pickled objects; save it again with numpy.save from one array of floats.")
    try:
        with system_errors(path):
            return np.lib.format.open_memmap(path, mode="r")
    except ValueError as error:
        raise UserError(f"{path} is truncated ({error}); download or extract it again.") from error
