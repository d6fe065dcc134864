"""A folder of YAML files -> records, one file a source. What does not fit is one sentence with its place.

backbones.yaml holds the sizes of video networks, i3d_features.yaml statistics of I3D's features, papers.yaml how papers are
cited, a file with the keys `train` or `test` the statistics of a dataset, and every other file entries of params.yaml: tables
and figures.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wstal.base.errors import UserError
from wstal.base.record import Record
from wstal.border import yamlfile
from wstal.published.records import (
    Backbones,
    Comparison,
    FeatureStatistics,
    NetworkSize,
    Paper,
    PrintedRow,
    PrintedTable,
    Statistics,
)

SUBSETS = {"train", "test"}
CURE = "restore it with `git checkout wstal/published`"
Fact = TypeVar("Fact", bound=Record)


@dataclass(frozen=True)
class Facts:
    """What all files hold."""

    entries: dict[str, PrintedTable]  # in the order of the files, and of each file
    statistics: dict[str, Statistics]  # dataset -> its statistics
    backbones: Backbones
    i3d_features: FeatureStatistics
    source: dict[str, Path]  # entry -> the file that it stands in
    papers: dict[str, Paper]  # name of a file of entries -> the paper that prints them; files of our own have none


def read(folder: Path) -> Facts:
    """The facts of all .yaml files of a folder.

    Raises:
        UserError: a file cannot be read, a key is unknown or missing, a value does not fit, an entry stands in two files.
    """
    entries: dict[str, PrintedTable] = {}
    statistics: dict[str, Statistics] = {}
    source: dict[str, Path] = {}
    for path in sorted(folder.glob("*.yaml")):
        content = mapping(yamlfile.read(path, CURE), path)
        if path.stem in ("backbones", "i3d_features", "papers"):
            continue
        if SUBSETS & set(content):
            statistics[path.stem] = convert(content, Statistics, f"{path}")
            continue
        for name, raw in content.items():
            if name in entries:
                raise UserError(f"{path}: {name!r} stands in {source[name]} as well; remove one of the two.")
            entries[name], source[name] = entry(raw, f"{path}, {name}"), path
    path = folder / "i3d_features.yaml"
    i3d_features = convert(mapping(yamlfile.read(path, CURE), path), FeatureStatistics, f"{path}")
    return Facts(
        entries, statistics, backbones(folder / "backbones.yaml"), i3d_features, source, papers(folder / "papers.yaml")
    )


def entry(raw: Any, place: str) -> PrintedTable:
    """One entry; rows and claims are looked at one by one first, so that the sentence names the one at fault."""
    content = mapping(raw, place)
    for name, row in mapping(content.get("rows", {}), f"{place}.rows").items():
        convert(row, PrintedRow, f"{place}.rows.{name}")
    for number, claim in enumerate(listed(content.get("claims", []), f"{place}.claims"), start=1):
        convert(claim, Comparison, f"{place}, claim {number}")
    return convert(content, PrintedTable, place)


def papers(path: Path) -> dict[str, Paper]:
    """How papers are cited; {} where no such file lies in the folder."""
    content = mapping(yamlfile.read(path, CURE), path) if path.is_file() else {}
    return {name: convert(raw, Paper, f"{path}, {name}") for name, raw in content.items()}


def backbones(path: Path) -> Backbones:
    """The sizes of video networks."""
    content = mapping(yamlfile.read(path, CURE), path)
    for name, row in mapping(mapping(content.get("backbones", {}), f"{path}, backbones").get("rows", {}), path).items():
        convert(row, NetworkSize, f"{path}, backbones.rows.{name}")
    return convert(content, Backbones, f"{path}")


def mapping(raw: Any, place: str | Path) -> dict:
    """`raw` if it is a mapping of names.

    Raises:
        UserError: it is not.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{place} holds no `name: ...`; write what stands there as a mapping, or remove it.")
    if unnamed := [key for key in raw if not isinstance(key, str)]:
        raise UserError(f"{place}: {unnamed[0]!r} is no name; put it in quotation marks.")
    return raw


def listed(raw: Any, place: str) -> list:
    """`raw` if it is a list.

    Raises:
        UserError: it is not.
    """
    if not isinstance(raw, list):
        raise UserError(f"{place} is no list; begin each item with `- `.")
    return raw


def convert(raw: Any, kind: type[Fact], place: str) -> Fact:
    """`raw` as a record.

    Raises:
        UserError: it does not fit; the sentence lists the record's keys.
    """
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        keys = ", ".join(field.name for field in msgspec.structs.fields(kind))
        raise UserError(f"{place}: {error}; mend it, its keys are {keys}.") from None
