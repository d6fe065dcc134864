"""A network in training, on disk, so that training goes on where it was interrupted and ends in the bits of an undisturbed one.

    restore -> steps, with `store` where it is `due` -> trained weights in their place -> forget

The file holds weights, optimizer, torch's generators and losses. What the steps see needs no place: it is drawn again from the
seed. The file's name, a hash of code, data and settings, is also inside.
"""

import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from wstal.base import progress
from wstal.base.errors import UserError
from wstal.border import tensorfile

if TYPE_CHECKING:
    from wstal.training.train import Trainer

EVERY_S = 25.0  # of training pass before it is written, and before it is written again, at least
SHARE = 0.02  # of the time is spent on writing, at most

State = dict[str, dict[int, dict[str, Tensor]]]  # kind -> number -> name -> values


class Unfinished:
    """The file of a network in training; `what` names the network where it goes on."""

    def __init__(self, path: Path, what: str):
        self.path, self.what, self.due_s = path, what, time.monotonic() + EVERY_S

    def due(self) -> bool:
        """Whether it is time to store."""
        return time.monotonic() >= self.due_s

    def store(self, trainer: "Trainer", losses: Tensor) -> None:
        """Write what the rest of training depends on; losses (S, K) of the S steps that are done.

        Where the file cannot be written training goes on, and a note says that it could not go on later.
        """
        begin_s = time.monotonic()
        groups: State = {
            "name": {0: {"utf8": encoded(self.path.name)}},
            "losses": {0: {"summed": losses}},
            "generator": {0: generators(trainer.device)},
            "model": {0: trainer.model.state_dict()},
            "optimizer": trainer.optimizer.state_dict()["state"],
            "checkpoint": dict(enumerate(trainer.checkpoints)),
        }
        try:
            tensorfile.save(flat(groups), self.path)
        except (UserError, MemoryError) as error:
            progress.note(f"{self.what} would begin again if it were interrupted: {str(error) or 'memory is used up'}")
            self.due_s = math.inf
            return
        end_s = time.monotonic()
        self.due_s = end_s + max(EVERY_S, (end_s - begin_s) / SHARE)

    def restore(self, trainer: "Trainer") -> Tensor | None:
        """Bring a network that was just made to where it was -> losses (S, K) of the S steps that are done.

        None, and the network as it is, where there is no such file, or a damaged one.
        """
        self.due_s = time.monotonic() + EVERY_S
        try:
            found = tensorfile.read_with(self.path, self.nested, needed=True)
        except (FileNotFoundError, UserError):
            return None
        trainer.model.load_state_dict(found["model"][0])
        groups = trainer.optimizer.state_dict()["param_groups"]
        trainer.optimizer.load_state_dict({"state": found["optimizer"], "param_groups": groups})
        states = found.get("checkpoint", {})
        trainer.checkpoints = [
            {name: value.to(trainer.device) for name, value in states[number].items()} for number in sorted(states)
        ]
        set_generators(found["generator"][0], trainer.device)
        losses = found["losses"][0]["summed"].to(trainer.device)
        progress.note(f"{self.what} goes on at step {len(losses)} of {len(trainer.steps)}")
        return losses

    def nested(self, file: Any) -> State:
        """The groups of an open file.

        Raises:
            ValueError: it is that of another network.
        """
        found: State = {}
        for key in file.keys():
            kind, number, name = key.split(":", 2)
            found.setdefault(kind, {}).setdefault(int(number), {})[name] = torch.tensor(file.get_tensor(key))
        if not torch.equal(found["name"][0]["utf8"], encoded(self.path.name)):
            raise ValueError("it is that of another network")
        return found


def forget(path: Path) -> None:
    """Remove the file of a network that is trained, if there is one."""
    with suppress(OSError):  # it does no harm
        path.unlink()


def flat(groups: Mapping[str, Mapping[int, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
    """{"kind:number:name": values (...)} in memory of the host."""
    return {
        f"{kind}:{number}:{name}": value.detach().cpu().contiguous()
        for kind, numbered in groups.items()
        for number, named in numbered.items()
        for name, value in named.items()
    }


def encoded(text: str) -> Tensor:
    """Text as bytes (N,)."""
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def generators(device: torch.device) -> dict[str, Tensor]:
    """States (N,) of torch's generators that training on a device draws from."""
    return {"cpu": torch.get_rng_state()} | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def set_generators(states: Mapping[str, Tensor], device: torch.device) -> None:
    """Let torch's generators go on from these states (N,)."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["cuda"], device)
