"""ActivityNet's own annotations, and an array a video and stream: what the reader `activitynet_json` reads.

<out>/annotations.json                 the official layout (database, taxonomy, version)
<out>/features/<stream>/<video>.npy    (T, D)
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from wstal.exchange.layouts import _database
from wstal.exchange.layouts.exported_dataset import ExportedDataset

SUBSETS = ("training", "validation")


def write(data: ExportedDataset, subsets: Mapping[str, str], out: Path) -> None:
    """All files."""
    _database.write(_database.content(data, subsets, timed=False), out / "annotations.json")
    for stream in data.streams:
        (out / "features" / stream).mkdir(parents=True)
        for video in data.each(stream):
            np.save(out / "features" / stream / f"{video.id}.npy", data.store.features(stream, video.id))
