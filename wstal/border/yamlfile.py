"""YAML -> plain objects: settings, run.yaml, the plan, published facts."""

from pathlib import Path
from typing import Any

import yaml

from wstal.base.errors import UserError
from wstal.border import content
from wstal.border.limits import LIMITS

NODES = 1_000_000  # values of a file, those counted again that aliases repeat


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # libyaml's where it was built: ten times faster
    """Safe YAML in which a key may stand once: of two rows with one name, neither is dropped in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping whose keys differ; the first key that stands twice is an error at its place."""
        seen: dict[Any, int] = {}  # key -> its line
        for place, _ in getattr(node, "value", ()) if isinstance(node, yaml.MappingNode) else ():
            if place.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(place, deep=True)
            if not isinstance(key, str | int | float | bool | None):
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} is no name", place.start_mark)
            if key in seen:
                problem = f"key {key!r} stands twice, first in line {seen[key]}"
                raise yaml.constructor.ConstructorError(None, None, problem, place.start_mark)
            seen[key] = place.start_mark.line + 1
        return super().construct_mapping(node, deep)


def read(path: Path, cure: str) -> dict[str, Any]:
    """The mapping that a YAML file holds; `cure` says what to do where it holds none.

    Raises:
        UserError: the file is missing, cannot be read, or holds no mapping.
    """
    if not path.exists():
        raise UserError(f"{path} is missing; {cure}.")
    raw = parse(content.read_text(path, LIMITS.yaml_bytes, cure), path)
    if not raw:
        raise UserError(f"{path} is empty; {cure}.")
    if not isinstance(raw, dict):
        raise UserError(f"{path} holds no sections `name: ...`; {cure}.")
    return raw


def parse(text: str, path: Path | str) -> Any:
    """YAML as plain objects of plain Python; `path` names the file.

    Raises:
        UserError: `text` is no YAML, nests deeper than LIMITS.depth, is blown up by aliases, or holds text that is no Unicode.
    """
    try:
        _check_depth(text)
        loader = Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _count(node, {})
            value = loader.construct_document(node)
        finally:
            loader.dispose()
        _check_values(value)
    except Exception as error:  # what tags ask for makes PyYAML raise almost anything
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line.") from None
    return value


def _check_depth(text: str) -> None:
    """What nests deeply is refused before it is composed, which recurses without an end to it."""
    depth = 0
    for event in yaml.parse(text, Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > LIMITS.depth:
            raise yaml.parser.ParserError(None, None, f"nested deeper than {LIMITS.depth} levels", event.start_mark)  # type: ignore[arg-type] # libyaml's own mark


def _count(node: Any, known: dict[int, int]) -> int:
    """How many values a node stands for; one that holds itself is refused."""
    if id(node) not in known:
        known[id(node)] = -1
        children = node.value if isinstance(node, yaml.CollectionNode) else ()
        flat = [child for pair in children for child in pair] if isinstance(node, yaml.MappingNode) else children
        known[id(node)] = 1 + sum(_count(child, known) for child in flat)
    if known[id(node)] < 0 or known[id(node)] > NODES:
        what = "holds itself" if known[id(node)] < 0 else f"comes to more than {NODES} values by its aliases"
        raise yaml.constructor.ConstructorError(None, None, f"what begins here {what}", node.start_mark)
    return known[id(node)]


def _check_values(value: Any) -> None:
    """Text that is no Unicode, and the float that is no number, are refused."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_values(key)
            _check_values(inner)
    elif isinstance(value, list | tuple | set):
        for inner in value:
            _check_values(inner)
    elif isinstance(value, str):
        value.encode("utf-8")
    elif isinstance(value, float) and value != value:
        raise ValueError("a value is .nan, which is no number")
