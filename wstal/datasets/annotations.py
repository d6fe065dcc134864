"""Annotations on disk: videos.json (video-level labels, all that training may know) and segments.json (times)."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Annotations, Segment, Video

DECIMALS = 6  # of seconds in both files


def write(annotations: Annotations, out: Path, *, origin: str) -> None:
    """Validate, then write <out>/videos.json and <out>/segments.json: sorted, the same bytes for the same annotations.

    segments.json is ActivityNet's ground-truth layout, with the class order and ambiguous times added.

    Raises:
        UserError: `validate` finds a fault, or a file cannot be written.
    """
    validate(annotations, origin=origin)
    videos = sorted(annotations.videos, key=lambda video: video.id)
    weak = [{"id": v.id, "subset": v.subset, "duration_s": _s(v.duration_s), "labels": sorted(v.labels)} for v in videos]
    database: dict[str, Any] = {
        v.id: {"subset": v.subset, "duration": _s(v.duration_s), "annotations": [], "ambiguous": []} for v in videos
    }
    for x in sorted(annotations.segments, key=_order):
        database[x.video]["annotations"].append({"segment": [_s(x.start_s), _s(x.end_s)], "label": x.label})
    for x in sorted(annotations.ambiguous, key=_order):
        database[x.video]["ambiguous"].append([_s(x.start_s), _s(x.end_s)])
    classes = list(annotations.classes)
    _write(out / "videos.json", {"classes": classes, "videos": weak})
    _write(out / "segments.json", {"version": "wstal", "classes": classes, "database": database})


def validate(annotations: Annotations, *, origin: str) -> None:
    """Refuse annotations that contradict themselves; `origin` is the file or folder that they come from.

    Raises:
        UserError: for the first fault.
    """
    for fault in _faults(annotations):
        raise UserError(f"{origin}: {fault}.")


def _faults(annotations: Annotations) -> Iterator[str]:
    """What is wrong and what to do about it, without the final stop."""
    classes, ids = set(annotations.classes), {video.id for video in annotations.videos}
    for name, count in Counter(annotations.classes).items():
        if count > 1:
            yield f"class {name!r} is listed {count} times; list it once"
    for name, count in Counter(video.id for video in annotations.videos).items():
        if count > 1:
            yield f"video {name!r} is there {count} times; give every video an id of its own"
    yield from _video_faults(annotations.videos, classes)
    wanted = {"train": "training"} | ({"test": "test"} if annotations.segments else {})  # without times, nothing is tested
    for subset, name in wanted.items():
        if not any(video.subset == subset for video in annotations.videos):
            yield f"there is no {name} video; check the names in `splits`"
    yield from _segment_faults((*annotations.segments, *annotations.ambiguous), ids)
    for segment in annotations.segments:
        if segment.label not in classes:
            yield f"{_name(segment)} has a label that is not a class; add it to the class list or mend the label"


def _video_faults(videos: tuple[Video, ...], classes: set[str]) -> Iterator[str]:
    for video in videos:
        if video.id in ("", ".", "..") or any(sign in video.id for sign in "/\\\0"):
            yield f"video id {video.id!r} cannot name a file; use an id without slashes"
        if video.subset not in ("train", "test"):
            yield f"video {video.id!r} is in subset {video.subset!r}; map it to train or test in `splits`"
        if not (math.isfinite(video.duration_s) and video.duration_s > 0):
            yield f"video {video.id!r} lasts {video.duration_s} s; give its duration in seconds"
        for label in video.labels:
            if label not in classes:
                yield f"video {video.id!r} has label {label!r}, which is no class; add it to the class list or mend it"
        if video.subset == "train" and not video.labels:
            yield f"training video {video.id!r} has no label; label it or leave it out with `exclude`"


def _segment_faults(segments: tuple[Segment, ...], ids: set[str]) -> Iterator[str]:
    for segment in segments:
        if segment.video not in ids:
            yield f"{_name(segment)} belongs to no listed video; list the video or remove the segment"
        if not (math.isfinite(segment.start_s) and math.isfinite(segment.end_s)):
            yield f"{_name(segment)} has a time that is not a number; give seconds"
        if segment.end_s < segment.start_s:
            yield f"{_name(segment)} ends before it starts; swap or mend its times"


def _name(segment: Segment) -> str:
    return f"segment {segment.label!r} [{segment.start_s}, {segment.end_s}] of video {segment.video!r}"


def _order(segment: Segment) -> tuple:
    return segment.video, segment.start_s, segment.end_s, segment.label


def _s(seconds: float) -> float:
    return round(float(seconds), DECIMALS)


def _write(path: Path, content: dict) -> None:
    files.write(path, json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
