"""Weakly-supervised temporal action localization: one folder a step of the data's way, from annotations to tables.

`wstal.train`, `wstal.load` and `wstal.evaluate` are for scripts and notebooks: docs/python.md. They and what they need are
loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from wstal import installed

if TYPE_CHECKING:
    from wstal.app.api import Evaluation, Found, TrainedRun, UserError, evaluate, load, train

__version__ = "0.2.0"
__all__ = ["Evaluation", "Found", "TrainedRun", "UserError", "evaluate", "load", "train"]

installed.settle()


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("wstal.app.api"), name)
    raise AttributeError(f"module 'wstal' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
