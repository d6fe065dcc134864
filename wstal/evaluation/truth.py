"""The only reader of segment times: ActivityNet's ground-truth layout -> Truth.

    {"database": {VIDEO: {"subset": NAME, "duration": s, "annotations": [{"segment": [start_s, end_s], "label": NAME}],
                          "ambiguous": [[start_s, end_s]]}}, "classes": [NAME]}

`ambiguous` (times that annotators could not decide), `classes` (class order, else sorted by name) and `duration` are
optional. Times may be text, as in BaS-Net's gt.json. An instance that ends before it starts stays (ActivityNet 1.2
has nine): the official evaluator counts it as an instance that nothing matches.
Training code cannot import this module: weak supervision is structural.
"""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Truth
from wstal.border import jsonfile
from wstal.border.content import read_bytes
from wstal.checks.findings import Findings
from wstal.checks.spelling import tidy
from wstal.detect.detections import places

_Instance = tuple[int, str, float, float]  # video index, label, start_s, end_s
LAYOUT = '{"database": {video: {"subset": name, "annotations": [{"segment": [start_s, end_s], "label": name}, ...]}}}'


def read(path: Path, *, subset: str | None, preferred: Sequence[str], ambiguous_label: str | None) -> Truth:
    """One subset of a ground-truth file.

    subset: its name (case does not matter); None takes the first of `preferred` that has annotations, else the only
    subset that has. ambiguous_label: annotations with this label become ambiguous times; None: an ordinary class.

    Raises:
        UserError: the file cannot be read, is of another layout, or has no instance in that subset.
    """
    content = jsonfile.decode(read_bytes(path), path)
    database = content.get("database") if isinstance(content, dict) else None
    if not isinstance(database, dict) or not all(map(_is_video, database.values())):
        raise UserError(f'{path} holds no "database" object of videos; write {LAYOUT}.')
    subset = _choose(database, subset, preferred, path)
    chosen = {video: entry for video, entry in database.items() if _subset(entry) == subset.casefold()}
    instances: list[_Instance] = []
    ambiguous: list[_Instance] = []
    findings = Findings(str(path))
    for index, (video, entry) in enumerate(chosen.items()):
        for number, annotation in enumerate(entry.get("annotations") or []):
            with findings.gathering():
                label, start_s, end_s = _parse(annotation, f"{path}: annotation {number} (counting from 0) of video {video!r}")
                (ambiguous if label == ambiguous_label else instances).append((index, label, start_s, end_s))
        for segment in entry.get("ambiguous") or []:
            with findings.gathering():
                times = _times(segment, f"{path}: an ambiguous segment of video {video!r}")
                ambiguous.append((index, "", *times))
    findings.refuse()
    if not instances:
        raise UserError(f"{path}: subset {subset!r} holds no action instance; choose another one with --subset.")
    return _truth(tuple(chosen), _classes(content.get("classes"), instances, path), instances, ambiguous)


def _truth(videos: tuple[str, ...], labels: tuple[str, ...], instances: list[_Instance], ambiguous: list[_Instance]) -> Truth:
    video, label, start_s, end_s = zip(*instances, strict=True)
    ambiguous_video, _, ambiguous_start_s, ambiguous_end_s = zip(*ambiguous, strict=True) if ambiguous else ((),) * 4
    return Truth(
        videos=videos,
        labels=labels,
        video=np.array(video, dtype=np.int32),
        label=places(label, labels).astype(np.int32),
        start_s=np.array(start_s, dtype=np.float64),
        end_s=np.array(end_s, dtype=np.float64),
        ambiguous_video=np.array(ambiguous_video, dtype=np.int32),
        ambiguous_start_s=np.array(ambiguous_start_s, dtype=np.float64),
        ambiguous_end_s=np.array(ambiguous_end_s, dtype=np.float64),
    )


def _choose(database: dict, subset: str | None, preferred: Sequence[str], path: Path) -> str:
    """Name of the subset to read; a UserError that lists them where none fits."""
    videos: Counter[str] = Counter()
    annotated: Counter[str] = Counter()
    for entry in database.values():
        videos[_subset(entry)] += 1
        annotated[_subset(entry)] += bool(entry.get("annotations"))
    listing = ", ".join(f"{name!r} ({annotated[name]} of {videos[name]} videos annotated)" for name in sorted(videos))
    if subset is not None:
        if subset.casefold() not in videos:
            raise UserError(f"{path} has no subset {subset!r}; choose one of {listing or 'none: it has no videos'}.")
        return subset
    candidates = [name for name in videos if annotated[name]]
    fitting = [name for name in preferred if name in candidates] or candidates[: len(candidates) == 1]
    if not candidates:
        raise UserError(f"{path} holds no action instance in any subset ({listing}); give a file with annotations.")
    if not fitting:
        raise UserError(f"{path}: none of the usual subsets ({', '.join(preferred)}) is there; choose --subset: {listing}.")
    return fitting[0]


def _subset(entry: dict) -> str:
    return str(entry.get("subset", "")).casefold()


def _is_video(entry: Any) -> bool:
    lists = ("annotations", "ambiguous")
    return isinstance(entry, dict) and all(isinstance(entry.get(key) or [], list) for key in lists)


def _parse(annotation: Any, where: str) -> tuple[str, float, float]:
    if not isinstance(annotation, dict) or not isinstance(annotation.get("label"), str):
        raise UserError(f'{where} has no label that is text; write {{"segment": [start_s, end_s], "label": name}}.')
    if not (label := tidy(annotation["label"])):
        raise UserError(f"{where} has an empty label; write the name of a class, or remove the annotation.")
    return (label, *_times(annotation.get("segment"), where))


def _times(segment: Any, where: str) -> tuple[float, float]:
    try:
        start_s, end_s = map(float, segment if isinstance(segment, list) else ())
    except (TypeError, ValueError, OverflowError):
        start_s = end_s = math.nan
    if not (math.isfinite(start_s) and math.isfinite(end_s)):
        raise UserError(f"{where} has segment {segment!r}; write two finite numbers [start_s, end_s].")
    return start_s, end_s


def _classes(declared: Any, instances: list[_Instance], path: Path) -> tuple[str, ...]:
    """Class order: the file's own `classes` if it has them, and then the labels they leave out, sorted by name."""
    declared = [] if declared is None else declared
    if not isinstance(declared, list) or not all(isinstance(label, str) for label in declared):
        raise UserError(f'{path}: "classes" is not a list of class names; mend or remove it.')
    return tuple(dict.fromkeys([*map(tidy, declared), *sorted({label for _, label, _, _ in instances})]))
