"""Plain scripts: what a call needs to start processes for a caller whose file has no `if __name__ == "__main__"`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def not_run_again() -> Iterator[None]:
    """Processes that are started inside do not run the caller's script.

    multiprocessing's fresh processes import the file of `__main__` first, as functions to call might be there. Ours are
    all of this package, so an empty module stands in; the script would otherwise train once more in each of them.
    """
    script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
