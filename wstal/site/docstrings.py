"""Source files -> what their docstrings say, without importing them: rooms, files, and what others may call."""

import ast
from dataclasses import dataclass
from pathlib import Path

from wstal.base.code import PACKAGE

Callable_ = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Item:
    """A public function, class or method."""

    name: str
    signature: str  # "name(x: int) -> str"; of a class its bases
    text: str  # its docstring
    items: tuple["Item", ...] = ()  # public methods of a class


@dataclass(frozen=True)
class File:
    """A source file."""

    path: str  # below wstal/
    text: str
    items: tuple[Item, ...]


def rooms() -> dict[str, list[File]]:
    """{room: its files}; the first file of a room is its __init__.py, which says what it is for."""
    found: dict[str, list[File]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.parent.relative_to(PACKAGE).as_posix()
        if room != ".":
            found.setdefault(room, []).append(file(path))
    return {room: sorted(files, key=lambda one: not one.path.endswith("__init__.py")) for room, files in found.items()}


def file(path: Path) -> File:
    """The docstrings of one file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return File(path.relative_to(PACKAGE).as_posix(), ast.get_docstring(tree) or "", items(tree))


def items(parent: ast.Module | ast.ClassDef) -> tuple[Item, ...]:
    """What a file or a class lets others call."""
    public = (node for node in parent.body if isinstance(node, Callable_) and not node.name.startswith("_"))
    return tuple(item(node) for node in public)


def item(node: Callable_) -> Item:
    """One function or class."""
    text = ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        return Item(node.name, f"class {node.name}({bases})" if bases else f"class {node.name}", text, items(node))
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return Item(node.name, f"{node.name}({ast.unparse(node.args)}){result}", text)
