"""A run folder by itself: run.yaml says all that using its weights takes, so the folder may be copied anywhere.

<run>/run.yaml                  `Trained`
<run>/<network>.safetensors     the last weights, and those of checkpoints
"""

from pathlib import Path
from typing import Any

import msgspec
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file

from wstal.base import files, seeding
from wstal.base.errors import UserError, of_system, system_errors
from wstal.base.record import Record
from wstal.base.timegrid import TimeGrid
from wstal.config.parameters import MethodConfig
from wstal.methods.base import Method
from wstal.training.train import build

CURE = "name a folder that `wstal train` wrote, or one of the pipeline's runs/<entry>/<row>/<seed>"


class Trained(Record):
    """The content of run.yaml."""

    method: str
    how: MethodConfig  # all parameters, resolved
    classes: tuple[str, ...]  # in the order of their index
    dims: dict[str, int]  # stream -> width of its features
    grid: TimeGrid
    backbone: str  # what made the features
    extraction: dict[str, Any]  # how videos went through it; empty where features were published or simulated


def write(trained: Trained, folder: Path) -> None:
    """Write <folder>/run.yaml; JSON knows no infinite thresholds."""
    files.write(folder / "run.yaml", yaml.safe_dump(msgspec.to_builtins(trained)))


def read(folder: Path) -> Trained:
    """run.yaml of a folder.

    Raises:
        UserError: it is no run folder, or its run.yaml is damaged.
    """
    path = folder / "run.yaml"
    if not path.is_file():
        raise UserError(f"{folder} is no trained run, as it holds no run.yaml; {CURE}.")
    try:
        with system_errors(path):
            text = path.read_text()
        return msgspec.convert(yaml.safe_load(text), Trained)
    except (msgspec.ValidationError, yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path} is damaged or of another version ({reason}); train again, or {CURE}.") from None


def load(folder: Path, network: str, checkpoint: int | None = None) -> Method:
    """A network of a run folder, on this machine's device: its last weights, or a checkpoint.

    Raises:
        UserError: the weights are missing or damaged.
    """
    trained = read(folder)
    dim = sum(trained.dims[stream] for stream in trained.how.networks[network])
    model = build(trained.how, trained.method, dim, len(trained.classes))
    path, prefix = folder / f"{network}.safetensors", "" if checkpoint is None else f"{checkpoint}:"
    try:
        path.open("rb").close()  # safetensors says "No such file", whatever the system says
        tensors = load_file(path)
        model.load_state_dict({name: tensors[prefix + name] for name in model.state_dict()})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise of_system(error, path) or UserError(
            f"{path} is missing or damaged ({reason}); copy the whole run folder, or train again."
        ) from None
    return model.to(seeding.device()).eval()
