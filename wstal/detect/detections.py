"""Detections in and out of the ActivityNet result layout, which other people's evaluators and viewers read too.

    {"version": "VERSION 1.3", "results": {VIDEO: [{"label": NAME, "score": x, "segment": [start_s, end_s]}, …]},
     "external_data": {}}

Only `results` is needed to read. Order within a written file is total: videos by name, and within a video
(-score, label, start, end), so that the same detections are the same bytes.
"""

import json
import sys
from array import array
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, TypeGuard

import msgspec
import numpy as np

from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Detections
from wstal.border import content, jsonfile
from wstal.checks.findings import QUOTED, Findings
from wstal.checks.spelling import tidy

LAYOUT = '{"results": {video: [{"label": name, "score": number, "segment": [start_s, end_s]}, ...]}}'


class _Row(msgspec.Struct, gc=False):
    label: str
    score: float
    segment: tuple[float, float]


class _Results(msgspec.Struct):
    results: dict[str, msgspec.Raw]  # one video's list, still text: only one video at a time becomes Python objects
    version: msgspec.Raw = msgspec.Raw()
    external_data: msgspec.Raw = msgspec.Raw()


def read_json(path: Path) -> Detections:
    """Columns in the order of the file.

    Raises:
        UserError: the file cannot be read, or holds what is no detection, which the sentence names.
    """
    data = content.read_bytes(path)
    decoder = msgspec.json.Decoder(list[_Row])
    label_index: dict[str, int] = {}
    counts, label, score, segment = [], array("i"), array("d"), array("d")
    try:
        whole = msgspec.json.decode(data, type=_Results)
        results = whole.results
        for rows in map(decoder.decode, results.values()):
            counts.append(len(rows))
            label.extend([label_index.setdefault(row.label, len(label_index)) for row in rows])
            score.extend([row.score for row in rows])
            segment.extend([time_s for row in rows for time_s in row.segment])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        _explain(jsonfile.decode(data, path), path)
        raise UserError(f"{path} cannot be decoded ({error}); write {LAYOUT} as UTF-8.") from None
    keys = 1 + sum(len(bytes(raw)) > 0 for raw in (whole.version, whole.external_data)) + len(counts) + 3 * len(label)
    if data.count(b":") != keys:  # more than the keys that were read: other keys, colons inside names, or a key twice
        jsonfile.once(data, str(path))
    times = np.array(segment, dtype=np.float64).reshape(-1, 2)
    tidied = [tidy(name) for name in label_index]
    labels = tuple(dict.fromkeys(tidied))
    detections = Detections(
        videos=tuple(results),
        labels=labels,
        video=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        label=places(tidied, labels).astype(np.int32)[np.array(label, dtype=np.int32)],
        start_s=np.ascontiguousarray(times[:, 0]),
        end_s=np.ascontiguousarray(times[:, 1]),
        score=np.array(score, dtype=np.float64),
    )
    check(detections, str(path))
    return detections


def check(detections: Detections, source: str) -> None:
    """Refuse detections without label, that end before they start, or that hold a number that is not finite.

    `source` names where they are from. Raises:
        UserError: there are such detections; the sentence says all.
    """
    d = detections
    named = np.array([bool(label) for label in d.labels], dtype=bool)[d.label]
    good = named & np.isfinite(d.score) & np.isfinite(d.start_s) & np.isfinite(d.end_s) & (d.start_s <= d.end_s)
    findings = Findings(source)
    for row in np.flatnonzero(~good).tolist():
        with findings.gathering():
            problem = _problem(d.labels[d.label[row]], float(d.score[row]), [float(d.start_s[row]), float(d.end_s[row])])
            number = int(np.count_nonzero(d.video[:row] == d.video[row])) if len(findings.faults) < QUOTED else 0
            raise UserError(_sentence(source, d.videos[d.video[row]], number, str(problem)))
    findings.refuse()


def places(names: Sequence[str], into: Sequence[str]) -> np.ndarray:
    """Index of each of N names in `into`, -1 where it is not there: (N,) int64."""
    index = {name: i for i, name in enumerate(into)}
    return np.array([index.get(name, -1) for name in names], dtype=np.int64)


def of_videos(detections: Detections, videos: Collection[str]) -> Detections:
    """The detections in `videos` alone, in their order."""
    d = detections
    kept = [number for number, video in enumerate(d.videos) if video in videos]
    rows = np.isin(d.video, kept)
    video = np.searchsorted(kept, d.video[rows]).astype(np.int32)
    columns = (column[rows] for column in (d.label, d.start_s, d.end_s, d.score))
    return Detections(tuple(d.videos[number] for number in kept), d.labels, video, *columns)


def write_json(detections: Detections, path: Path) -> None:
    """Write the file in canonical order, scores with 9 significant digits, seconds with 6 decimals: stable bytes.

    Raises:
        UserError: `check` refuses a detection, or the file cannot be written.
    """
    check(detections, "detections to write")
    by_video: dict[str, list[tuple[float, str, float, float]]] = {video: [] for video in sorted(detections.videos)}
    d = detections
    columns = (d.video.tolist(), d.label.tolist(), d.score.tolist(), d.start_s.tolist(), d.end_s.tolist())
    for video, label, score, start_s, end_s in zip(*columns, strict=True):
        row = (-float(f"{score:.9g}"), d.labels[label], round(start_s, 6) + 0.0, round(end_s, 6) + 0.0)
        by_video[d.videos[video]].append(row)
    lines = [f"{json.dumps(video)}: {_rows_text(sorted(rows))}" for video, rows in by_video.items()]
    body = ",\n".join(lines)
    files.write(path, f'{{"version": "VERSION 1.3", "results": {{\n{body}\n}}, "external_data": {{}}}}\n')


def _rows_text(rows: list[tuple[float, str, float, float]]) -> str:
    """Sorted (-score, label, start, end) -> JSON list; `0.0 - score` writes a zero without its sign."""
    return json.dumps([{"label": label, "score": 0.0 - s, "segment": [start, end]} for s, label, start, end in rows])


def _explain(read: Any, path: Path) -> None:
    """Say why `read`, which is JSON, is no result file.

    Raises:
        UserError: it is none; the sentence says all that is wrong, with its cure.
    """
    results = read.get("results") if isinstance(read, dict) else None
    if not isinstance(results, dict):
        raise UserError(f'{path} holds no "results" object of videos; write {LAYOUT}.')
    findings = Findings(str(path))
    for video, rows in results.items():
        if not isinstance(rows, list):
            findings.fault(f"the entry of video {video!r} is not a list of detections", f"write {LAYOUT}")
            continue
        for number, row in enumerate(rows):
            with findings.gathering():
                if not isinstance(row, dict) or not {"label", "score", "segment"} <= set(row):
                    raise UserError(_sentence(path, video, number, "lacks label, score or segment; write all three"))
                if problem := _problem(row["label"], row["score"], row["segment"]):
                    raise UserError(_sentence(path, video, number, problem))
    findings.refuse()


def _sentence(source: str | Path, video: str, number: int, problem: str) -> str:
    return f"{source}: detection {number} (counting from 0) of video {video!r} {problem}."


def _problem(label: object, score: object, segment: object) -> str | None:
    """What is wrong with one detection and what to do about it; None if nothing is."""
    if not isinstance(label, str) or not label:
        return f"has label {label!r}; write the class name as text, as the ground truth spells it"
    if not _finite(score):
        return f"has score {score!r}; write a finite number or drop the detection"
    if not (isinstance(segment, list) and len(segment) == 2 and all(map(_finite, segment))):
        return f"has segment {segment!r}; write two finite numbers [start_s, end_s] or drop the detection"
    if segment[0] > segment[1]:
        return f"ends at {segment[1]!r} s before it starts at {segment[0]!r} s; write [start_s, end_s] in this order"
    return None


def _finite(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max
