"""Label Studio: labelstudio/tasks.json, tasks with predictions, and labelstudio/config.xml, the interface for them.

After https://labelstud.io/guide/predictions, https://labelstud.io/tags/timelinelabels and https://labelstud.io/tags/video: a
prediction's `result` has a region for every mark, whose `ranges` are frames counted from 1 at the Video tag's `frameRate`,
here the task's own `fps`. Each region keeps its times to the millisecond in `meta`; when it is read back and its frames are
still those of these times, they count.

A video is `/data/local-files/?d=<path>`, relative to the folder in which all videos lie: serve that folder as local storage, as
https://labelstud.io/guide/storage tells (LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT).

Read is an export as JSON. Of a task the annotation that is marked as ground truth counts, else the last one; without any, the
prediction; a task that was skipped is left out. Without `fps` in a task's data, labels have no times. The video is what the
address in `video` ends in, or in the only text of the task's data.
"""

import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote
from xml.etree import ElementTree

import msgspec

from wstal.base import colours
from wstal.base.errors import UserError
from wstal.exchange.tools import _opened
from wstal.exchange.tools.tracks import Clip, Mark, Track, frames, seconds, track

NAME = "wstal_video"  # of the file, in a task's data
UPLOADED = re.compile(r"^[0-9a-f]{8}-")  # what it puts before the name of an uploaded file (label_studio/data_import/models.py)
CONTROL, OBJECT, TYPE = "actions", "video", "timelinelabels"  # names of the two tags, and the type of the first


class _Range(msgspec.Struct):
    start: float | None = None
    end: float | None = None


class _Value(msgspec.Struct):
    ranges: list[_Range] = []
    timelinelabels: list[str] = []
    choices: list[str] = []


class _AnswerTimes(msgspec.Struct):
    start_s: float | None = None
    end_s: float | None = None


class _Region(msgspec.Struct):
    type: str
    value: _Value
    score: float | None = None
    meta: _AnswerTimes | None = None


class _Answer(msgspec.Struct):
    result: list[dict[str, Any]]
    was_cancelled: bool | None = None
    ground_truth: bool | None = None


class _Task(msgspec.Struct):
    data: dict[str, Any]
    annotations: list[_Answer] | None = None
    predictions: list[_Answer | int] | None = None  # some exports name them by number


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """Tasks of all videos, and the interface with all classes."""
    folder = Path(os.path.commonpath([clip.path.parent for clip in clips])) if clips else Path()
    tasks = [_task(clip, clip.path.relative_to(folder)) for clip in clips]
    content = json.dumps(tasks, indent=1, ensure_ascii=False) + "\n"
    return {"labelstudio/tasks.json": content, "labelstudio/config.xml": config(classes)}


def config(classes: Sequence[str]) -> str:
    """The labeling interface, with the colours that classes have on the page."""
    view = ElementTree.Element("View")
    labels = ElementTree.SubElement(view, "TimelineLabels", name=CONTROL, toName=OBJECT)
    for label, hue in colours.hues(classes).items():
        ElementTree.SubElement(labels, "Label", value=label, background=colours.HEX[hue])
    ElementTree.SubElement(view, "Video", name=OBJECT, value="$video", frameRate="$fps")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def _task(clip: Clip, path: Path) -> dict[str, Any]:
    data = {"video": f"/data/local-files/?d={quote(path.as_posix())}", NAME: clip.file.name, "fps": clip.fps}
    regions = [_region(clip, mark, number) for number, mark in enumerate(clip.ordered(), start=1)]
    best = max((mark.score for mark in clip.marks if mark.score is not None), default=0.0)
    return {"data": data, "predictions": [{"model_version": "wstal", "score": best, "result": regions}]}


def _region(clip: Clip, mark: Mark, number: int) -> dict[str, Any]:
    first, last = clip.frames(mark)
    start_ms, end_ms = mark.ms()
    return {
        "id": f"r{number}", "from_name": CONTROL, "to_name": OBJECT, "type": TYPE, "score": mark.score,
        "value": {"ranges": [{"start": first, "end": last}], TYPE: [mark.label]},
        "meta": {"start_s": start_ms / 1000, "end_s": end_ms / 1000},
    }  # fmt: skip


def reads(path: Path, beginning: str) -> bool:
    """Whether the file is JSON with tasks."""
    if not beginning.startswith(("[", "{")):
        return False
    content = _opened.json(path)
    tasks = content if isinstance(content, list) else [content]
    return bool(tasks) and all(isinstance(task, dict) and isinstance(task.get("data"), dict) for task in tasks)


def read(path: Path) -> list[Track]:
    """The tasks of an export.

    Raises:
        UserError: a task is damaged, or has no video.
    """
    content = _opened.json(path)
    found = []
    for number, value in enumerate(content if isinstance(content, list) else [content], start=1):
        where = f"{path}: task {number}"
        task = _opened.record(value, _Task, where, "is none of Label Studio's JSON")
        answer = _answer(task)
        if answer is not None:
            found.append(track(_video(task, where), _marks(task, answer, where)))
    return found


def _answer(task: _Task) -> _Answer | None:
    """The annotation or prediction that counts; None where the task was skipped."""
    given = [answer for answer in task.annotations or [] if not answer.was_cancelled]
    if task.annotations and not given:
        return None
    best = [answer for answer in given if answer.ground_truth]
    found = [answer for answer in task.predictions or [] if isinstance(answer, _Answer)]
    return [_Answer([]), *found, *given, *best][-1]


def _marks(task: _Task, answer: _Answer, where: str) -> Iterator[Mark]:
    """A mark for every label of every range; choices are labels of the whole video."""
    for result in answer.result:
        if result.get("type") not in (TYPE, "choices"):
            continue
        region = _opened.record(result, _Region, where, "has a region that is none of Label Studio's JSON")
        for label in filter(None, map(str.strip, region.value.choices)):
            yield Mark(label)
        for part in region.value.ranges:
            times = _times(task, region, part, where)
            for label in filter(None, map(str.strip, region.value.timelinelabels)):
                yield Mark(label, *times, region.score)


def _times(task: _Task, region: _Region, part: _Range, where: str) -> tuple[float | None, float | None]:
    """Start and end in seconds."""
    if part.start is None or part.end is None or not part.start <= part.end < math.inf:
        raise UserError(f"{where}: a region starts at frame {part.start} and ends at {part.end}; mend it there.")
    if (fps := task.data.get("fps")) is None:
        return None, None
    if not isinstance(fps, int | float) or not 0 < fps < math.inf:
        raise UserError(f"{where} has fps {fps!r} in its data; write the video's frames a second, a number.")
    if region.meta and region.meta.start_s is not None and region.meta.end_s is not None:
        exact = Mark("", region.meta.start_s, region.meta.end_s)
        if frames(exact, fps) == (part.start, part.end):
            return exact.start_s, exact.end_s
    return seconds(int(part.start), int(part.end), fps)


def _video(task: _Task, where: str) -> str:
    """The name of a task's video file: what the address ends in."""
    if name := task.data.get(NAME):
        return str(name)
    texts = [value for value in task.data.values() if isinstance(value, str)]
    url = task.data.get(OBJECT, texts[0] if len(texts) == 1 else None)
    if not isinstance(url, str) or not url:
        raise UserError(f'{where} has no "video" in its data; write the name of the video file.')
    parts = _opened.address(url, where)
    name = PurePosixPath(parse_qs(parts.query).get("d", [unquote(parts.path)])[0]).name
    return UPLOADED.sub("", name) if "/upload/" in parts.path else name
