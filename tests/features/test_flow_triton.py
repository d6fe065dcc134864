"""The CUDA kernels in Triton's interpreter, which needs no GPU, against the operations of the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from wstal.base.paths import ROOT

SCRIPT = """
import msgspec, torch
from wstal.features.pixels import flow, flow_triton
from wstal.features.pixels.tvl1 import OPENCV

flow_triton.CHECK = 2
settings = msgspec.structs.replace(OPENCV, scales=1, warps=1, outer=2, inner=4)
pairs = torch.rand(2, 2, 17, 33, generator=torch.Generator().manual_seed(0)) * 255  # four tiles
pairs[0] = pairs[0, :1]  # converges at once
batch, alone = (
    flow._coarse_to_fine(some, flow._solvers(flow_triton.BatchSolver, some, settings), settings) for some in (pairs, pairs[1:])
)
assert torch.equal(batch[1:], alone)
assert batch[0].eq(0).all() and batch[1].abs().max() > 0.5
torch.testing.assert_close(batch, flow.tvl1(pairs[:, 0], pairs[:, 1], settings=settings), atol=1e-4, rtol=0)
"""


BUILD = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from wstal.features.pixels import flow_triton

KINDS = {"active": "*i64", "TILES": "constexpr"} | dict.fromkeys(flow_triton.SIZES, "i32")
NUMBERS = dict.fromkeys(("tolerance", "limit", "tau", "tightness"), "fp32")
for kernel in (flow_triton._iterate, flow_triton._median):
    kinds = {name: (KINDS | NUMBERS).get(name, "*fp32") for name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=kinds, constexprs={"TILES": 256})
    assert compile(source, target=GPUTarget("cuda", 90, 32), options=flow_triton.BUILD).asm["cubin"]
"""


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
def test_kernels_build_for_a_hopper_chip():
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
def test_kernels_equal_the_operations():
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
