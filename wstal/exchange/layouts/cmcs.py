"""CMCS's files for ActivityNet, as utils.py in github.com/Finspire13/CMCS-Temporal-Action-Localization reads them.

    <out>/annotations.json                                      ActivityNet's layout
    <out>/<stream>-resize-step<stride>/v_<video>-<stream>.npz   `feature` (1, T, D) and `frame_cnt`
    <out>/misc/new_cls_{names,indices}_anet13.npy               the order of classes, to replace its own where they are others

The code takes every video for one of 25 frames a second, and asks that the frames make T snippets: `frame_cnt` is what the
video lasts, brought to a number that makes T. It reads times of all videos: a training video whose labels have none is refused.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.exchange.layouts import _database, _objects
from wstal.exchange.layouts.exported_dataset import ExportedDataset

SUBSETS = ("training", "validation")
FPS = 25.0


def write(data: ExportedDataset, subsets: Mapping[str, str], out: Path) -> None:
    """All files.

    Raises:
        UserError: the features are of another rate, or a label has no times.
    """
    if data.grid.fps != FPS:
        raise UserError(
            f"{data.name} has features of {data.grid.fps:g} frames a second, CMCS reads {FPS:g}; choose another layout."
        )
    _database.write(_database.content(data, subsets, timed=True), out / "annotations.json")
    (out / "misc").mkdir()
    names = dict(enumerate([*data.classes, "Background"]))
    for what, content in (("names", names), ("indices", {name: number for number, name in names.items()})):
        _objects.save(out / "misc" / f"new_cls_{what}_anet13.npy", (), [content])
    for stream in data.streams:
        folder = out / f"{stream}-resize-step{data.grid.stride_f}"
        folder.mkdir()
        for video in data.each(stream):
            array = data.store.features(stream, video.id)
            count = frames(video.duration_s, len(array), data.grid)
            np.savez(folder / f"v_{video.id}-{stream}.npz", feature=array[None], frame_cnt=count)


def frames(duration_s: float, snippets_t: int, grid: TimeGrid) -> int:
    """Frames of a video, brought to a number that makes `snippets_t` whole snippets."""
    least = (snippets_t - 1) * grid.stride_f + grid.window_f
    return min(max(round(duration_s * grid.fps), least), least + grid.stride_f - 1)
