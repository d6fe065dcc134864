"""The layouts, and the one way in which they are written: whole or not at all."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType

from wstal.base import files
from wstal.base.errors import UserError, of_system
from wstal.exchange import layouts
from wstal.exchange.layouts.exported_dataset import ExportedDataset


@cache
def known() -> dict[str, ModuleType]:
    """{name: module} of every layout."""
    names = [module.name for module in pkgutil.iter_modules(layouts.__path__)]
    modules = {name: importlib.import_module(f"{layouts.__name__}.{name}") for name in names if not name.startswith("_")}
    return {name: module for name, module in modules.items() if hasattr(module, "SUBSETS")}


def write(name: str, data: ExportedDataset, subsets: tuple[str, str] | None, out: Path) -> None:
    """Write a dataset in a layout; `subsets` rename the training and the test videos.

    Raises:
        UserError: `out` is there, the layout cannot hold the dataset, or a file cannot be written.
    """
    if out.exists():
        raise UserError(f"{out} exists; name a new folder, or move that one.")
    layout = known()[name]
    try:
        with files.fresh(out) as fresh:
            fresh.mkdir()
            layout.write(data, dict(zip(("train", "test"), subsets or layout.SUBSETS, strict=True)), fresh)
    except OSError as error:
        raise of_system(error, out) or UserError(f"{out} cannot be written ({error.strerror}); name another folder.") from None
