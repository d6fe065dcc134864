"""Videos that an evaluation leaves out, as the official tool does with those that can be had no more ("blocked videos")."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Detections, Truth
from wstal.border import content, jsonfile
from wstal.border.limits import LIMITS
from wstal.checks.findings import some
from wstal.detect.detections import of_videos

CURE = "write a JSON list of video ids, or one id a line"


def read(path: Path) -> list[str]:
    """The ids in a file: a JSON list, or one a line.

    Raises:
        UserError: the file cannot be read, or is neither.
    """
    data = content.read_bytes(path, LIMITS.text_bytes)
    if data.lstrip().startswith((b"[", b"{")):
        ids = jsonfile.decode(data, path)
        if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
            raise UserError(f"{path} holds no list of ids; {CURE}.")
        return ids
    lines = [line.strip() for line in content.as_text(data, path, CURE).splitlines()]
    return [line for line in lines if line]


def without(truth: Truth, detections: Detections, videos: Collection[str]) -> tuple[Truth, Detections]:
    """Both without the videos of a list, whose ids may have `v_` in front; the order of classes and of the others stays.

    Raises:
        UserError: the ground truth has none of them, which is a mistake in the list, or nothing else.
    """
    listed = {_bare(video) for video in videos}
    kept = np.array([_bare(video) not in listed for video in truth.videos], dtype=bool)
    if kept.all() or not kept.any():
        have = f"none of the listed videos ({some(sorted(videos))})" if kept.all() else "no other videos than those listed"
        raise UserError(f"the ground truth has {have}; mend the list of videos to leave out.")
    place = np.cumsum(kept) - 1  # (V,) new index of a kept video
    rows, unsure = kept[truth.video], kept[truth.ambiguous_video]
    fewer = replace(
        truth,
        videos=tuple(video for video, stays in zip(truth.videos, kept, strict=True) if stays),
        video=place[truth.video[rows]].astype(np.int32),
        ambiguous_video=place[truth.ambiguous_video[unsure]].astype(np.int32),
        **{name: getattr(truth, name)[rows] for name in ("label", "start_s", "end_s")},
        **{name: getattr(truth, name)[unsure] for name in ("ambiguous_start_s", "ambiguous_end_s")},
    )
    return fewer, of_videos(detections, {video for video in detections.videos if _bare(video) not in listed})


def _bare(video: str) -> str:
    """An id without what annotations and lists may differ in; case counts, as in YouTube's ids."""
    return video.strip().removeprefix("v_")
