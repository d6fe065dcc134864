"""ActivityNet's ground-truth JSON, of which several layouts are made."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Video
from wstal.exchange.layouts.exported_dataset import ExportedDataset


def content(data: ExportedDataset, subsets: Mapping[str, str], *, timed: bool) -> dict[str, Any]:
    """The classes, also as a taxonomy of one level, and all videos.

    A training video's label that no segment has is an annotation without times, unless all must be `timed`.

    Raises:
        UserError: such a label is there, though all must be timed.
    """
    root = {"nodeId": 0, "nodeName": "Root", "parentId": None, "parentName": None}
    nodes = [
        {"nodeId": n, "nodeName": name, "parentId": 0, "parentName": "Root"} for n, name in enumerate(data.classes, start=1)
    ]
    database = {video.id: _entry(data, video, subsets, timed) for video in data.videos}
    return {"version": "VERSION 1.3", "taxonomy": [root, *nodes], "classes": list(data.classes), "database": database}


def write(content: Mapping[str, Any], path: Path) -> None:
    """Write the file."""
    files.write(path, json.dumps(content, ensure_ascii=False) + "\n")


def _entry(data: ExportedDataset, video: Video, subsets: Mapping[str, str], timed: bool) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = [
        {"segment": [one.start_s, one.end_s], "label": one.label} for one in data.segments[video.id]
    ]
    weak = sorted(set(video.labels) - {one["label"] for one in annotations}) if video.subset == "train" else []
    if weak and timed:
        raise UserError(
            f"{data.name}: training video {video.id!r} has label {weak[0]!r} without times, which this layout needs; choose "
            "another one, such as activitynet or wtalc."
        )
    annotations += [{"label": label} for label in weak]
    return {"duration": video.duration_s, "subset": subsets[video.subset], "annotations": annotations}
