"""Annotations on disk: videos.json (video-level labels, all that training may know) and segments.json (times)."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from wstal.base import files
from wstal.base.types import Annotations, Segment, Video, of_draw
from wstal.checks.findings import Findings
from wstal.checks.segments import check_segments, said
from wstal.checks.videos_and_classes import check_classes, check_ids, check_labels, check_untrained, unknown

DECIMALS = 6  # of seconds in both files


def write(annotations: Annotations, out: Path, *, origin: str) -> tuple[str, ...]:
    """Validate, then write <out>/videos.json and <out>/segments.json: sorted, the same bytes for the same annotations.

    segments.json is ActivityNet's ground-truth layout, with the class order, ambiguous times and notes on what is odd added;
    notes may speak of times, so that videos.json has none. Draws are fields of videos there and parts of names of subsets here.
    -> the notes.

    Raises:
        UserError: `validate` finds faults, or a file cannot be written.
    """
    notes = validate(annotations, origin=origin)
    videos = sorted(annotations.videos, key=lambda video: video.id)
    weak = [
        {"id": v.id, "subset": v.subset, "duration_s": _s(v.duration_s), "labels": sorted(v.labels)}
        | ({"draw": v.draw} if v.draw else {})
        for v in videos
    ]
    database: dict[str, Any] = {
        v.id: {"subset": of_draw(v.subset, v.draw), "duration": _s(v.duration_s), "annotations": [], "ambiguous": []}
        for v in videos
    }
    for x in sorted(annotations.segments, key=_order):
        database[x.video]["annotations"].append({"segment": [_s(x.start_s), _s(x.end_s)], "label": x.label})
    for x in sorted(annotations.ambiguous, key=_order):
        database[x.video]["ambiguous"].append([_s(x.start_s), _s(x.end_s)])
    classes = list(annotations.classes)
    _write(out / "videos.json", {"classes": classes, "videos": weak})
    odd = {"notes": [*notes]} if notes else {}
    _write(out / "segments.json", {"version": "wstal", "classes": classes, "database": database} | odd)
    return notes


def validate(annotations: Annotations, *, origin: str) -> tuple[str, ...]:
    """Refuse annotations that contradict themselves; `origin` is the file or folder that they come from. -> notes on oddities.

    Raises:
        UserError: there are faults; the sentence says all.
    """
    findings = Findings(origin)
    check(annotations, findings)
    findings.refuse()
    return (*annotations.notes, *findings.notes)


def check(annotations: Annotations, findings: Findings) -> None:
    """Take down what is wrong or odd in annotations."""
    videos, classes = annotations.videos, annotations.classes
    for name, count in Counter(classes).items():
        if count > 1:
            findings.fault(f"class {name!r} is listed {count} times", "list it once")
    check_labels([*classes, *(label for video in videos for label in video.labels)], findings)
    counts = Counter(label for video in videos for label in video.labels)
    check_classes({name: counts[name] for name in classes}, findings)
    check_untrained(classes, videos, findings)
    check_ids((video.id for video in videos), findings)
    bare = unlabelled(videos) if annotations.segments else ()  # of a table without times, the reader knows which show none
    for problem, cure in (*video_faults(videos, set(classes)), *bare, *_segment_faults(annotations)):
        findings.fault(problem, cure)
    wanted = {"train": "training"} | ({"test": "test"} if annotations.segments else {})  # without times, nothing is tested
    for subset, name in wanted.items():
        if not any(video.subset == subset for video in videos):
            findings.fault(f"there is no {name} video", "check the names in `splits`, or the column `subset` of a table")
    check_segments(annotations.segments, findings)


def video_faults(videos: Iterable[Video], classes: set[str]) -> Iterator[tuple[str, str]]:
    """(what is wrong, what to do about it) of what is said of single videos."""
    for video in videos:
        if video.id in ("", ".", "..") or any(sign in video.id for sign in "/\\\0"):
            yield f"video id {video.id!r} cannot name a file", "use an id without slashes"
        if video.subset not in ("train", "test"):
            yield f"video {video.id!r} is in subset {video.subset!r}", "map it to train or test in `splits`"
        if not (math.isfinite(video.duration_s) and video.duration_s > 0):
            yield f"video {video.id!r} lasts {video.duration_s} s", "give its duration in seconds"
        for label in video.labels:
            if label not in classes:
                yield (
                    f"video {video.id!r} has label {label!r}, {unknown(label, classes)}",
                    "add it to the class list or mend it",
                )


def unlabelled(videos: Iterable[Video]) -> Iterator[tuple[str, str]]:
    """(what is wrong, what to do about it) of training videos without a label."""
    for video in videos:
        if video.subset == "train" and not video.labels:
            yield f"training video {video.id!r} has no label", "label it or leave it out with `exclude`"


def _segment_faults(annotations: Annotations) -> Iterator[tuple[str, str]]:
    ids, classes = {video.id for video in annotations.videos}, set(annotations.classes)
    for segment in (*annotations.segments, *annotations.ambiguous):
        if segment.video not in ids:
            yield f"{said(segment)} belongs to no listed video", "list the video or remove the segment"
        if not (math.isfinite(segment.start_s) and math.isfinite(segment.end_s)):
            yield f"{said(segment)} has a time that is not a number", "give seconds"
    for segment in annotations.segments:
        if segment.label not in classes:
            yield (
                f"{said(segment)} has a label, {segment.label!r}, {unknown(segment.label, classes)}",
                "add it to the class list or mend the label",
            )
    for segment in annotations.ambiguous:
        if segment.end_s < segment.start_s:
            yield f"{said(segment)} ends before it starts", "swap or mend its times"


def _order(segment: Segment) -> tuple:
    return segment.video, segment.start_s, segment.end_s, segment.label


def _s(seconds: float) -> float:
    return round(float(seconds), DECIMALS)


def _write(path: Path, content: dict) -> None:
    files.write(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
