"""Object arrays in .npy files, written item by item: memory does not grow with their number.

numpy.save pickles a whole array at once and names modules that NumPy 1 lacks; codes of the field run on NumPy 1. So the opcodes
of the pickle (protocol 4, https://docs.python.org/3/library/pickletools.html) are written here one by one.
"""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"  # an empty array, to be filled


def save(path: Path, shape: tuple[int, ...], items: Iterable[Any]) -> None:
    """Write an object array of this shape; items are text, numbers, lists, dictionaries and arrays of numbers."""
    header = {"descr": "|O", "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(b"\x80\x04" + ARRAY + b"(K\x01" + _shape(shape) + _dtype("O8", "|", 63) + b"\x89](")
        for item in items:
            _write(file, item)
        file.write(b"etb.")


def _write(file: BinaryIO, value: Any) -> None:
    match value:
        case str():
            data = value.encode()
            file.write(b"X" + struct.pack("<I", len(data)) + data)
        case int():
            file.write(b"J" + struct.pack("<i", value))
        case float():
            file.write(b"G" + struct.pack(">d", value))
        case list():
            file.write(b"](")
            for item in value:
                _write(file, item)
            file.write(b"e")
        case dict():
            file.write(b"}(")
            for pair in value.items():
                for item in pair:
                    _write(file, item)
            file.write(b"u")
        case np.ndarray() if value.dtype.kind in "biuf":
            plain = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
            file.write(ARRAY + b"(K\x01" + _shape(plain.shape) + _dtype(plain.dtype.str[1:], "<", 0) + b"\x89")
            file.write(b"\x8e" + struct.pack("<Q", plain.nbytes))
            file.write(plain.data.cast("B"))
            file.write(b"tb")
        case _:
            raise TypeError(f"{type(value)} has no place in an object array")


def _shape(shape: tuple[int, ...]) -> bytes:
    return b"(" + b"".join(b"J" + struct.pack("<i", length) for length in shape) + b"t"


def _dtype(code: str, order: str, flags: int) -> bytes:
    """numpy.dtype(code, False, True), then its state."""
    head = b"cnumpy\ndtype\nX" + struct.pack("<I", len(code)) + code.encode() + b"\x89\x88\x87R"
    return (
        head
        + b"(K\x03X"
        + struct.pack("<I", 1)
        + order.encode()
        + b"NNN"
        + b"J\xff\xff\xff\xff" * 2
        + b"K"
        + bytes([flags])
        + b"tb"
    )
