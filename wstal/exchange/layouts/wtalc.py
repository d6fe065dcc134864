"""W-TALC's arrays, which FAC-Net, WSAD, CO2-Net and others share.

As video_dataset.py and detectionMAP.py in github.com/sujoyp/wtalc-pytorch read them:

    <out>/<dataset>-I3D-JOINTFeatures.npy      object array of N arrays (T, D), streams side by side, RGB first
    <out>/<dataset>-Annotations/               over the N videos: videoname and subset (bytes), duration (N, 1) in seconds,
                                               labels_all (lists of labels of the video), labels and segments (lists, one entry
                                               an instance; [start, end] in seconds); classlist (bytes)
    <out>/<dataset>-Annotations/Ambiguous_test.txt    `video  start end`, two blanks after the name

Its code for THUMOS14 trains on the subset `validation` and tests on `test`; CO2-Net's for ActivityNet (AntSampleDataset in
wsad_dataset.py) trains on `training` and tests on `validation`: `--subsets training,validation`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wstal.base import files
from wstal.exchange.layouts import _objects
from wstal.exchange.layouts.exported_dataset import ExportedDataset

SUBSETS = ("validation", "test")


def write(data: ExportedDataset, subsets: Mapping[str, str], out: Path) -> None:
    """All files."""
    place = out / f"{data.name}-Annotations"
    place.mkdir()
    videos = data.videos
    np.save(place / "classlist.npy", _bytes(data.classes))
    np.save(place / "videoname.npy", _bytes([video.id for video in videos]))
    np.save(place / "subset.npy", _bytes([subsets[video.subset] for video in videos]))
    np.save(place / "duration.npy", np.array([[video.duration_s] for video in videos]))
    segments = [data.segments[video.id] for video in videos]
    lists: dict[str, list] = {
        "labels_all": [list(video.labels) for video in videos],
        "labels": [[one.label for one in of_video] for of_video in segments],
        "segments": [[[one.start_s, one.end_s] for one in of_video] for of_video in segments],
    }
    for name, column in lists.items():
        _objects.save(place / f"{name}.npy", (len(videos),), column)
    lines = [f"{video.id}  {start_s} {end_s}\n" for video in videos for start_s, end_s in data.ambiguous[video.id]]
    files.write(place / "Ambiguous_test.txt", "".join(lines))
    joint = (data.joint(video.id) for video in data.each("all streams"))
    _objects.save(out / f"{data.name}-I3D-JOINTFeatures.npy", (len(videos),), joint)


def _bytes(names: list[str] | tuple[str, ...]) -> np.ndarray:
    """Names (N,) as bytes in UTF-8."""
    return np.array([name.encode() for name in names])
