"""Arrays of a .npz archive, stored or deflated as NumPy writes them. Never unpickles."""

import math
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from wstal.base.errors import UserError, of_system
from wstal.border import npyfile
from wstal.border.limits import LIMITS, check_expansion

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def opened(path: Path) -> zipfile.ZipFile:
    """The archive; it is closed when it goes.

    Raises:
        UserError: it is damaged or none, or holds a member twice, as the content of one would be lost.
    """
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # damaged directories make zipfile raise almost anything
        raise of_system(error, path) or UserError(
            f"{path} is truncated or no .npz file ({error}); download or extract it again."
        ) from error
    if len(archive.filelist) > LIMITS.members:
        archive.close()
        raise UserError(
            f"{path} has more than {LIMITS.members} members; download it again, or save its arrays in several files."
        )
    if twice := [name for name, count in Counter(member.filename for member in archive.filelist).items() if count > 1]:
        archive.close()
        raise UserError(f"{path} holds {twice[0]!r} twice, where one would be lost; save it again, each array once.")
    return archive


def keys(archive: zipfile.ZipFile) -> list[str]:
    """Names of the archive's arrays."""
    return [name.removesuffix(".npy") for name in archive.NameToInfo if name.endswith(".npy")]


def missing(archive: zipfile.ZipFile, keys: Iterable[str]) -> list[str]:
    """Those of `keys` that are no array of the archive."""
    return [key for key in keys if f"{key}.npy" not in archive.NameToInfo]


def read(path: Path, key: str, archive: zipfile.ZipFile) -> np.ndarray | None:
    """The array `key` (...) of an open archive, which `path` names; None where it has no such member.

    Raises:
        UserError: it is damaged, holds anything but plain numbers, or states to be far larger than its bytes.
    """
    where, member = f"{path}: array {key!r}", archive.NameToInfo.get(f"{key}.npy")
    if member is None:
        return None
    try:
        if member.compress_type not in METHODS or member.flag_bits & 1:
            raise ValueError("it is encrypted" if member.flag_bits & 1 else "it is compressed in a way that NumPy never uses")
        with archive.open(member) as file:
            shape, dtype = npyfile.read_header(file)
        npyfile.check_plain(dtype, where)
        check_expansion(math.prod(shape) * dtype.itemsize, member.compress_size, where)
        with archive.open(member) as file:
            return np.lib.format.read_array(file, allow_pickle=False, max_header_size=LIMITS.header_bytes)
    except UserError:
        raise
    except Exception as error:
        raise of_system(error, path) or UserError(
            f"{where} is damaged ({str(error) or type(error).__name__}); download or extract the file again."
        ) from error
