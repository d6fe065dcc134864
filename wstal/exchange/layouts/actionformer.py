"""ActionFormer's files for a dataset of one's own.

As libs/datasets/anet.py in github.com/happyharrycn/actionformer_release reads them, and its CUSTOM_DATASET.md tells:

    <out>/annotations.json         ActivityNet's layout, with `fps` of every video and `label_id` of every annotation
    <out>/features/<video>.npy     (T, D), streams side by side
    <out>/dataset.yaml             what its config says of this dataset: `dataset_name: anet`, whose reader keeps all classes

It learns from times: a training video whose labels have none is refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wstal.base import files
from wstal.exchange.layouts import _database
from wstal.exchange.layouts.exported_dataset import ExportedDataset

SUBSETS = ("training", "validation")


def write(data: ExportedDataset, subsets: Mapping[str, str], out: Path) -> None:
    """All files."""
    content = _database.content(data, subsets, timed=True)
    entries = content["database"].values()
    instances = [one for entry in entries for one in entry["annotations"]]
    used = {one["label"] for one in instances}  # the code counts the classes that it meets
    numbers = {label: number for number, label in enumerate(label for label in data.classes if label in used)}
    for one in instances:
        one["label_id"] = numbers[one["label"]]
    for entry in entries:
        entry["fps"] = data.grid.fps
    _database.write(content, out / "annotations.json")
    files.write(out / "dataset.yaml", config(data, subsets, len(numbers)))
    (out / "features").mkdir()
    for video in data.each("all streams"):
        np.save(out / "features" / f"{video.id}.npy", data.joint(video.id))


def config(data: ExportedDataset, subsets: Mapping[str, str], classes: int) -> str:
    """The sections of a config that tell of the dataset; the code compares subsets in lower case."""
    grid = data.grid
    return (
        f"dataset_name: anet\n"
        f"train_split: [{json.dumps(subsets['train'].lower())}]\n"
        f"val_split: [{json.dumps(subsets['test'].lower())}]\n"
        "dataset: {\n"
        "  json_file: annotations.json, feat_folder: features, file_prefix: null, file_ext: .npy,\n"
        f"  num_classes: {classes}, input_dim: {data.dim}, feat_stride: {grid.stride_f}, num_frames: {grid.window_f},\n"
        f"  default_fps: {grid.fps:g}\n"
        "}\n"
    )
