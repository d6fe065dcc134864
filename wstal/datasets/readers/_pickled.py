"""Object arrays in .npy files, as W-TALC and FAC-Net publish annotations and features, read by wstal.base.unpickle."""

from pathlib import Path

import numpy as np

from wstal.base import unpickle
from wstal.base.errors import UserError
from wstal.datasets.readers import _files


def load_object_array(path: Path, cure: str) -> np.ndarray:
    """The array (...) of an .npy file: memory-mapped if plain, otherwise unpickled (strings of Python 2 arrive as bytes).

    Items that are arrays arrive as a subclass of ndarray; `numpy.asarray` makes them plain without a copy.

    Raises:
        UserError: the file is missing or damaged, or its pickle asks for more than arrays.
    """
    _files.require([path], cure)
    shape, dtype = _files.npy_header(path)
    if not dtype.hasobject:
        return _files.load_array(path, cure)
    with path.open("rb") as file:
        _files.read_header(file)
        array = unpickle.load(file, path)
    if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shape, dtype):
        raise UserError(f"{path} is damaged (its pickle is not the array that its header states); download it again.")
    return np.asarray(array)
