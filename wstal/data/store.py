"""The feature store as training sees it: one memory-mapped array per video and stream, and a manifest."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid


class FeatureStore:
    """Features of one dataset: store["rgb", "video_1"] is (T, D), float16 or float32, memory-mapped."""

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "manifest.json"
        if not path.is_file():
            raise UserError(f"{path} is missing; make the features first with `dvc repro features`.")
        self.manifest = msgspec.json.decode(path.read_bytes())
        self.grids = {stream: TimeGrid(**grid) for stream, grid in self.manifest["grids"].items()}
        self.videos = tuple(sorted(self.manifest["videos"]))
        self.open = cache(self.open)

    def open(self, stream: str, video: str) -> np.ndarray:
        """Features (T, D) of a video; a missing or damaged file is one sentence."""
        path = self.folder / stream / f"{video}.npy"
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except FileNotFoundError:
            raise UserError(f"{path} is missing; make the features again with `dvc repro features`.") from None
        except (ValueError, EOFError, OSError) as error:
            raise UserError(f"{path} is damaged ({error}); make the features again with `dvc repro features`.") from None
        expected = self.manifest["videos"][video][stream]["shape"]
        if list(array.shape) != expected:
            raise UserError(f"{path} has shape {list(array.shape)}, its manifest says {expected}; make it again.")
        return array

    def grid(self, streams: Sequence[str]) -> TimeGrid:
        """The time grid that `streams` share; streams on different grids can be neither concatenated nor fused."""
        own = {stream: self.grids[stream] for stream in streams}
        first = next(iter(own))
        for stream, grid in own.items():
            if grid != own[first]:
                raise UserError(
                    f"{self.folder}: streams {first!r} and {stream!r} lie on different time grids ({own[first]}, {grid}), so "
                    "their snippets cannot be joined; set `streams` in params.yaml to streams of one grid, or extract them "
                    "on one grid."
                )
        return own[first]

    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""
        return self.manifest["streams"][stream]
