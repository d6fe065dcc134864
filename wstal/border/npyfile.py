"""Plain arrays in .npy files, and the header that all arrays of NumPy have in files and archives. Never unpickles."""

import math
import os
from pathlib import Path
from typing import IO

import numpy as np

from wstal.base.errors import UserError, of_system
from wstal.border import content
from wstal.border.limits import LIMITS

PLAIN = "biufSU"  # kinds of entries: truth values, numbers, text
READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and kind of entries; the file stands at the data afterwards.

    Raises:
        Exception: whatever NumPy raises, as it reads the header as Python text; or ValueError, of what no array is.
    """
    shape, _, dtype = READERS[np.lib.format.read_magic(file)](file, max_header_size=LIMITS.header_bytes)
    if len(shape) > LIMITS.axes or any(length < 0 for length in shape) or dtype.itemsize == 0:
        raise ValueError(f"shape {shape} of {dtype}")
    return shape, dtype


def check_plain(dtype: np.dtype, where: str) -> None:
    """Refuse arrays of anything but numbers and text; `where` names the array.

    Raises:
        UserError: it holds pickled objects, records or times.
    """
    if dtype.hasobject:
        raise UserError(f"{where} holds pickled objects; save it again with numpy.save from one array of floats.")
    if dtype.kind not in PLAIN or dtype.names or dtype.subdtype:
        raise UserError(f"{where} holds {str(dtype)[:80]}, no plain numbers; save it again from one array of floats.")


def header(path: Path) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and kind of entries that an .npy file states; nothing else is read.

    Raises:
        UserError: the file is damaged, or no .npy file.
    """
    try:
        with path.open("rb") as file:
            return read_header(file)
    except Exception as error:
        raise of_system(error, path) or UserError(f"{path} is truncated or no .npy file; download it again.") from error


def load(path: Path, cure: str) -> np.ndarray:
    """The array (...) of a plain .npy file, memory-mapped read-only.

    Raises:
        UserError: the file is missing or damaged, or holds anything but plain numbers.
    """
    content.require([path], cure)
    check_plain(header(path)[1], str(path))
    return mapped(path, f"{path} is truncated or damaged", "download or extract it again")


def mapped(path: Path, fault: str, cure: str) -> np.ndarray:
    """The array (...) of an .npy file that is there, memory-mapped read-only; `fault` and `cure` make the sentence.

    Raises:
        UserError: it is damaged.
    """
    try:
        with path.open("rb") as file:
            shape, dtype = read_header(file)
            there, stated = os.fstat(file.fileno()).st_size - file.tell(), math.prod(shape) * dtype.itemsize
        if dtype.hasobject or dtype.kind not in PLAIN:
            raise ValueError(f"entries are {str(dtype)[:80]}")
        if there != stated:
            raise ValueError("it ends early" if there < stated else f"{there - stated} bytes follow its array")
        if stated == 0:
            return np.empty(shape, dtype)
        return np.lib.format.open_memmap(path, mode="r", max_header_size=LIMITS.header_bytes)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise of_system(error, path) or UserError(f"{fault} ({error}); {cure}.") from error
