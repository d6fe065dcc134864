"""Mappings -> frozen records, and these -> YAML. What does not fit is one sentence that names file, place and cure."""

import copy
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import getitem
from types import UnionType
from typing import Any, TypeVar

import msgspec
import yaml

from wstal.base.errors import UserError

T = TypeVar("T")


def text(value: Any) -> str:
    """A record or mapping as YAML in the order of its keys, with the innermost lists and mappings on one line."""
    return yaml.safe_dump(msgspec.to_builtins(value), sort_keys=False, default_flow_style=None, width=120, allow_unicode=True)


def convert(value: Any, kind: type[T] | UnionType, where: str) -> T:
    """`value` as a record of type `kind`; `where` names file and place: "params.yaml, seeds".

    Raises:
        UserError: something does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, OverflowError, RecursionError) as error:
        raise UserError(f"{where}: {spelled(value, kind, error)}; mend or remove that parameter.") from None


def spelled(value: Any, kind: type | UnionType, error: Exception) -> str:
    """What msgspec says of `value`, with the keys that it writes as [...]."""
    message, at, place = str(error).partition("`$")
    path: list[Any] = []
    text = ""
    for name, index in re.findall(r"\.(\w+)|\[([.\d]+)\]", place):
        if index == "...":
            faulty = [key for key in reduce(getitem, path, value) if fault(alone(value, path, key), kind) == str(error)]
            if not faulty:
                return str(error)
            value, name = alone(value, path, faulty[0]), faulty[0]
        path.append(int(index) if index.isdecimal() else name)
        text += f"[{index}]" if index.isdecimal() else f".{name}"
    return f"{message}`{text.removeprefix('.')}`" if at else message


def alone(value: Any, path: Sequence[Any], key: Any) -> Any:
    """`value`, with one key alone in the mapping at `path`."""
    changed = copy.deepcopy(value)
    mapping = reduce(getitem, path, changed)
    entry = mapping[key]
    mapping.clear()
    mapping[key] = entry
    return changed


def fault(value: Any, kind: type | UnionType) -> str | None:
    """What msgspec says of `value`, if it is no record of type `kind`."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None


def merge(base: Mapping[str, Any], *changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `changes`, later ones last; mappings merge key by key, everything else is replaced."""
    merged = dict(base)
    for change in changes:
        for key, value in change.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = merge(merged[key], value) if both else value
    return merged
