"""One stream's array of a feature store, written video by video: memory holds one video, whatever their number."""

import hashlib
from pathlib import Path

import numpy as np

from wstal.base.errors import system_errors
from wstal.base.manifest import Format, Rows

WIDE = np.dtype("<f4")


class StreamFile:
    """An .npy file (sum of T, D) that grows at its end; `finish` states its length. The bytes are those of numpy.save.

    It has the precision of its first video until one of float32 comes behind float16: then what is there is written anew
    as float32, which is exact and happens once.
    """

    def __init__(self, path: Path, dim: int, dtype: np.dtype):
        self.path, self.dim, self.dtype = path, dim, dtype
        self.rows: dict[str, Rows] = {}  # video -> its rows
        self._begin()

    @property
    def format(self) -> Format:
        """What the rows are, for the manifest."""
        return Format(dim=self.dim, dtype="float32" if self.dtype == WIDE else "float16")

    def append(self, video: str, values: np.ndarray) -> None:
        """Put the features of a video, (T, D) little-endian float16 or float32, behind those that are there."""
        if values.dtype.itemsize > self.dtype.itemsize:
            self._widen()
        data = values.astype(self.dtype, copy=False).tobytes()
        with system_errors(self.path):
            self._file.write(data)
        self.rows[video] = Rows(start=self._length, length=len(values), sha256=hashlib.sha256(data).hexdigest())
        self._length += len(values)

    def finish(self) -> None:
        """Write the number of rows into the header, in place, and close the file."""
        with system_errors(self.path):
            self._file.seek(0)
            self._write_header()
            assert self._file.tell() == self._data, "numpy pads a header so that the first axis may grow"
            self._file.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        with system_errors(self.path):
            self._file.close()

    def _begin(self) -> None:
        """An empty array."""
        with system_errors(self.path):
            self._file, self._length = self.path.open("wb"), 0
            self._write_header()
            self._data = self._file.tell()  # where the first row lies

    def _write_header(self) -> None:
        header = {"descr": np.lib.format.dtype_to_descr(self.dtype), "fortran_order": False, "shape": (self._length, self.dim)}
        np.lib.format.write_array_header_1_0(self._file, header)

    def _widen(self) -> None:
        """Write all videos anew as float32."""
        self.finish()
        narrow = self.path.rename(self.path.with_suffix(".narrow"))
        array, rows = np.load(narrow, mmap_mode="r", allow_pickle=False), self.rows
        self.dtype, self.rows = WIDE, {}
        self._begin()
        for video, of_video in rows.items():
            self.append(video, array[of_video.start : of_video.start + of_video.length])
        narrow.unlink()
