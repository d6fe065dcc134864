"""Parts of one method that train with another. Knows no method but what `methods.base` says of all.

The file system is the registry: `cw` is wstal/plugins/cw.py. A row of params.yaml plugs one in by naming its parameters and the
weight of its loss term, which has the plug-in's name:
    um-cw: {method: um, plugins: {cw: {...}}, weights: {cw: 1.0}}
"""

import importlib
from pathlib import Path

from wstal.base.errors import UserError
from wstal.plugins.base import Plugin


def names() -> list[str]:
    """Names of all plug-ins, from the folder listing."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "base")


def load(name: str) -> type[Plugin]:
    """The one public `Plugin` subclass that wstal/plugins/<name>.py defines.

    Raises:
        UserError: there is no such file.
    """
    if name not in names():
        raise UserError(f"plug-in {name!r} is unknown; params.yaml may name one of: {', '.join(names())}.")
    module = importlib.import_module(f"wstal.plugins.{name}")
    (plugin,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Plugin) and value.__module__ == module.__name__
    )
    return plugin
