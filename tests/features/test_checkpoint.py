"""Weights come in from every kind of file, whole and under the right names; any other file is one sentence."""

import os
import pickle
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from wstal.base.errors import UserError
from wstal.border import limits
from wstal.features.backbones import registry
from wstal.features.backbones.checkpoint import assemble, read, restore
from wstal.features.backbones.registry import Backbone, Layout


class Tiny(nn.Module):
    """A convolution, its normalization and a head: the smallest network with all kinds of tensors."""

    def __init__(self, classes):
        super().__init__()
        self.conv, self.norm = nn.Conv3d(3, 4, 1, bias=False), nn.BatchNorm3d(4)
        self.head = nn.Linear(4, classes)

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3, 4))


RENAMED = Layout("theirs", ((r"^conv", "body.c"), (r"^norm", "body.n"), (r"^head", "fc")), unused=r"^old\.")
FLAX = Layout(
    "flax",
    ((r"\.", "/"), (r"conv/weight", "conv/kernel"), (r"head/weight", "head/kernel"), (r"^norm/bias", "one|two")),
    convert=lambda name, x: x.permute(4, 3, 0, 1, 2) if name == "conv/kernel" else x.T if name.endswith("kernel") else x,
    ones=r"norm\.weight$",
)
TINY = Backbone(
    name="tiny", stream="rgb", fps=25.0, window_f=8, offsets=tuple(range(8)), short_side=8, size=8, mean=(0.0,) * 3,
    std=(1.0,) * 3, width=4, network=Tiny, layouts=(RENAMED, FLAX), weights="tiny.pt from nowhere",
)  # fmt: skip


@pytest.fixture
def network():
    torch.manual_seed(3)
    network = TINY.build(6)
    network.norm.running_mean.normal_()
    network.norm.running_var.uniform_(0.5, 1.5)
    network.norm.weight.data.normal_()
    network.norm.bias.data.normal_()
    return network


@pytest.fixture
def theirs(network):
    return {RENAMED.sources(name)[0]: values for name, values in network.state_dict().items()}


def agrees(restored, network):
    assert restored.head.out_features == 6 and not restored.training
    for name, values in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(restored.state_dict()[name], values, rtol=0, atol=0)


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model_state", "model_ema_state", "module", "model"])
def test_torch_files(tmp_path, network, theirs, prefix, wrapper):
    tensors = OrderedDict((prefix + name, values) for name, values in theirs.items())
    content = tensors if wrapper is None else {wrapper: tensors, "epoch": 3, "optimizer": {"state": {}}, "cfg": "text"}
    torch.save(content, tmp_path / "tiny.pt")
    agrees(restore(TINY, tmp_path / "tiny.pt"), network)


def test_averaged_weights_come_first(tmp_path, network, theirs):
    torch.save(
        {"model_state": {name: values * 0 for name, values in theirs.items()}, "model_ema_state": theirs}, tmp_path / "a.pyth"
    )
    agrees(restore(TINY, tmp_path / "a.pyth"), network)


def test_old_torch_files_without_counters_and_in_half_precision(tmp_path, network, theirs):
    stored = {name: values.half() for name, values in theirs.items() if not name.endswith("tracked")}
    torch.save(stored, tmp_path / "tiny.pt", _use_new_zipfile_serialization=False)
    restored = restore(TINY, tmp_path / "tiny.pt")
    assert restored.conv.weight.dtype == torch.float32
    torch.testing.assert_close(restored.conv.weight, network.conv.weight, rtol=1e-3, atol=1e-3)


def test_tensors_without_a_use_are_left(tmp_path, network, theirs):
    torch.save(theirs | {"old.weight": torch.ones(2)}, tmp_path / "tiny.pt")
    agrees(restore(TINY, tmp_path / "tiny.pt"), network)


def test_caffe2_pickles(tmp_path, network, theirs):
    """As Python 2 wrote them, strings as bytes."""
    blobs = {name.encode(): values.numpy() for name, values in theirs.items() if not name.endswith("tracked")}
    (tmp_path / "tiny.pkl").write_bytes(pickle.dumps({b"blobs": blobs, b"cfg": b"text"}, protocol=2))
    agrees(restore(TINY, tmp_path / "tiny.pkl"), network)


def flax(network):
    state = {name: values.numpy() for name, values in network.state_dict().items()}
    return {
        "conv": {"kernel": state["conv.weight"].transpose(2, 3, 4, 1, 0)},
        "norm": {part: state[f"norm.{part}"].reshape(1, 1, 1, 1, 4) for part in ("running_mean", "running_var")},
        "head": {"kernel": state["head.weight"].T, "bias": state["head.bias"]},
        "one": state["norm.bias"][:1],
        "two": state["norm.bias"][1:],
    }


def test_nested_pickles(tmp_path, network):
    """Kernels in another order, axes of length one, a vector in two parts, no weights of the normalization."""
    network.norm.weight.data.fill_(1.0)
    (tmp_path / "tiny.ckpt").write_bytes(pickle.dumps(flax(network)))
    agrees(restore(TINY, tmp_path / "tiny.ckpt"), network)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"optimizer": {"target": {"params": x}, "state": {"step": 3}}}])
def test_flax_files(tmp_path, network, wrap):
    network.norm.weight.data.fill_(1.0)

    def packed(value):
        if isinstance(value, dict):
            return {key: packed(inner) for key, inner in value.items()}
        if isinstance(value, int):
            return value
        value = np.ascontiguousarray(value)
        return msgspec.msgpack.Ext(1, msgspec.msgpack.encode((value.shape, value.dtype.name, value.tobytes())))

    (tmp_path / "tiny.msgpack").write_bytes(msgspec.msgpack.encode(packed(wrap(flax(network)))))
    agrees(restore(TINY, tmp_path / "tiny.msgpack"), network)


def test_our_own_files(tmp_path, network):
    save_file(network.state_dict(), tmp_path / "tiny.safetensors")
    agrees(restore(TINY, tmp_path / "tiny.safetensors"), network)


class Evil:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("name", ["tiny.pt", "tiny.pkl"])
def test_a_malicious_file_runs_nothing(tmp_path, theirs, name):
    marker = tmp_path / "ran"
    content = {"state_dict": theirs, "cfg": Evil(marker)}
    if name.endswith("pt"):
        torch.save(content, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps({"blobs": {}, "cfg": Evil(marker)}))
    with pytest.raises(UserError, match=rf"{name} asks to run \w+\.mkdir, which no"):
        read(tmp_path / name)
    assert not marker.exists()


@pytest.mark.parametrize("ending", ["pt", "pth", "pyth", "pkl", "ckpt", "msgpack", "safetensors"])
@pytest.mark.parametrize("content", [b"", b"not weights", b"\x80\x04N."], ids=["empty", "text", "None"])
def test_no_weights(tmp_path, ending, content):
    path = tmp_path / f"tiny.{ending}"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^[^;]*tiny\.{ending} .*; [^;]*\.$"):
        restore(TINY, path)


def test_a_truncated_file(tmp_path, theirs):
    torch.save(theirs, tmp_path / "tiny.pt")
    whole = (tmp_path / "tiny.pt").read_bytes()
    for length in range(1, len(whole), len(whole) // 9):
        (tmp_path / "tiny.pt").write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"tiny\.pt .*; "):
            restore(TINY, tmp_path / "tiny.pt")


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"tiny\.pt cannot be read \(No such file or directory\); give the path"):
        restore(TINY, tmp_path / "tiny.pt")


def test_another_network(tmp_path, theirs):
    def sentence(content):
        torch.save(content, tmp_path / "tiny.pt")
        with pytest.raises(UserError) as raised:
            restore(TINY, tmp_path / "tiny.pt")
        return str(raised.value)

    lacking = {name: values for name, values in theirs.items() if name != "body.n.bias"}
    assert "is no tiny: it has no tensor 'body.n.bias', in the nearest layout, theirs, of those known" in sentence(lacking)
    assert "has a tensor 'body.d.weight' that tiny lacks" in sentence(theirs | {"body.d.weight": torch.ones(2)})
    wide = theirs | {"body.c.weight": torch.ones(5, 3, 1, 1, 1)}
    assert "body.c.weight has the shape (5, 3, 1, 1, 1), not (4, 3, 1, 1, 1); it belongs to another network" in sentence(wide)
    assert sentence(lacking).endswith("get tiny.pt from nowhere.")


def test_a_file_of_two_heads_becomes_one_head_of_all_classes():
    """TAdaConv's ir-CSN-152 of Epic-Kitchens tells verbs and nouns: `head.linear1`, `head.linear2`."""
    backbone = registry.load("csn_ir152_tadaconv")
    with torch.device("meta"):
        network = backbone.build(5).state_dict()
    body = {name: tensor for name, tensor in network.items() if not name.startswith("head") and not name.endswith("tracked")}
    stored = {backbone.layouts[0].sources(name)[0]: torch.zeros(()).expand(x.shape) for name, x in body.items()}
    for k, classes in ((1, 2), (2, 3)):
        stored |= {f"head.linear{k}.weight": torch.full((classes, 2048), float(k)), f"head.linear{k}.bias": torch.ones(classes)}
    assert assemble(backbone, stored, Path("epic.pyth")).head.weight[:, 0].tolist() == [1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("given", "wanted"), [("csn_ip152", "csn_ir152"), ("slowfast_r152", "slowfast_r101"), ("i3d_flow", "i3d_rgb")]
)
def test_relatives_are_told_apart(tmp_path, monkeypatch, given, wanted):
    monkeypatch.setattr(limits, "LIMITS", replace(limits.LIMITS, expansion=10_000))  # for zeros that take no place
    with torch.device("meta"):
        shapes = {name: tuple(x.shape) for name, x in registry.load(given).build(400).state_dict().items()}
    layout = registry.load(given).layouts[0]
    stored = {layout.sources(name)[0]: torch.zeros(()).expand(shape) for name, shape in shapes.items()}
    torch.save(stored, tmp_path / "given.pt")
    with pytest.raises(UserError, match=rf"is no {wanted}: it has|belongs to another network"):
        restore(registry.load(wanted), tmp_path / "given.pt")
