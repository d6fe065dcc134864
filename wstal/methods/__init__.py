"""Bags -> scores and losses: one paper, one file. Knows no dataset, no post-processing, and each method no other.

The file system is the registry: `load("facnet")` is the method of wstal/methods/facnet.py.
"""

import importlib
from pathlib import Path

from wstal.base.errors import UserError
from wstal.methods.base import Method


def names() -> list[str]:
    """Names of all methods, from the folder listing."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "base")


def load(name: str) -> type[Method]:
    """The one public `Method` subclass that wstal/methods/<name>.py defines.

    Raises:
        UserError: there is no such file.
    """
    if name not in names():
        raise UserError(f"method {name!r} is unknown; params.yaml may name one of: {', '.join(names())}.")
    module = importlib.import_module(f"wstal.methods.{name}")
    (method,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Method) and value.__module__ == module.__name__
    )
    return method
