"""Video networks, one file an architecture. `load("csn_ir152")` is that backbone of wstal/features/backbones/csn.py."""

import importlib
from pathlib import Path

from wstal.errors import UserError
from wstal.features.backbones.base import Backbone


def load(name: str) -> Backbone:
    """The backbone `name`.

    Raises:
        UserError: there is none of that name.
    """
    known = {backbone.name: backbone for backbone in every()}
    if name not in known:
        raise UserError(f"backbone {name!r} is unknown; name one of: {', '.join(known)}.")
    return known[name]


def every() -> list[Backbone]:
    """All backbones, from the folder listing."""
    stems = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path.stem != "base")
    return [one for stem in stems for one in importlib.import_module(f"{__name__}.{stem}").BACKBONES]
