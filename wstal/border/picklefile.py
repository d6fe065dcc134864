"""Pickles of NumPy arrays, read without running anything that they ask for.

The field publishes annotations, features and weights as pickles, and a pickle is a program. Here it may name NumPy's
arrays, dtypes and scalars, and the way that Python 3 spells bytes under protocol 2. What it gets for them are the
stand-ins below: they take plain data, check it, and hand it to NumPy. No function that a file could misuse is within
its reach, and none of the stand-ins lets itself be changed (`__setstate__`).

Before that, `scan` looks at every instruction and keeps none: a length beyond the end of the file, a place in the memo that
no pickle comes to, or an instruction that data does not need never reach the unpickler, which would make room for them.
After it, `check_tree` refuses what holds itself, and what is small in memory but endless to walk through.
"""

import math
import mmap
import pickle
import pickletools
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from wstal.base.errors import UserError, of_system, system_errors
from wstal.border import content, npyfile
from wstal.border.limits import LIMITS, MIB, allowed_bytes, check_expansion


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


class Forbidden(pickle.UnpicklingError):
    """The pickle names a global that is not admitted."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise Forbidden(f"{module}.{name}") from None


def load(file: BinaryIO, path: Path) -> Any:
    """What the pickle at the file's position holds: plain Python objects and arrays; strings of Python 2 stay bytes.

    `path` names the file in a sentence. Arrays arrive as a subclass of ndarray; `numpy.asarray` makes them plain without
    a copy.

    Raises:
        UserError: the pickle is damaged, asks for anything but arrays, or is made to fill the memory.
    """
    try:
        start = file.tell()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            size = scan(data, start) - start
        loaded = _Unpickler(file, encoding="bytes").load()
    except Forbidden as error:
        raise UserError(
            f"{path} asks to run {error}, which no array needs, so nothing of it was run or read; "
            "get it from its authors again, or save it anew with numpy.save from plain arrays."
        ) from error
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        raise of_system(error, path) or UserError(
            f"{path} is truncated or damaged ({type(error).__name__}: {error}); download it again."
        ) from error
    check_tree(loaded, size, path)
    return loaded


# Instructions by the byte that they begin with. Refused are those that plain data needs none of: classes of old, sets, which
# make what they hold comparable, and what is looked up elsewhere.
OPCODES = {ord(op.code): op for op in pickletools.opcodes}
REFUSED = {
    "PERSID", "EXT1", "EXT2", "EXT4", "INST", "OBJ", "NEWOBJ_EX", "EMPTY_SET", "ADDITEMS", "FROZENSET", "NEXT_BUFFER",
    "READONLY_BUFFER", "BYTEARRAY8",
}  # fmt: skip
LENGTHS = {  # bytes that say how many follow
    pickletools.TAKEN_FROM_ARGUMENT1: 1,
    pickletools.TAKEN_FROM_ARGUMENT4: 4,
    pickletools.TAKEN_FROM_ARGUMENT4U: 4,
    pickletools.TAKEN_FROM_ARGUMENT8U: 8,
}
LOOKED_AT = {"PUT", "LONG_BINPUT", "GLOBAL", "STOP", "FRAME", "BINPERSID"} | REFUSED
MAPPINGS = {"SETITEM", "SETITEMS", "DICT"}
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"}
MOST_TUPLES = 20_000  # of a pickle that has mappings: keys are hashed, tuples inside tuples by a call each
SHORT, RUN = 48, 4096  # bytes of texts that the patterns know, and instructions that one match takes
USUAL = b"GhKrq\x8cXjMJU"  # instructions that lists of numbers and texts are made of, most frequent first


def scan(
    data: bytes | mmap.mmap,
    start: int = 0,
    named: Callable[[str, str], None] = lambda module, name: None,
    persistent: bool = False,
) -> int:
    """Look at the instructions of the pickle that begins at `start` of a file's bytes; -> where it ends.

    `named` is told every global that the pickle spells out. `persistent` admits references to what lies elsewhere, as
    torch.save writes them.

    Raises:
        UnpicklingError: it is cut, or made to fill the memory.
    """
    at, end = start, len(data)
    tuples, mappings = 0, False
    harmless = _harmless(frozenset(), end - start >= 2 * MIB)
    while at < end:
        if run := harmless(data, at):
            at = run.end()
            continue
        op = OPCODES.get(data[at])
        if op is None or op.name in REFUSED or (op.name == "BINPERSID" and not persistent):
            raise pickle.UnpicklingError(f"instruction {op.name if op else data[at]}, which no data needs")
        after, value = _argument(data, at + 1, op)
        if after > end:
            raise pickle.UnpicklingError(f"{op.name} of {after - at - 1} bytes, of which the file has {end - at - 1}")
        if op.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(value) > end - start:
            raise pickle.UnpicklingError(f"place {int(value)} of the memo in {end - start} bytes")
        if op.name == "FRAME" and after + value > end:
            raise pickle.UnpicklingError(f"a frame of {value} bytes, of which the file has {end - after}")
        if op.name == "GLOBAL":
            named(*(text.decode("utf-8", "replace") for text in value.split(b"\n")))
        if op.name == "STOP":
            return after
        if op.name in TUPLES | MAPPINGS:
            tuples, mappings = tuples + (op.name in TUPLES), mappings or op.name in MAPPINGS
            many = tuples > MOST_TUPLES
            if many and mappings:
                raise pickle.UnpicklingError(f"more than {MOST_TUPLES} tuples beside mappings")
            if many or mappings:
                harmless = _harmless(frozenset(MAPPINGS if mappings else TUPLES), end - start >= 2 * MIB)
        at = after
    raise pickle.UnpicklingError("it ends early")


@cache
def _harmless(counted: frozenset[str], big: bool) -> Callable[[bytes | mmap.mmap, int], re.Match | None]:
    """A match of the instructions that need no look: nearly all, and of TUPLES and MAPPINGS those that are `counted` enough.

    Places of the memo are then below 2^24, for which a `big` file has the bytes, or 2^16.
    """
    alone, longer = b"", {b"r": b"...\\x00" if big else b"..\\x00\\x00", b"p": b"[0-9]{1,7}\n" if big else b"[0-9]{1,5}\n"}
    for op in pickletools.opcodes:
        if op.name not in LOOKED_AT | (TUPLES | MAPPINGS) - counted:
            code, length = op.code.encode("latin-1"), op.arg.n if op.arg else 0
            if not length:
                alone += re.escape(code)
            elif length == pickletools.UP_TO_NEWLINE:
                longer[code] = b"[^\n]{0,100}\n"
            elif length > 0:
                longer[code] = b"." * length
            else:
                texts = (re.escape(n.to_bytes(LENGTHS[length], "little")) + b"." * n for n in range(SHORT))
                longer[code] = b"(?:%b)" % b"|".join(texts)
    codes = sorted(longer, key=lambda code: USUAL.find(code) % len(longer))
    one = b"|".join(re.escape(code) + longer[code] for code in codes)
    return re.compile(b"(?:[%b]*(?:%b)){1,%d}|[%b]+" % (alone, one, RUN, alone), re.DOTALL).match


def _argument(data: bytes | mmap.mmap, at: int, op: Any) -> tuple[int, Any]:
    """(where the argument of an instruction ends, its value where `scan` asks for it)."""
    if op.arg is None:
        return at, None
    if op.arg.n == pickletools.UP_TO_NEWLINE:
        after = at
        for _ in range(2 if op.name == "GLOBAL" else 1):
            after = data.find(b"\n", after) + 1
            if not after:
                raise pickle.UnpicklingError(f"{op.name} without an end")
        return after, data[at : after - 1] if after - at < 10_000 else b""
    if op.arg.n >= 0:
        value = int.from_bytes(data[at : at + op.arg.n], "little")
        return at + op.arg.n, value
    width = LENGTHS[op.arg.n]
    length = int.from_bytes(data[at : at + width], "little")
    return at + width + length, length


def check_tree(tree: Any, stored: int, path: Path, weight: Callable[[Any], int | None] = lambda value: None) -> None:
    """Refuse content that holds itself, nests deeper than LIMITS.depth, or is far larger to walk through than its file.

    `weight` knows the bytes (...) of values of other kinds; None for those that it does not know.

    Raises:
        UserError: it is such a content.
    """
    if _is_light(tree, stored):
        return
    known: dict[int, int] = {}  # id of a list, mapping or array of objects -> its bytes
    open_ids: set[int] = set()  # of those that the one looked at lies in
    todo: list[tuple[Any, bool]] = [(tree, False)]
    while todo:
        value, finished = todo.pop()
        if finished:
            sizes = (known[id(child)] if id(child) in known else _leaf_bytes(child, weight) for child in _children(value))
            known[id(value)] = 8 + sum(sizes)
            open_ids.discard(id(value))
            check_expansion(known[id(value)], stored, path)
        elif id(value) in open_ids:
            raise UserError(f"{path} holds a list or mapping that holds itself, as no data does; download it again.")
        elif len(open_ids) >= LIMITS.depth:
            raise UserError(f"{path} nests deeper than {LIMITS.depth} levels, as no data does; download it again.")
        elif id(value) not in known and _is_branch(value):
            children = _children(value)
            if SMALL.issuperset(map(type, children)):
                known[id(value)] = 8 + 8 * len(children)
                continue
            open_ids.add(id(value))
            todo.append((value, True))
            todo += [(child, False) for child in children if _is_branch(child)]


def _is_light(tree: Any, stored: int) -> bool:
    """Whether the tree has no more entries than its file has bytes, as any that shares no list, and is neither deep nor heavy.

    False where it cannot be told in a few steps a level.
    """
    level, entries, size = [tree], 0, 0
    for _ in range(LIMITS.depth):
        kinds = set(map(type, level))
        if not kinds <= KNOWN:
            return False
        if kinds & TEXTS:
            texts = level if kinds <= TEXTS else [value for value in level if type(value) in TEXTS]
            size += sum(map(len, texts))
        if kinds & ARRAYS:
            size += sum(value.nbytes for value in level if type(value) in ARRAYS)
        branches = level if kinds <= LISTS else [value for value in level if _is_branch(value)] if kinds & BRANCHES else []
        entries += sum(value.size if isinstance(value, np.ndarray) else len(value) for value in branches)
        if entries > stored:
            return False
        if not branches:
            return 8 * entries + size <= allowed_bytes(stored)
        level = list(chain.from_iterable(branches if kinds <= LISTS else map(_children, branches)))
    return False


SMALL = {float, int, bool, type(None)}  # numbers, of which long lists are made
TEXTS, LISTS, ARRAYS = {str, bytes}, {list, tuple}, {np.ndarray, _Array}
BRANCHES = LISTS | ARRAYS | {dict}
KNOWN = SMALL | TEXTS | BRANCHES


def _is_branch(value: Any) -> bool:
    return isinstance(value, list | tuple | Mapping) or (isinstance(value, np.ndarray) and value.dtype.hasobject)


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    return value.ravel().tolist() if isinstance(value, np.ndarray) else value


def _leaf_bytes(value: Any, weight: Callable[[Any], int | None]) -> int:
    if isinstance(value, np.ndarray | np.generic):
        return int(value.nbytes)
    known = weight(value)
    return len(value) if isinstance(value, str | bytes) else 8 if known is None else known


def load_objects(path: Path, cure: str) -> np.ndarray:
    """The array (...) of an .npy file: memory-mapped if plain, otherwise unpickled (strings of Python 2 arrive as bytes).

    Items that are arrays arrive as a subclass of ndarray; `numpy.asarray` makes them plain without a copy.

    Raises:
        UserError: the file is missing or damaged, or its pickle asks for more than arrays.
    """
    content.require([path], cure)
    shape, dtype = npyfile.header(path)
    if not dtype.hasobject:
        return npyfile.load(path, cure)
    with system_errors(path), path.open("rb") as file:
        npyfile.read_header(file)
        array = load(file, path)
    if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shape, dtype):
        raise UserError(f"{path} is damaged (its pickle is not the array that its header states); download it again.")
    return np.asarray(array)
