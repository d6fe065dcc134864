"""One file per published layout. The file system is the registry: `reader: thumos14_reduced` is thumos14_reduced.py.

A reader offers three names and knows no dataset by name:
    Source                                      its `source:` section of params.yaml, every field commented
    annotations(source, grid) -> Annotations    the published annotations
    features(source, streams, grids) -> iterator of (video id, {stream: (T, D) array}), lazy, memory-mapped where possible
For datasets with a section `extraction`, `videos(source) -> {video id: file}` takes the place of `features`; see
wstal/features/extraction. A reader whose files the package can draw offers `render(source)`, too: it brings them up to date.

`grid` is the dataset's time grid, grids[stream] that of one stream; only readers that make times or features ask for them.
"""

import importlib
import pkgutil
from types import ModuleType

from wstal.base.errors import UserError


def load(name: str) -> ModuleType:
    """Import the reader `name`.

    Raises:
        UserError: there is none of that name.
    """
    modules = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    if name in modules and hasattr(reader := importlib.import_module(f"{__name__}.{name}"), "Source"):
        return reader
    available = [module for module in modules if hasattr(importlib.import_module(f"{__name__}.{module}"), "Source")]
    raise UserError(
        f"params.yaml: there is no reader {name!r}; set `reader` to one of {', '.join(available)}, "
        "or add wstal/datasets/readers/<reader>.py."
    )
