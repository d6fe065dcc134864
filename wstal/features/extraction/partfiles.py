"""What extraction has finished: one file per video and stream, whole or not there, so that it can stop at any time.

    <folder>/<stream>/<video>-<digest>.safetensors     "features" (T, D); metadata: what they were made from, and warnings

A part counts only while nothing that it was made from has changed: the video file (its size and time), the network, the grid.
A digest of these is in its name: files of one name in two places do not disturb each other, and a file may move.
Any number of processes may fill one folder. A part that is truncated or does not fit its checksum is as one that is missing.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from safetensors.numpy import save

from wstal.base import files, progress
from wstal.base.timegrid import TimeGrid
from wstal.border import filenames, jsonfile, tensorfile
from wstal.border.tensorfile import DamagedError

KEY = "wstal"
T = TypeVar("T")


class _Record(msgspec.Struct):
    """What the metadata of a part say."""

    sources: list[Any]  # of `Parts.sources`
    warnings: list[str]


@dataclass(frozen=True)
class Part:
    """Features of one video in one stream."""

    features: np.ndarray  # (T, D)
    warnings: list[str]  # what was wrong with the file, from `Footage`


@dataclass(frozen=True)
class Parts:
    """The finished parts of one stream."""

    folder: Path  # of this stream
    origin: str  # what makes the features: network, weights, optical flow
    grid: TimeGrid

    def path(self, video: str, sources: list) -> Path:
        """Where the part of a video lies that is made from `sources`."""
        digest = hashlib.sha256(json.dumps(sources).encode()).hexdigest()
        return self.folder / f"{filenames.file_name(video)}-{digest[:8]}.safetensors"

    def sources(self, file: Path) -> list:
        """All that features of the video `file` depend on; a missing file differs from every one there was."""
        stamp = [(status := file.stat()).st_size, status.st_mtime_ns] if file.is_file() else None
        return [stamp, self.origin, list(dataclasses.astuple(self.grid))]

    def load(self, video: str, file: Path) -> Part | None:
        """The part, or None where it is missing, damaged, or made from something else.

        Raises:
            UserError: the system does not let it be read.
        """
        return self._read(video, file, lambda content, warnings: Part(_features(content), warnings))

    def warnings(self, video: str, file: Path) -> list[str] | None:
        """The warnings of the part alone, without its features; None and errors as `load`."""
        return self._read(video, file, lambda content, warnings: warnings)

    def _read(self, video: str, file: Path, take: Callable[[Any, list[str]], T]) -> T | None:
        """take(open file, warnings) of a finished part."""
        sources = self.sources(file)
        path = self.path(video, sources)

        def taken(content: Any) -> T | None:
            record = jsonfile.parse(content.metadata()[KEY].encode(), _Record, str(path), "is damaged", "make it again")
            return take(content, record.warnings) if record.sources == sources else None

        try:
            return tensorfile.read_with(path, taken, needed=True)
        except FileNotFoundError:
            return None
        except DamagedError as error:
            progress.note(f"{path.name}: features of {video} are made again, as their file was damaged ({error.reason})")
            path.unlink(missing_ok=True)
            return None

    def save(self, video: str, part: Part, sources: list) -> None:
        """Write the part at once. `sources` are those from before the video was read."""
        record = json.dumps({"sources": sources, "warnings": part.warnings}, sort_keys=True)
        data = save({"features": np.ascontiguousarray(part.features)}, metadata={KEY: record})
        files.write(self.path(video, sources), tensorfile.sealed(data))


def _features(content: Any) -> np.ndarray:
    """The features (T, D) of an open part."""
    features = content.get_tensor("features")
    if features.ndim != 2 or features.dtype.kind != "f":
        raise ValueError(f"features are {features.dtype} of shape {features.shape}")
    return features
