"""The feature store as training sees it: one memory-mapped array per video and stream, and a manifest."""

from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from wstal.errors import UserError
from wstal.timegrid import TimeGrid


class FeatureStore:
    """Features of one dataset: store["rgb", "video_1"] is (T, D), float16 or float32, memory-mapped."""

    def __init__(self, folder: Path):
        self.folder = folder
        path = folder / "manifest.json"
        if not path.is_file():
            raise UserError(f"{path} is missing; make the features first with `dvc repro features`.")
        self.manifest = msgspec.json.decode(path.read_bytes())
        self.grid = TimeGrid(**self.manifest["grid"])
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

    def dim(self, stream: str) -> int:
        """Feature width D of a stream."""
        return self.manifest["streams"][stream]
