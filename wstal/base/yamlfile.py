"""YAML and mappings -> frozen records. What does not fit is one sentence that names the file, the place and the cure."""

import copy
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar

import msgspec
import yaml

from wstal.base.errors import UserError, of_system

T = TypeVar("T")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's where it was built: ten times faster
    """Safe YAML in which a key may stand once: of two rows with one name, neither is dropped in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping whose keys differ; the first key that stands twice is an error at its place."""
        places = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        keys = [self.construct_object(place, deep=deep) for place in places]
        for key, place in zip(keys, places, strict=True):
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", place.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path, cure: str) -> dict[str, Any]:
    """The mapping that a YAML file holds; `cure` says what to do where it holds none.

    Raises:
        UserError: the file is missing, cannot be read, or holds no mapping.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {cure}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise of_system(error, path) or UserError(f"{path} cannot be read ({error}); {cure}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line.") from None
    if not raw:
        raise UserError(f"{path} is empty; {cure}.")
    if not isinstance(raw, dict):
        raise UserError(f"{path} holds no sections `name: ...`; {cure}.")
    return raw


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
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {spelled(value, kind, error)}; mend or remove that parameter.") from None


def spelled(value: Any, kind: type | UnionType, error: msgspec.ValidationError) -> str:
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
