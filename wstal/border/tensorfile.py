"""Arrays by name in .safetensors files: weights, trained networks, finished features. Read into arrays, never run.

What the package writes is sealed: the metadata hold a SHA-256 over names, shapes and bytes, and a file that does not fit its
seal is damaged. Files of others have none.
"""

import errno
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import safe_open

from wstal.base import files
from wstal.base.errors import UserError, of_system
from wstal.border.limits import LIMITS, check_size

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

METADATA, SEAL = "__metadata__", "sha256"  # keys in the header of a file, and in its metadata
CHUNK = 1 << 22  # bytes that are hashed at once


class DamagedError(UserError):
    """What the file holds is at fault, and not the system: `reason` says what."""

    reason = ""


def read(
    path: Path, fault: str = "is missing, truncated or damaged", cure: str = "copy or make it again"
) -> "dict[str, Tensor]":
    """Every tensor (...) of the file by its name.

    Raises:
        UserError: the file is missing, may not be read, or is damaged; `fault` and `cure` make the sentence.
    """
    from safetensors.torch import load_file  # here, as readers of other formats need no torch

    def taken() -> "dict[str, Tensor]":
        check_seal(path)
        return load_file(path)

    try:
        return _taken(path, fault, cure, taken)
    except FileNotFoundError:
        raise UserError(f"{path} {fault} (there is no such file); {cure}.") from None


def read_with(path: Path, take: Callable[[Any], T], needed: bool = False) -> T:
    """take(the open file), whose `metadata()` is a mapping of text and whose `get_tensor(name)` is an array (...).

    `needed`, the file must be sealed.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the system does not let it be read.
        DamagedError: it is damaged, or lacks what `take` asks for.
    """

    def taken() -> T:
        check_seal(path, needed)
        with safe_open(path, framework="np") as file:
            return take(file)

    return _taken(path, "is truncated or damaged", "make it again", taken)


def save(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """Write all tensors (...) to the file, sealed, whole or not at all.

    Raises:
        UserError: the system does not let it be written: the disk is full, read-only or not for this user.
    """
    from safetensors.torch import save as serialized

    files.write(path, sealed(serialized(dict(tensors))))


def sealed(data: bytes) -> bytes:
    """The bytes of a .safetensors file, with its seal."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    header.setdefault(METADATA, {})[SEAL] = _digest(header, [body])
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def check_seal(path: Path, needed: bool = False) -> None:
    """Find out whether the file is as it was written, which one without a seal cannot say; `needed`, it must have one.

    Raises:
        OSError: it cannot be read.
        ValueError: it is another.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise ValueError("it ends early")
        check_size(length, LIMITS.tensors_header_bytes, f"the header of {path}")
        header = json.loads(file.read(length))
        stated = header.get(METADATA, {}).get(SEAL)
        if needed and stated is None:
            raise ValueError("it has no checksum")
        if stated is not None and stated != _digest(header, iter(lambda: file.read(CHUNK), b"")):
            raise ValueError("its checksum is another")


def _digest(header: dict[str, Any], body: Iterable[bytes]) -> str:
    """SHA-256 of a file's header, without its seal, and its body."""
    metadata = {name: text for name, text in header.get(METADATA, {}).items() if name != SEAL}
    plain = {name: entry for name, entry in header.items() if name != METADATA}
    digest = hashlib.sha256(json.dumps([metadata, plain], sort_keys=True).encode())
    for chunk in body:
        digest.update(chunk)
    return digest.hexdigest()


def _taken(path: Path, fault: str, cure: str, take: Callable[[], T]) -> T:
    try:
        path.open("rb").close()  # safetensors says "No such file", whatever the system says
        return take()
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged headers state kinds and names that nobody knows
        damage = DamagedError(f"{path} {fault} ({_reason(error)}); {cure}.")
        damage.reason = _reason(error)
        raise of_system(_system_error(error), path) or damage from None


def _system_error(error: BaseException) -> BaseException:
    """What the system has said, which safetensors passes on as text: `I/O error: ... (os error 28)`."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), "") if number and int(number[1]) != errno.ENOENT else error


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
