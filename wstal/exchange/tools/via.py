"""VIA 3, the VGG Image Annotator for video: via/project.json, a project of all videos, with a timeline for every class.

After via-3.x.y/CodeDoc.md in https://gitlab.com/vgg/via: a `file` is shown in a `view`; each of `metadata` belongs to a view,
has times `z` in seconds, no place `xy`, and values `av` of attributes. Here one attribute, of temporal segments (FILE1_Z2_XY0),
to be selected (type 4), has the classes for options; an option's key is its own text, as VIA names timelines by keys.

Read are temporal segments, and values of whole files (FILE1_Z0_XY0) as labels without times; of several values of a checkbox
each is a label. Places in pictures are passed over.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import msgspec

from wstal.base.errors import UserError
from wstal.exchange.tools import _opened
from wstal.exchange.tools.tracks import Clip, Mark, Track, track

VIDEO, FILE_URI = 4, 3  # of a file: its type, and where it is
CHECKBOX, SELECT = 2, 4  # types of attributes
SEGMENT, WHOLE = "FILE1_Z2_XY0", "FILE1_Z0_XY0"  # what attributes say something of
VERSION = "3.1.1"
ACTION = "1"  # the attribute


class _Attribute(msgspec.Struct):
    anchor_id: str
    type: int = 1
    options: dict[str, str] | str = {}


class _VideoFile(msgspec.Struct):
    fname: str
    src: str = ""


class _View(msgspec.Struct):
    fid_list: list[str | int]


class _Metadata(msgspec.Struct):
    vid: str | int
    z: list[float] = []
    xy: list[float] = []
    av: dict[str, Any] = {}


class _Project(msgspec.Struct):
    attribute: dict[str, _Attribute]
    file: dict[str, _VideoFile]
    view: dict[str, _View]
    metadata: dict[str, _Metadata]


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """One project of all videos, open with "Open a VIA project"."""
    numbered = {str(number): clip for number, clip in enumerate(clips, start=1)}
    project = {
        "project": {
            "pid": "__VIA_PROJECT_ID__", "rev": "__VIA_PROJECT_REV_ID__", "rev_timestamp": "__VIA_PROJECT_REV_TIMESTAMP__",
            "pname": "wstal", "data_format_version": VERSION, "creator": "wstal", "created": 0, "vid_list": list(numbered),
        },
        "config": {"file": {"loc_prefix": {"1": "", "2": "", "3": "", "4": ""}}, "ui": {"file_content_align": "center"}},
        "attribute": {ACTION: {
            "aname": "action", "anchor_id": SEGMENT, "type": SELECT, "desc": "what happens",
            "options": {label: label for label in classes}, "default_option_id": "",
        }},
        "file": {number: _file(number, clip.path) for number, clip in numbered.items()},
        "metadata": {
            f"{number}_{place:08}": _segment(number, mark)
            for number, clip in numbered.items()
            for place, mark in enumerate(clip.ordered(), start=1)
        },
        "view": {number: {"fid_list": [number]} for number in numbered},
    }  # fmt: skip
    return {"via/project.json": json.dumps(project, indent=1, ensure_ascii=False) + "\n"}


def _file(number: str, file: Path) -> dict[str, Any]:
    return {"fid": number, "fname": file.name, "type": VIDEO, "loc": FILE_URI, "src": file.as_uri()}


def _segment(view: str, mark: Mark) -> dict[str, Any]:
    return {"vid": view, "flg": 0, "z": [ms / 1000 for ms in mark.ms()], "xy": [], "av": {ACTION: mark.label}}


def reads(path: Path, beginning: str) -> bool:
    """Whether the file is JSON with the parts of a VIA 3 project."""
    if not beginning.startswith("{"):
        return False
    content = _opened.json(path)
    return {"project", "attribute", "file", "metadata", "view"} <= set(content)


def read(path: Path) -> list[Track]:
    """The videos of a project.

    Raises:
        UserError: the file is no project, or a segment has no times.
    """
    project = _opened.record(_opened.json(path), _Project, str(path), "is no project of VIA 3")
    marks: dict[str, list[Mark]] = {number: [] for number in project.view}
    for name, metadata in project.metadata.items():
        if str(metadata.vid) not in marks:
            raise UserError(f"{path}: metadata {name!r} is of view {metadata.vid}, which is not there; save it again in VIA.")
        marks[str(metadata.vid)] += _marks(project, metadata, f"{path}: metadata {name!r}")
    return [track(_video(project, view, path), marks[number]) for number, view in project.view.items()]


def _marks(project: _Project, metadata: _Metadata, where: str) -> Iterator[Mark]:
    """A mark for every label."""
    for number, value in metadata.av.items():
        attribute = project.attribute.get(number)
        if metadata.xy or attribute is None or attribute.anchor_id not in (SEGMENT, WHOLE):
            continue
        times = tuple(metadata.z) if attribute.anchor_id == SEGMENT else (None, None)
        if len(times) != 2:
            raise UserError(f"{where} has times {metadata.z}, not a start and an end; mend it in VIA.")
        if times[0] is not None and times[1] is not None and times[1] < times[0]:
            raise UserError(f"{where} ends before it starts ({metadata.z}); mend it in VIA.")
        for label in _labels(attribute, value):
            yield Mark(label, *times)


def _labels(attribute: _Attribute, value: Any) -> list[str]:
    """The texts of the chosen options; of a text field, the text."""
    options = attribute.options if isinstance(attribute.options, dict) else {}
    if isinstance(value, dict):
        chosen = [key for key, on in value.items() if on]
    else:
        chosen = str(value).split(",") if attribute.type == CHECKBOX else [str(value)]
    return [label for key in chosen if (label := options.get(key, key).strip())]


def _video(project: _Project, view: _View, path: Path) -> str:
    """The name of the file that a view shows."""
    file = project.file.get(str(view.fid_list[0])) if len(view.fid_list) == 1 else None
    if file is None:
        raise UserError(
            f"{path}: a view shows {len(view.fid_list)} files, or one that is missing; give every video its own in VIA."
        )
    return file.fname or PurePosixPath(unquote(_opened.address(file.src, f"{path}: a view").path)).name
