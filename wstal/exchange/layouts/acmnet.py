"""ACM-Net's package, as dataset/dataset_class.py in github.com/ispc-lab/ACM-Net reads it; FAC-Net's for ActivityNet 1.3, too.

    <out>/gt.json                          {"database": {video: {"duration", "subset", "annotations"}}}
    <out>/split_{train,test}.txt           video ids, one a line
    <out>/{train,test}/<video>.npy         (T, D), streams side by side, RGB first

The code takes the order of classes from its own config/model_config.py; `classes` in gt.json is the one here. It evaluates on
the subset `val` of ActivityNet (main_act.py), but `test` of THUMOS14 (main_thu.py): `--subsets train,test`.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wstal.base import files
from wstal.exchange.layouts import _database
from wstal.exchange.layouts.exported_dataset import ExportedDataset

SUBSETS = ("train", "val")


def write(data: ExportedDataset, subsets: Mapping[str, str], out: Path) -> None:
    """All files."""
    _database.write(_database.content(data, subsets, timed=False), out / "gt.json")
    for subset in ("train", "test"):
        (out / subset).mkdir()
        files.write(out / f"split_{subset}.txt", "".join(f"{video.id}\n" for video in data.subset(subset)))
    for video in data.each("all streams"):
        np.save(out / video.subset / f"{video.id}.npy", data.joint(video.id))
