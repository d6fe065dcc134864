"""The manifest of a feature store: whose rows are where in the array of each stream. Extraction writes it, training reads it.

<folder>/<stream>.npy      (sum of T, D) float16 or float32: the snippets of one video after another
<folder>/manifest.json     `Manifest`
"""

from pathlib import Path
from typing import Literal

import msgspec

from wstal.base.errors import system_errors
from wstal.base.record import Count, Index, Record
from wstal.base.timegrid import TimeGrid

AGAIN = "make the features again with `dvc repro features`"


class Rows(Record, gc=False):  # of which a big store has many
    """A video's snippets in the array of a stream."""

    start: Index  # row of the first one
    length: Count  # how many, T
    sha256: str  # of their bytes in the file


class Format(Record):
    """What the rows of a stream are."""

    dim: Count  # features of a snippet, D
    dtype: Literal["float16", "float32"]


class Manifest(Record, omit_defaults=True):
    """The content of manifest.json."""

    backbone: str  # what made the features
    grids: dict[str, TimeGrid]  # of each stream
    streams: dict[str, Format]
    videos: dict[str, dict[str, Rows]]  # video -> stream -> its rows
    warnings: dict[str, list[str]] = {}  # video -> what is wrong with the file that it came from
    notes: list[str] = []  # what is odd about the features, a sentence each


def file(folder: Path) -> Path:
    """Where the manifest of a store lies."""
    return folder / "manifest.json"


def array_file(folder: Path, stream: str) -> Path:
    """Where the array of a stream lies."""
    return folder / f"{stream}.npy"


def write(manifest: Manifest, folder: Path) -> None:
    """Write <folder>/manifest.json; equal manifests are equal bytes."""
    text = msgspec.json.format(msgspec.json.encode(manifest, order="deterministic"), indent=1)
    with system_errors(file(folder)):
        file(folder).write_bytes(text + b"\n")
