"""Published weights -> a network, whatever the names in the file, running nothing that the file asks for."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from wstal.base.errors import UserError, of_system
from wstal.border import checkpointfile, tensorfile
from wstal.features.backbones.registry import Backbone, Layout

OURS = Layout("wstal", ())
# Where files keep their tensors; averaged ones first.
WRAPPERS = ("model_ema_state", "model_state", "state_dict", "blobs", "module", "model")
PREFIXES = ("module.", "model.")  # of networks that were wrapped in another when they were saved
COUNTER = "num_batches_tracked"  # of batch normalization in training; older files have none


def restore(backbone: Backbone, path: Path) -> nn.Module:
    """The network with the weights of `path`, for as many classes as the file has.

    Reads PyTorch's files (.pt, .pth, .pyth, .tar), pickles of arrays (.pkl, .ckpt), Flax's .msgpack and .safetensors.

    Raises:
        UserError: the file cannot be read, or holds another network.
    """
    return assemble(backbone, read(path), path)


def assemble(backbone: Backbone, stored: Mapping[str, Tensor], path: Path) -> nn.Module:
    """The network with the tensors (...) of `stored`, named in any of its layouts; `path` names them in a sentence.

    Raises:
        UserError: they are another network's.
    """
    with torch.device("meta"):
        names = [name for name in backbone.build(1).state_dict() if not name.endswith(COUNTER)]
    layout = recognize(backbone, names, stored, path)
    classes = sum(stored[bias].numel() for bias in layout.sources("head.bias"))
    with torch.device("meta"):
        network = backbone.build(classes)
    network.load_state_dict(state(network, layout, stored, path), assign=True)
    return network


def recognize(backbone: Backbone, names: list[str], stored: Mapping[str, Tensor], path: Path) -> Layout:
    """The layout in which `stored` has every tensor of the network, whose `names` are ours, and nothing else.

    Tensors (...) are told by their names alone.

    Raises:
        UserError: there is no such layout.
    """
    layouts = (OURS, *backbone.layouts)
    wanted = [{source for name in names if not each.is_one(name) for source in each.sources(name)} for each in layouts]
    missing = [sorted(sources - set(stored)) for sources in wanted]
    nearest = min(range(len(layouts)), key=lambda i: len(missing[i]))  # of equals the first
    layout, lacks = layouts[nearest], missing[nearest]
    strange = sorted(name for name in stored if name not in wanted[nearest] and not layout.is_unused(name))
    if not lacks and not strange:
        return layout
    odd = f"has no tensor {lacks[0]!r}" if lacks else f"has a tensor {strange[0]!r} that {backbone.name} lacks"
    known = ", ".join(each.title for each in backbone.layouts)
    raise UserError(
        f"{path} is no {backbone.name}: it {odd}, in the nearest layout, {layout.title}, of those known ({known}); "
        f"get {backbone.weights}."
    )


def state(network: nn.Module, layout: Layout, stored: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The tensors (...) of `stored` under our names, as float32; axes of length one do not count.

    Raises:
        UserError: a tensor has another shape than the network's.
    """
    state = {}
    for name, place in network.state_dict().items():
        if name.endswith(COUNTER):
            state[name] = torch.tensor(0)
        elif layout.is_one(name):
            state[name] = torch.ones(place.shape)
        else:
            sources = layout.sources(name)
            tensor = torch.cat([layout.convert(source, stored[source]) for source in sources])
            if [n for n in tensor.shape if n > 1] != [n for n in place.shape if n > 1]:
                raise UserError(
                    f"{path}: {sources[0]} has the shape {tuple(tensor.shape)}, not {tuple(place.shape)}; "
                    "it belongs to another network, so give the file of this one."
                )
            state[name] = tensor.reshape(place.shape).float().contiguous()
    return state


def read(path: Path) -> dict[str, Tensor]:
    """Every tensor (...) of a file by its name there; prefixes that all names share are left out.

    Raises:
        UserError: the file cannot be read, is damaged, or holds no named tensor.
    """
    try:
        path.open("rb").close()
        content = LOADERS.get(path.suffix, checkpointfile.load_torch)(path)
    except OSError as error:
        raise of_system(error, path) or UserError(
            f"{path} cannot be read ({error.strerror}); give the path of a file of weights."
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
            break
    tensors = dict(flatten(content)) if isinstance(content, Mapping) else {}
    if not tensors:
        raise UserError(f"{path} holds no named tensors; give the file that its authors publish for feature extraction.")
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in tensors.items() if not name.endswith(COUNTER)}


def flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Tensors and arrays (...) of nested mappings, names joined by slashes; what is neither is left out."""
    for key, value in content.items():
        name = prefix + (key.decode("latin1") if isinstance(key, bytes) else str(key))
        if isinstance(value, Mapping):
            yield from flatten(value, f"{name}/")
        elif isinstance(value, Tensor):
            yield name, value
        elif isinstance(value, np.ndarray) and value.dtype.kind in "fiu":
            yield name, torch.from_numpy(np.array(value))


def load_pickle(path: Path) -> Any:
    """A pickle of arrays; of the strings that Python 2 wrote, the wrapper's name becomes text."""
    content = checkpointfile.load_pickle(path)
    return {"blobs": content[b"blobs"]} if isinstance(content, dict) and b"blobs" in content else content


def load_flax(path: Path) -> Any:
    """A file of flax.serialization: the parameters, also those inside an optimizer."""
    content = checkpointfile.load_flax(path)
    for wrapper in ("optimizer", "target", "params"):
        content = content[wrapper] if isinstance(content, dict) and wrapper in content else content
    return content


LOADERS: dict[str, Callable[[Path], Any]] = {
    ".safetensors": tensorfile.read,
    ".pkl": load_pickle,
    ".ckpt": load_pickle,
    ".msgpack": load_flax,
}
