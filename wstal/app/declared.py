"""What modules declare, read without libraries that are slow to load: parameters of methods, their losses, sections of readers.

A module of this package that is imported for it gets a stand-in in place of such a library, enough to define functions and
classes by, and is forgotten afterwards.
"""

import builtins
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from wstal.base.errors import UserError

SLOW = ("av", "h5py", "scipy", "torch", "tqdm")
T = TypeVar("T")


class StandIn:
    """What a library holds, to inherit from, to annotate with and to decorate by."""

    def __getattr__(self, name: str) -> "StandIn":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """What a decorator decorates, as it is."""
        return arguments[0] if arguments and callable(arguments[0]) else self

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __getitem__(self, key: Any) -> "StandIn":
        return self

    def __or__(self, other: Any) -> "StandIn":
        return self

    __ror__ = __or__


def ask(question: Callable[[], T]) -> T:
    """question(), which keeps nothing of the modules that it imports; where one needs a library to be imported, with it.

    Raises:
        UserError: what `question` raises.
    """
    try:
        with stand_ins():
            return question()
    except UserError:
        raise
    except Exception:  # a module that computes with a stand-in may raise anything
        return question()


@contextmanager
def stand_ins() -> Iterator[None]:
    """Give modules of this package stand-ins for what is slow and not loaded yet; forget them at the end."""
    whole, before = builtins.__import__, set(sys.modules)
    stand_in = StandIn()

    def partly(name: str, importing: Any = None, *others: Any, **named: Any) -> Any:
        library, ours = name.partition(".")[0], (importing or {}).get("__name__", "").startswith("wstal.")
        slow = ours and library in SLOW and library not in before
        return stand_in if slow else whole(name, importing, *others, **named)

    builtins.__import__ = partly  # type: ignore[assignment] # its type names each argument
    try:
        yield
    finally:
        builtins.__import__ = whole
        for name in set(sys.modules) - before:
            if name.startswith("wstal."):
                forget(name)


def forget(name: str) -> None:
    """Drop a module, so that the next import loads it anew."""
    module, (parent, _, child) = sys.modules.pop(name), name.rpartition(".")
    if getattr(sys.modules.get(parent), child, None) is module:
        delattr(sys.modules[parent], child)
