"""Fused forms of networks against the plain ones, in Triton's interpreter, which needs no GPU, and on a GPU."""

import copy
import os
import subprocess
import sys
from importlib.util import find_spec

import msgspec
import pytest
import torch

from wstal.base.extraction import Speed
from wstal.base.paths import ROOT
from wstal.features.backbones import embed, registry

BEGIN = """
import copy, torch
from torch import nn
from wstal.features.backbones import blocks, csn, fused, fused_i3d, fused_tdn, fused_vivit, i3d, slowfast, tdn, vivit

torch.manual_seed(0)


def compare(plain, shape, forms, positive=False):
    plain = plain.eval().requires_grad_(False)
    for name, values in plain.state_dict().items():
        if values.is_floating_point():
            values.copy_(torch.rand(values.shape) + 0.5 if "norm" in name else torch.randn(values.shape) / 4)
    x = torch.randn(shape).abs() if positive else torch.randn(shape)
    fast = nn.Sequential(copy.deepcopy(plain))
    fused.replace(fused.fold(fast), forms, torch.float32)
    assert type(fast[0]) is not type(plain)
    layout = {5: torch.channels_last_3d, 4: torch.channels_last}.get(x.dim(), torch.preserve_format)
    torch.testing.assert_close(fast(x.contiguous(memory_format=layout)), plain(x), rtol=1e-4, atol=1e-4)


"""
CASES = {
    "a stem on three channels": "compare(blocks.Stem3d(8, 3, 1e-3), (2, 3, 4, 13, 18), fused.FORMS)",
    "I3D's stem on two channels": "compare(i3d.Unit3D(2, 24, 7, 2), (1, 2, 5, 12, 9), fused_i3d.FORMS)",
    "an Inception module": "compare(i3d.Mixed(24, 8, 16, 8, 8, 24, 16), (1, 24, 2, 3, 4), fused_i3d.FORMS)",
    "channels that leave a step unfilled": "compare(i3d.Unit3D(40, 24, 3, 1), (1, 40, 3, 3, 4), fused_i3d.FORMS)",
    "channels in short steps": "compare(i3d.Unit3D(96, 8, 3, 2), (1, 96, 3, 3, 4), fused_i3d.FORMS)",
    "a pool": "compare(i3d.MaxPool3dSame((3, 3, 3), (2, 2, 2)), (1, 8, 3, 5, 4), fused_i3d.FORMS, positive=True)",
    "a depthwise bottleneck": "compare(csn.bottleneck(16, 8, 2, True, 1e-3), (1, 16, 3, 5, 4), fused.FORMS)",
    "a bottleneck with its input added": "compare(slowfast.bottleneck(64, 16, 3, 1), (1, 64, 3, 4, 3), fused.FORMS)",
    "a bare convolution": "compare(slowfast.lateral(8, 5, 4, bare=True)[0], (1, 8, 8, 3, 2), fused.FORMS)",
    "a bottleneck with long-term modules": "compare(tdn.stage(256, 128, 1, 2, 3)[0], (3, 256, 5, 6), fused_tdn.FORMS)",
    "an encoder": "vivit.WIDTH, vivit.MLP = 48, 64; compare(vivit.Encoder(5, 2, 'none'), (3, 5, 48), fused_vivit.FORMS)",
}
BUILD = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from wstal.features.backbones import _kernels

HALVES = dict.fromkeys(("x", "weight", "other", "y", "here", "moved", "coarse", "fine", "changes", "change"), "*fp16")
KINDS = HALVES | {"bias": "*fp32", "mean": "*fp32", "std": "*fp32", "floor": "fp32", "eps": "fp32"}
WINDOW = {"KERNEL_T": 1, "KERNEL_H": 3, "KERNEL_W": 3, "ROWS": 32, "COLUMNS": 64}
product = {"OTHER": True, "BORDER": True, "ROWS": 128, "SPAN": 64, "PRECISION": "tf32"}
fixed = [
    ("_convolve", product | {"WHOLE": True, "FULL": True, "COLUMNS": 256}, _kernels.TILES[256]),
    ("_convolve", product | {"WHOLE": True, "FULL": False, "COLUMNS": 128}, _kernels.TILES[128]),
    ("_convolve", product | {"WHOLE": False, "FULL": True, "COLUMNS": 16}, _kernels.TILES[16]),
    ("_slide", {"MAXIMUM": True} | WINDOW, {}), ("_slide", {"MAXIMUM": False} | WINDOW, {}),
    ("_lay_out", {"NORMALIZE": True, "CHANNELS": 4, "ELEMENTS": 1024}, {}),
    ("_finish", {"OTHER": True, "ROWS": 64, "COLUMNS": 64}, {}),
    ("_add_and_normalize", {"WIDTH": 768, "PADDED": 1024}, {}),
    ("_differences", {"ELEMENTS": 1024}, {}), ("_mix", {"ELEMENTS": 1024}, {}), ("_excite", {"ELEMENTS": 1024}, {}),
]
for name, constants, options in fixed:
    kernel = getattr(_kernels, name)
    kinds = {one: "constexpr" if one in constants else KINDS.get(one, "i32") for one in kernel.arg_names}
    attributes = {(i,): [["tt.divisibility", 16]] for i, one in enumerate(kinds.values()) if one[0] == "*"}
    source = ASTSource(fn=kernel, signature=kinds, constexprs=constants, attrs=attributes)
    if options:
        options = {"num_warps": options.num_warps, "num_stages": options.num_stages}
    made = compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm
    assert made["cubin"]
    if name == "_convolve":
        assert "wgmma" in made["ptx"] and "cp.async.cg.shared.global" in made["ptx"]  # tensor cores, loads of 16 bytes
    if name in ("_convolve", "_slide"):
        assert "ld.global.b16" not in made["ptx"]  # nothing is loaded one by one
"""
interpreted = pytest.mark.skipif(not find_spec("triton"), reason="needs triton")


def run(script: str, **environment: str) -> None:
    """Run Python in a process of its own; its environment says whether Triton interprets."""
    everything = os.environ | environment
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=everything, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@interpreted
@pytest.mark.parametrize("case", CASES)
def test_forms_equal_the_plain_modules(case):
    run(BEGIN + CASES[case], TRITON_INTERPRET="1")


@interpreted
def test_kernels_build_for_a_hopper_chip():
    run(BUILD)


@pytest.mark.parametrize(
    ("device", "change", "is_fused"),
    [
        ("cpu", {}, False), ("cuda", {}, True), ("cuda", {"precision": "float32"}, False), ("cuda", {"compile": True}, False),
        ("cuda", {"fold": False}, False), ("cuda", {"channels_last": False}, False),
    ],
)  # fmt: skip
def test_what_runs_fused(device, change, is_fused, monkeypatch):
    monkeypatch.setattr(embed, "find_spec", lambda name: True)
    speed = Speed(**({"precision": "float16", "channels_last": True, "fold": True, "compile": False} | change))
    assert embed.is_fused(speed, torch.device(device)) == is_fused


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", ["i3d_rgb", "i3d_flow", "csn_ir101", "csn_ip152", "slowfast_r50", "tdn_r101", "vivit_b16x2"])
def test_features_on_a_gpu_are_those_of_the_plain_network(name):
    backbone = registry.load(name)
    torch.manual_seed(0)
    network = backbone.build(5)
    for key, values in network.state_dict().items():
        if key.endswith("conv.weight"):
            values.normal_(std=(1 / values[0].numel()) ** 0.5)
    clips = torch.randint(0, 256, (2, *backbone.clip), dtype=torch.uint8).cuda()
    speed = Speed(precision="float16", channels_last=True, fold=True, compile=False)
    plain = embed.embedder(backbone, copy.deepcopy(network), msgspec.structs.replace(speed, precision="float32"), clips.device)(
        clips
    )
    fast = embed.embedder(backbone, network, speed, clips.device)
    for _ in range(3):  # as it comes, recorded, replayed
        assert (fast(clips) - plain).norm() < 0.01 * plain.norm()
    assert torch.equal(fast(clips.flip(0)), fast(clips).flip(0))
