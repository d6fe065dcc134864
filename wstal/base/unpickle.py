"""Pickles of NumPy arrays, read without running anything that they ask for.

The field publishes annotations, features and weights as pickles, and a pickle is a program. Here it may name NumPy's
arrays, dtypes and scalars, and the way that Python 3 spells bytes under protocol 2. What it gets for them are the
stand-ins below: they take plain data, check it, and hand it to NumPy. No function that a file could misuse is within
its reach, and none of the stand-ins lets itself be changed (`__setstate__`).
"""

import math
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from wstal.base.errors import UserError, of_system


class _Dtype:
    """numpy.dtype of a plain kind. Fields and subarrays are refused: their offsets would reach memory unchecked."""

    __slots__ = ("dtype",)

    def __init__(self, code: str | bytes, *_: object):
        code = code.decode("ascii") if isinstance(code, bytes) else code
        if not re.fullmatch(r"[biufSU]\d+|O\d*", code):
            raise pickle.UnpicklingError(f"dtype {code!r}")
        self.dtype: np.dtype = np.dtype(object if code[0] == "O" else code)

    def __setstate__(self, state: tuple) -> None:
        order: Any
        _, order, *structure = state[:5]
        order = order.decode("ascii") if isinstance(order, bytes) else order
        if structure != [None, None, None]:
            raise pickle.UnpicklingError("a structured dtype")
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray):
    """numpy.ndarray, and the function that pickles make one with: empty first, then filled by its state."""

    def __new__(cls, *_: object) -> "_Array":
        return super().__new__(cls, (0,), np.int8)

    def __setstate__(self, state: tuple) -> None:
        version, shape, stand_in, fortran, data = state
        dtype = stand_in.dtype
        size = math.prod(shape) * (1 if dtype.hasobject else dtype.itemsize)
        plain = type(stand_in) is _Dtype and all(type(length) is int and length >= 0 for length in shape)
        if not plain or type(data) is not (list if dtype.hasobject else bytes) or len(data) != size:
            raise pickle.UnpicklingError("an array whose data does not fill its shape")
        super().__setstate__((version, shape, dtype, bool(fortran), data))  # type: ignore[arg-type]  # the stub asks for numpy.bool


class _Scalar:
    """numpy.core.multiarray.scalar(dtype, raw bytes)."""

    __setstate__ = None

    def __new__(cls, stand_in: _Dtype, raw: bytes) -> Any:
        if type(stand_in) is not _Dtype or stand_in.dtype.hasobject or len(raw) != stand_in.dtype.itemsize:
            raise pickle.UnpicklingError("a scalar whose bytes do not fill its dtype")
        return np.frombuffer(raw, stand_in.dtype)[0]


class _Bytes:
    """Bytes as Python 3 writes them under protocol 2: `_codecs.encode(text, "latin1")`, or `bytes()` when empty."""

    __setstate__ = None

    def __new__(cls, text: str = "", codec: str = "latin1") -> Any:
        if type(text) is not str or codec != "latin1":
            raise pickle.UnpicklingError(f"bytes in the codec {codec!r}")
        return text.encode("latin1")


_ADMITTED: dict[tuple[str, str], type] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Bytes,
    ("__builtin__", "bytes"): _Bytes,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Scalar for core in ("core", "_core")},
}


class _Forbidden(pickle.UnpicklingError):
    """The pickle names a global that is not admitted."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise _Forbidden(f"{module}.{name}") from None


def load(file: BinaryIO, path: Path) -> Any:
    """What the pickle at the file's position holds: plain Python objects and arrays; strings of Python 2 stay bytes.

    `path` names the file in a sentence. Arrays arrive as a subclass of ndarray; `numpy.asarray` makes them plain without
    a copy.

    Raises:
        UserError: the pickle is damaged, or asks for anything but arrays.
    """
    try:
        return _Unpickler(file, encoding="bytes").load()
    except _Forbidden as error:
        raise UserError(
            f"{path} asks to run {error}, which no array needs, so nothing of it was run or read; "
            "get it from its authors again, or save it anew with numpy.save from plain arrays."
        ) from error
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        raise of_system(error, path) or UserError(
            f"{path} is truncated or damaged ({type(error).__name__}: {error}); download it again."
        ) from error
