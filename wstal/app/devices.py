"""`--device`: which device this process and those that it starts work on."""

import os
import re

from wstal.base.errors import UserError

VARIABLE = "WSTAL_DEVICE"  # what wstal/base/seeding.py reads, also in processes that are started


def choose(name: str | None) -> None:
    """Work on the device of that name: cpu, cuda or cuda:1; None leaves things as they are.

    Raises:
        UserError: it is no name of a device, or this machine has none such.
    """
    if name is not None:
        check(name, 0 if name == "cpu" else gpus())
        os.environ[VARIABLE] = name


def check(name: str, count: int) -> None:
    """Find out whether a machine with so many GPUs has the device.

    Raises:
        UserError: it has not.
    """
    found = re.fullmatch(r"cpu|cuda(?::(\d{1,4}))?", name)
    if not found:
        raise UserError(f"{name!r} is no device; write cpu, cuda, or cuda:1 for the second GPU.")
    if name != "cpu" and int(found[1] or 0) >= count:
        have = f"{count} GPU{'s' if count > 1 else ''}, from cuda:0 on" if count else "no GPU that torch can use"
        raise UserError(f"there is no {name}: this machine has {have}; name another device, or leave --device out.")


def gpus() -> int:
    """How many GPUs torch can use."""
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
