"""Checkpoints as PyTorch, Caffe2 and Flax write them -> nested mappings of tensors and arrays; nothing they ask for is run."""

import mmap
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wstal.base.errors import UserError, of_system, system_errors
from wstal.border import content, picklefile
from wstal.border.limits import GIB, LIMITS, check_expansion

MOST = 16 * GIB  # bytes of a file that is read whole
LEGACY = 4  # pickles at the beginning of a file of PyTorch before 1.6: a number, its version, the machine, the content
NEEDED = re.compile(  # what torch.save names for tensors
    r"collections\.OrderedDict|torch\.(\w+Storage|Size|device|dtype|b?float\d+|u?int\d+|bool)|torch\.storage\.\w+Storage"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|torch\.nn\.parameter\.Parameter|torch\.serialization\._get_layout"
)


def load_pickle(path: Path) -> Any:
    """A pickle of arrays.

    Raises:
        UserError: it is damaged, or asks for more than arrays.
    """
    with system_errors(path), path.open("rb") as file:
        return picklefile.load(file, path)


def load_flax(path: Path) -> Any:
    """A file of flax.serialization.

    Raises:
        UserError: the file is damaged, or no such file.
    """
    data = content.read_bytes(path, MOST)
    try:
        loaded = msgspec.msgpack.decode(data, ext_hook=_flax_array)
    except Exception as error:  # damaged bytes make NumPy raise almost anything
        raise of_system(error, path) or UserError(
            f"{path} is truncated, damaged or no checkpoint of Flax ({error}); download it again."
        ) from None
    picklefile.check_tree(loaded, len(data), path)
    return loaded


def load_torch(path: Path) -> Any:
    """A file of torch.save.

    Raises:
        UserError: the file is damaged, asks for more than tensors, or is made to fill the memory.
    """
    import torch  # here, as readers of other formats need no torch

    try:
        stored = path.stat().st_size
        _scan_torch(path, stored)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch.save did not write: they fail, or are harmless
            loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except picklefile.Forbidden as error:
        raise UserError(
            f"{path} asks to run {error}, which no weights need; download it again, or save its tensors alone with torch.save "
            "where you trust it."
        ) from None
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged bytes make the unpickler raise almost anything
        first = str(error).partition("\n")[0][:200] or type(error).__name__
        raise of_system(error, path) or UserError(
            f"{path} is truncated, damaged or no checkpoint ({first}); download it again."
        ) from None
    picklefile.check_tree(loaded, stored, path, lambda value: _tensor_bytes(value) if isinstance(value, torch.Tensor) else None)
    return loaded


def _scan_torch(path: Path, stored: int) -> None:
    """Look at what torch.load would run, and how large it would become, before it does."""
    with path.open("rb") as file:
        if not zipfile.is_zipfile(file):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                end = 0
                for _ in range(LEGACY):
                    end = picklefile.scan(data, end, _check_global, persistent=True)
            return
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            check_expansion(sum(member.file_size for member in members), stored, path)
            if len(members) > LIMITS.members:
                raise ValueError(f"{len(members)} members")
            for member in members:
                if member.filename.endswith(".pkl"):
                    picklefile.scan(archive.read(member), 0, _check_global, persistent=True)


def _check_global(module: str, name: str) -> None:
    if not NEEDED.fullmatch(f"{module}.{name}"):
        raise picklefile.Forbidden(f"{module}.{name}")


def _tensor_bytes(tensor: Any) -> int:
    return int(tensor.numel()) * int(tensor.element_size())  # of a small one that states to be large, what it would become


def _flax_array(code: int, data: memoryview) -> np.ndarray | None:
    """An extension of Flax's msgpack; code 1 is an array (...), of which `data` holds shape, dtype and values."""
    if code != 1:
        return None
    shape, dtype, values = msgspec.msgpack.decode(data)
    return np.frombuffer(values, dtype).reshape(shape)
