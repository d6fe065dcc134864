"""FiftyOne: fiftyone/labels.json and data.json, a FiftyOneTemporalDetectionDataset whose videos stay where they are.

After https://docs.voxel51.com/user_guide/import_datasets.html#fiftyonetemporaldetectiondataset: `label` is an index into
`classes`, `support` are the first and last frame, counted from 1, `attributes` are free: here the times to the millisecond.

    kind = fiftyone.types.FiftyOneTemporalDetectionDataset
    fiftyone.Dataset.from_dir("found/fiftyone", kind, data_path="data.json")
"""

import json
from collections.abc import Sequence
from typing import Any

from wstal.exchange.tools.tracks import Clip, Mark


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """Labels of all videos, and where the videos are."""
    index = {label: number for number, label in enumerate(classes)}
    labels = {clip.video: [_detection(clip, mark, index[mark.label]) for mark in clip.ordered()] for clip in clips}
    contents = {
        "labels.json": {"classes": list(classes), "labels": labels},
        "data.json": {clip.file.name: str(clip.path) for clip in clips},
    }
    return {f"fiftyone/{name}": json.dumps(content, indent=1, ensure_ascii=False) + "\n" for name, content in contents.items()}


def _detection(clip: Clip, mark: Mark, label: int) -> dict[str, Any]:
    start_ms, end_ms = mark.ms()
    times = {"start_s": start_ms / 1000, "end_s": end_ms / 1000}
    return {"label": label, "support": list(clip.frames(mark)), "confidence": mark.score, "attributes": times}
