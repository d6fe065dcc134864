"""Arrays of an HDF5 file, and of that file alone: what leads to other files is refused before it is followed."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np

from wstal.base.errors import UserError, of_system
from wstal.border import npyfile
from wstal.border.limits import LIMITS, check_expansion


def opened(path: Path) -> h5py.File:
    """The file; it is closed when it goes.

    Raises:
        UserError: it is damaged or none.
    """
    try:
        return h5py.File(path, "r")
    except Exception as error:
        raise of_system(error, path) or UserError(
            f"{path} is truncated or no {path.suffix} file ({error}); download or extract it again."
        ) from error


def keys(path: Path, archive: h5py.File) -> list[str]:
    """Names of the arrays in the file's own groups, and of links to other files, which `read` refuses.

    Links within the file are passed over, as is a group that was met before.

    Raises:
        UserError: the file is damaged, or its groups nest deeper than LIMITS.depth.
    """
    try:
        return list(_names(path, archive, "", 0, set()))
    except UserError:
        raise
    except Exception as error:  # damaged files make HDF5 raise almost anything
        raise of_system(error, path) or UserError(
            f"{path} is damaged ({error}); download or extract the file again."
        ) from error


def _names(path: Path, group: h5py.Group, prefix: str, depth: int, met: set[int]) -> Iterator[str]:
    """As `keys`, below one group; `met` are the places of groups in the file."""
    if depth > LIMITS.depth:
        raise UserError(f"{path} nests groups deeper than {LIMITS.depth} levels, as no data does; save it flat.")
    met.add(h5py.h5o.get_info(group.id).addr)
    for name in group:
        kind = group.id.links.get_info(name.encode("utf-8", "surrogateescape")).type
        item = group[name] if kind == h5py.h5l.TYPE_HARD else None
        if isinstance(item, h5py.Group) and h5py.h5o.get_info(item.id).addr not in met:
            yield from _names(path, item, f"{prefix}{name}/", depth + 1, met)
        elif (isinstance(item, h5py.Dataset) and item.shape) or kind not in (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT):
            yield f"{prefix}{name}"


def missing(path: Path, archive: h5py.File, keys: Iterable[str]) -> list[str]:
    """Those of `keys` that lead to nothing in the file.

    Raises:
        UserError: one leads to another file.
    """
    return [key for key in keys if not _is_there(path, archive, key)]


def read(path: Path, key: str, archive: h5py.File) -> np.ndarray | None:
    """The array `key` (...) of an open file, which `path` names; None where `key` leads to nothing.

    Raises:
        UserError: it is damaged, no array of plain numbers, lies in other files, or states to be far larger than its bytes.
    """
    where = f"{path}: array {key!r}"
    try:
        found = _find(path, archive, key)
        if found is None:
            return None
        if not isinstance(found, h5py.Dataset) or not found.shape:
            raise UserError(
                f"{path}: {key!r} is no array; name one with `key` of the stream in params.yaml, such as '{{video}}/rgb'."
            )
        if found.external or found.is_virtual:
            raise UserError(f"{where} lies in other files, which are not read; save it whole in this one.")
        npyfile.check_plain(found.dtype, where)
        stored = found.id.get_storage_size()
        whole = max(math.prod(found.shape), math.prod(found.chunks or ())) * found.dtype.itemsize
        check_expansion(whole, stored, where)
        return found[()]
    except UserError:
        raise
    except Exception as error:  # damaged files make HDF5 raise almost anything
        raise of_system(error, path) or UserError(
            f"{where} is damaged ({error}); download or extract the file again."
        ) from error


def _is_there(path: Path, archive: h5py.File, key: str) -> bool:
    """Whether `key` leads to something, which is not opened."""
    *groups, name = key.split("/")
    inside = _group(path, archive, key, groups)
    return inside is not None and (not name or _linked(path, inside, key, name))


def _find(path: Path, archive: h5py.File, key: str) -> h5py.Group | h5py.Dataset | None:
    """What `key` names, reached through this file's own groups alone."""
    *groups, name = key.split("/")
    inside = _group(path, archive, key, groups)
    return _taken(path, inside, key, name) if inside is not None else None


def _group(path: Path, archive: h5py.File, key: str, groups: Iterable[str]) -> h5py.Group | None:
    """The group that the array `key` lies in."""
    found: h5py.Group | h5py.Dataset | None = archive
    for name in filter(None, groups):
        found = _taken(path, found, key, name) if isinstance(found, h5py.Group) else None
    return found if isinstance(found, h5py.Group) else None


def _taken(path: Path, group: h5py.Group, key: str, name: str) -> h5py.Group | h5py.Dataset | None:
    """What the group has under `name`, a part of `key`."""
    if name and not _linked(path, group, key, name):
        return None
    try:
        return group[name] if name else group
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        raise _damaged(path, key, error) from error


def _linked(path: Path, group: h5py.Group, key: str, name: str) -> bool:
    """Whether the group has something under `name`, a part of `key`."""
    links = group.id.links
    try:
        kind = links.get_info(name.encode()).type
    except (KeyError, OSError, RuntimeError, ValueError) as error:
        if not _exists(links, name):
            return False
        raise _damaged(path, key, error) from error
    if kind != h5py.h5l.TYPE_HARD:
        raise UserError(
            f"{path}: {key!r} is a link to another place, which is not followed; copy the array itself to that name."
        )
    return True


def _exists(links: h5py.h5l.LinkProxy, name: str) -> bool:
    try:
        return bool(links.exists(name.encode()))
    except (KeyError, OSError, RuntimeError, ValueError):
        return True  # what cannot be told is damaged


def _damaged(path: Path, key: str, error: Exception) -> UserError:
    return of_system(error, path) or UserError(
        f"{path}: array {key!r} is damaged ({error}); download or extract the file again."
    )
