"""What the tests of CO2-Net, DELU and DDG-Net share: names, parameters, fixed dropout and gradients of their common network."""

import torch

from tests.golden.models import FixedDropout, agree, answer, tensor

UNIT = {"0": "layers.0", "3": "layers.1", "5": "layers.2"}  # convolutions of the attention unit
HEAD = {"fusion.0": "embed", "classifier.1": "layers.0", "classifier.4": "layers.1"}
STREAMS = {"vAttn": "v", "fAttn": "f"}
MODULES = HEAD | {
    f"{gold}.{theirs}": f"front.{stream}.{ours}"
    for gold, stream in STREAMS.items()
    for theirs, ours in (
        ("channel_conv.0", "whole"),
        ("bit_wise_attn.0", "local"),
        *((f"attention.{k}", f"attention.{unit}") for k, unit in UNIT.items()),
    )
}
NAMES = {f"{gold}.{kind}": f"network.{ours}.{kind}" for gold, ours in MODULES.items() for kind in ("weight", "bias")}


def middle(gold):
    """The arrays with the middle tap of the global convolution in its place; the outer two see zeros alone."""
    return {key: array[..., 1] if key.endswith("channel_conv.0.weight") else array for key, array in gold.items()}


def load(method, gold, names=NAMES):
    state = {ours: tensor(gold[f"param.{name}"]) for name, ours in names.items()}
    method.load_state_dict(state)
    return method


def fix_dropout(network, gold):
    """Multipliers of the file into the network; it lays them out as (B, channels, T), ours are (B, T, channels)."""

    def fixed(*names):
        return torch.nn.ModuleList([FixedDropout(tensor(gold[f"drop.mask.{name}"]).transpose(1, 2)) for name in names])

    network.drops = fixed("fusion.2", "classifier.0", "classifier.3")
    for name, ours in STREAMS.items():
        module = getattr(network.front, ours)
        module.drops = fixed(f"{name}.channel_conv.2", f"{name}.bit_wise_attn.2")
        module.attention.drops = fixed(f"{name}.attention.2", f"{name}.attention.6")


def variant_of(gold, variant, key):
    """A constant or array of a variant, or the file's."""
    return gold.get(f"{variant}.{key}", gold.get(key))


def outputs(scores):
    """What the network gives, by the names of the file."""
    return {
        "attn": scores.actionness[..., None], "v_atn": scores.terms["v"][..., None], "f_atn": scores.terms["f"][..., None],
        "cas": scores.logits, "cas_supp": scores.terms["supp"], "feat": scores.embedding,
    }  # fmt: skip


def run(method, gold, variant):
    """-> scores, averaged loss terms."""
    return answer(method, tensor(variant_of(gold, variant, "x")), tensor(gold["y"]))


def step_agrees(method, total, gold, variant, lr, decay, names=NAMES):
    method.zero_grad()
    total.backward()
    torch.optim.Adam(method.parameters(), lr=lr, weight_decay=decay).step()
    agree(dict(method.named_parameters()), gold, f"{variant}.after_adam.", names)
