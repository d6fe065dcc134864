"""Which source files a module runs, from its imports: what caches are keyed by, and what the house is measured by."""

import ast
import hashlib
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def imports(path: Path, top_level: bool = False) -> set[str]:
    """Dotted names that a file imports, `from a import b` as a.b; with `top_level`, functions and branches left out."""
    tree, found = ast.parse(path.read_text(encoding="utf-8")), set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module(name: str) -> Path | None:
    """The source file that a dotted name leads to; None where it is not of the package."""
    parts = name.split(".")
    while parts and parts[0] == PACKAGE.name:
        path = PACKAGE.parent.joinpath(*parts)
        if path.is_dir():
            return path / "__init__.py"
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        parts.pop()
    return None


@cache
def uses(path: Path, top_level: bool = False) -> frozenset[Path]:
    """Files of the package that a file imports, itself left out; `top_level` as for `imports`."""
    return frozenset({file for name in imports(path, top_level) if (file := module(name))} - {path})


def closure(roots: Iterable[str], spared: Collection[str] = (), top_level: bool = False) -> list[Path]:
    """The files `roots` and all that they import, sorted; `spared` files and folders, and what only they import, left out.

    Both are named relative to the package: "training/train.py", "detect".
    """
    out = {PACKAGE / name for name in spared}
    found, todo = set(), {path for name in roots if (path := PACKAGE / name).is_file()}
    while todo:
        found |= todo
        todo = set().union(*(uses(path, top_level) for path in todo)) - found
        todo = {path for path in todo if out.isdisjoint({path, *path.parents})}
    return sorted(found)


def digest(files: Iterable[Path]) -> str:
    """SHA-256, in hexadecimal, over names and contents of files, which are of the package."""
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(PACKAGE).as_posix()}\0".encode() + file.read_bytes())
    return total.hexdigest()
