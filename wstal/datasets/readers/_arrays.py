"""Feature files in the layouts that people publish, opened by their ending; never a pickle.

    .npy               one array a file, memory-mapped
    .npz, .h5, .hdf5   the array `key` of a file; with {video} in `key`, one file may hold all videos
    .csv               one line of numbers a snippet, as TSN's features are published

How an array lies in its file is said by `axes` and `columns`, and never guessed.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias
from zipfile import ZipFile

import h5py
import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.record import Count, Index, Record
from wstal.border import csvfile, h5file, npyfile, npzfile
from wstal.datasets.readers import _files

HDF5 = (".h5", ".hdf5")
ARCHIVES = (".npz", *HDF5)
ENDINGS = (".csv", *HDF5, ".npy", ".npz")

Archive: TypeAlias = ZipFile | h5py.File


class ArrayLayout(Record):
    """Where the features of one stream lie, and how.

    Raises:
        UserError: the path has no known ending, `key` does not fit it, or `columns` are empty.
    """

    path: str  # the file below root; {video} is the id of a video, {subset} its subset's name in `splits`
    key: str | None = None  # .npz and .h5: name of the array in the file, for instance "{video}" or "{video}/rgb"
    axes: Annotated[str, msgspec.Meta(pattern="^(1*T1*D1*|1*D1*T1*)$")] = "TD"  # T snippets, D features, 1 a single entry
    columns: tuple[Index, Count] | None = None  # [first, end) of the D features that are this stream's; null: all
    dim: Count | None = None  # D that the file must have; null: any
    header_lines: Index = 0  # .csv: lines before the first snippet

    def __post_init__(self) -> None:
        ending = Path(self.path).suffix
        if ending not in ENDINGS:
            raise UserError(
                f"params.yaml: feature file {self.path!r} ends in {ending or 'nothing'!r}; save features as one of "
                f"{', '.join(ENDINGS)}, and never as pickles."
            )
        if (ending in ARCHIVES) != (self.key is not None):
            raise UserError(f"params.yaml: feature file {self.path!r}: give `key` for .npz and .h5 files, and for no other.")
        if self.columns and self.columns[0] >= self.columns[1]:
            raise UserError(f"params.yaml: feature file {self.path!r}: `columns` are [first, end); mend {self.columns}.")

    def each(self) -> bool:
        """Whether path and key tell the videos apart."""
        return "{video}" in self.path + (self.key or "")


class FileArray(np.ndarray):
    """An array that remembers its file, as numpy.memmap does, so that a sentence about it can name the file."""

    filename: Path | None = None

    def __array_finalize__(self, parent: object) -> None:
        self.filename = getattr(parent, "filename", None)


def opener() -> Callable[[Path], Archive]:
    """A function that opens .npz and .h5 files and keeps the last few open; they close when it goes."""
    return lru_cache(maxsize=8)(_open)


def keys(path: Path, archive: Archive) -> list[str]:
    """The arrays of the archive, which `path` names.

    Raises:
        UserError: it is damaged.
    """
    return npzfile.keys(archive) if isinstance(archive, ZipFile) else h5file.keys(path, archive)


def require_keys(path: Path, keys: list[str], archive: Archive, cure: str) -> None:
    """Check that all of `keys` are arrays of the archive, before the first is read.

    Raises:
        UserError: some are not; `path` names the archive and `cure` ends the sentence.
    """
    missing = npzfile.missing(archive, keys) if isinstance(archive, ZipFile) else h5file.missing(path, archive, keys)
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        raise UserError(f"{path} has no array {missing[0]!r}{more}; {cure}.")


def load(path: Path, key: str, layout: ArrayLayout, archive: Callable[[Path], Archive], cure: str) -> np.ndarray:
    """One video's features (T, D) of the stream, memory-mapped from .npy and read into memory from other files.

    `archive` opens .npz and .h5 files, of which the features are the array `key`.

    Raises:
        UserError: the file is missing or damaged, or has no such array; `cure` ends the sentence.
    """
    if path.suffix == ".npy":
        return arranged(npyfile.load(path, cure), layout, str(path))
    if path.suffix == ".csv":
        _files.require([path], cure)
        values = csvfile.numbers(path, layout.header_lines)
    else:
        _files.require([path], cure)
        file = archive(path)
        found = npzfile.read(path, key, file) if isinstance(file, ZipFile) else h5file.read(path, key, file)
        if found is None:
            raise UserError(f"{path} has no array {key!r}; {cure}.")
        values = found
    array = values.view(FileArray)
    array.filename = path
    return arranged(array, layout, f"{path}, array {key!r}" if key else str(path))


def arranged(array: np.ndarray, layout: ArrayLayout, where: str) -> np.ndarray:
    """The array (...), whose axes `layout` names, as (T, D'), D' being the stream's columns; a view.

    Raises:
        UserError: its axes or its number of features are others; `where` names it.
    """
    axes = layout.axes
    if array.ndim != len(axes) or any(n != 1 for n, axis in zip(array.shape, axes, strict=True) if axis == "1"):
        raise UserError(
            f"{where}: the shape is {array.shape}, not that of `axes: {axes}` (T snippets, D features, 1 a single entry); "
            "mend `axes` of the stream in params.yaml or save the array anew."
        )
    array = array[tuple(0 if axis == "1" else slice(None) for axis in axes)]
    array = array.T if axes.index("D") < axes.index("T") else array
    width, (first, end) = array.shape[1], layout.columns or (0, array.shape[1])
    for fits, wanted in ((layout.dim in (None, width), f"dim: {layout.dim}"), (end <= width, f"columns: [{first}, {end}]")):
        if not fits:
            raise UserError(
                f"{where}: a snippet has {width} features, which does not fit `{wanted}`; mend that or `axes` of the stream "
                "in params.yaml, or get the features of the backbone that it names."
            )
    return array[:, first:end]


def _open(path: Path) -> Archive:
    return npzfile.opened(path) if path.suffix == ".npz" else h5file.opened(path)
