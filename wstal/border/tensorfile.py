"""Arrays by name in .safetensors files: weights, trained networks, finished features. Read into arrays, never run."""

import errno
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError, safe_open

from wstal.base.errors import UserError, of_system, system_errors

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class DamagedError(UserError):
    """What the file holds is at fault, and not the system."""


def read(
    path: Path, fault: str = "is missing, truncated or damaged", cure: str = "copy or make it again"
) -> "dict[str, Tensor]":
    """Every tensor (...) of the file by its name.

    Raises:
        UserError: the file is missing, may not be read, or is damaged; `fault` and `cure` make the sentence.
    """
    from safetensors.torch import load_file  # here, as readers of other formats need no torch

    try:
        return _taken(path, fault, cure, lambda: load_file(path))
    except FileNotFoundError:
        raise UserError(f"{path} {fault} (there is no such file); {cure}.") from None


def read_with(path: Path, take: Callable[[Any], T]) -> T:
    """take(the open file), whose `metadata()` is a mapping of text and whose `get_tensor(name)` is an array (...).

    Raises:
        FileNotFoundError: there is no such file.
        UserError: the system does not let it be read.
        DamagedError: it is damaged, or lacks what `take` asks for.
    """

    def taken() -> T:
        with safe_open(path, framework="np") as file:
            return take(file)

    return _taken(path, "is truncated or damaged", "make it again", taken)


def save(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """Write all tensors (...) to the file.

    Raises:
        UserError: the system does not let it be written: the disk is full, read-only or not for this user.
    """
    from safetensors.torch import save_file

    try:
        with system_errors(path):
            save_file(dict(tensors), path)
    except SafetensorError as error:
        raise of_system(_system_error(error), path) or UserError(
            f"{path} cannot be written ({_reason(error)}); name a path in a folder that you may write."
        ) from None


def _taken(path: Path, fault: str, cure: str, take: Callable[[], T]) -> T:
    try:
        path.open("rb").close()  # safetensors says "No such file", whatever the system says
        return take()
    except FileNotFoundError:
        raise
    except Exception as error:  # damaged headers state kinds and names that nobody knows
        raise of_system(_system_error(error), path) or DamagedError(f"{path} {fault} ({_reason(error)}); {cure}.") from None


def _system_error(error: BaseException) -> BaseException:
    """What the system has said, which safetensors passes on as text: `I/O error: ... (os error 28)`."""
    number = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(number[1]), "") if number and int(number[1]) != errno.ENOENT else error


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
