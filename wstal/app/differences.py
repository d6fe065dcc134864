"""Where two folders differ: down to the first array and value, place in JSON, cell of a table or of a notebook.

reports/metrics/clips.json: rows.facnet.0.all.mAP[2] is 0.75, and was 0.625
"""

import filecmp
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from wstal.base.errors import UserError
from wstal.border import content, csvfile, jsonfile, npyfile, tensorfile, yamlfile

SHOWN = 60  # characters of a value
NOTHING = object()  # where one side ends


def between(old: Path, new: Path, names: Iterable[str] | None = None) -> Iterator[str]:
    """A sentence for each file that is not the same bytes in both folders; of all files, or of those with these relative names.

    Raises:
        UserError: the system does not let a file be read.
    """
    for name in sorted(set(files(old)) | set(files(new)) if names is None else names):
        before, after = old / name, new / name
        if not after.is_file():
            yield f"{name} is missing"
        elif not before.is_file():
            yield f"{name} was not there"
        elif not filecmp.cmp(before, after, shallow=False):
            yield f"{name}: {first(before, after)}"


def files(folder: Path) -> list[str]:
    """The files below a folder, as paths relative to it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def first(before: Path, after: Path) -> str:
    """The first difference of two files that differ, by what their kind holds, else by bytes."""
    kinds = {
        ".json": _json, ".ipynb": _json, ".yaml": _yaml, ".lock": _yaml, ".csv": _table, ".npy": _array,
        ".safetensors": _tensors,
    }  # fmt: skip
    try:
        found = kinds.get(before.suffix, _lines)(before, after)
    except (UserError, UnicodeDecodeError):  # of one that is damaged, its bytes can be told
        found = None
    return found or _bytes(before, after)


def _json(before: Path, after: Path) -> str | None:
    old, new = (jsonfile.decode(content.read_bytes(path), path) for path in (before, after))
    return values(old, new)


def _yaml(before: Path, after: Path) -> str | None:
    old, new = (yamlfile.read(path, "make it again") for path in (before, after))
    return values(old, new)


def values(old: Any, new: Any, place: str = "") -> str | None:
    """Where two values of lists and mappings first differ, and how; None if they do not."""
    if isinstance(old, dict) and isinstance(new, dict):
        pairs: Iterable[tuple[str, Any, Any]] = (
            (f"{place}.{key}".lstrip("."), old.get(key, NOTHING), new.get(key, NOTHING)) for key in {**old, **new}
        )
    elif isinstance(old, list) and isinstance(new, list):
        pairs = ((f"{place}[{k}]", a, b) for k, (a, b) in enumerate(zip_longest(old, new, fillvalue=NOTHING)))
    else:
        return (
            None
            if type(old) is type(new) and repr(old) == repr(new)
            else f"{place or 'it'} is {said(new)}, and was {said(old)}"
        )
    return next((found for where, a, b in pairs if (found := values(a, b, where))), None)


def said(value: Any) -> str:
    """A value in few characters."""
    text = "nothing" if value is NOTHING else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _table(before: Path, after: Path) -> str | None:
    old, new = (
        csvfile.rows(content.as_text(content.read_bytes(path), path, "make it again"), path) for path in (before, after)
    )
    for (line, a), (_, b) in zip_longest(old, new, fillvalue=(0, [])):
        for column, (x, y) in enumerate(zip_longest(a, b, fillvalue=NOTHING), start=1):
            if x != y:
                return f"line {line or 'behind the last'}, column {column} is {said(y)}, and was {said(x)}"
    return None


def _array(before: Path, after: Path) -> str | None:
    found = array(*(npyfile.load(path, "make it again") for path in (before, after)))
    return f"array{found}" if found else None


def _tensors(before: Path, after: Path) -> str | None:
    old, new = (tensorfile.read(path) for path in (before, after))
    for name in {**old, **new}:
        if name not in old or name not in new:
            return f"tensor {name} {'was not there' if name in new else 'is missing'}"
        if found := array(old[name].numpy(), new[name].numpy()):
            return f"tensor {name}{found}"
    return None


def array(old: np.ndarray, new: np.ndarray) -> str | None:
    """Where two arrays (...) first differ in their bits, and how, to stand behind a name; None if they do not."""
    if (old.shape, old.dtype) != (new.shape, new.dtype):
        return f" is {new.dtype} of shape {new.shape}, and was {old.dtype} of shape {old.shape}"
    raw = (np.ascontiguousarray(x).reshape(-1).view(np.uint8).reshape(old.size, -1) for x in (old, new))
    unequal = np.flatnonzero(np.any(np.not_equal(*raw), axis=1)) if old.size else np.empty(0, int)
    if not len(unequal):
        return None
    place = [int(i) for i in np.unravel_index(unequal[0], old.shape)]
    return f"{place} is {new[tuple(place)]}, and was {old[tuple(place)]} ({len(unequal)} of {old.size} differ)"


def _lines(before: Path, after: Path) -> str | None:
    old, new = (content.read_bytes(path).decode().splitlines() for path in (before, after))
    for number, (a, b) in enumerate(zip_longest(old, new, fillvalue=NOTHING), start=1):
        if a != b:
            return f"line {number} is {said(b)}, and was {said(a)}"
    return None


def _bytes(before: Path, after: Path) -> str:
    old, new = content.read_bytes(before), content.read_bytes(after)
    place = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return f"byte {place} differs; it has {len(new)} bytes, and had {len(old)}"
