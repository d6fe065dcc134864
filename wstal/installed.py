"""An installed package, outside of a checkout: where it finds params.yaml, and where it keeps features and weights."""

import os
from pathlib import Path

from wstal.base import paths

PACKAGE = Path(__file__).resolve().parent


def home() -> Path:
    """$WSTAL_HOME, or wstal/ in the user's folder of caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("WSTAL_HOME") or Path(caches, "wstal")).resolve()


def settle() -> None:
    """Give base/paths.py the places of an installed package, where it finds no checkout around the package.

    It is called when `wstal` is first imported, before any module can have read them.
    """
    if paths.PARAMS.is_file():
        return
    paths.ROOT = home()
    paths.PARAMS, paths.CACHE, paths.PIPELINE = PACKAGE / "params.yaml", paths.ROOT / ".cache", paths.Tree(paths.ROOT)
