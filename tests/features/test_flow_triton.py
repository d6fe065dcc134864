"""The CUDA kernels in Triton's interpreter, which needs no GPU, against the operations of the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from wstal.paths import ROOT

SCRIPT = """
import msgspec, torch
from wstal.features import flow, flow_triton

flow_triton.CHECK = 2
settings = msgspec.structs.replace(flow.OPENCV, scales=1, warps=1, outer=2, inner=4)
pairs = torch.rand(2, 2, 17, 33, generator=torch.Generator().manual_seed(0)) * 255  # four tiles
pairs[0] = pairs[0, :1]  # converges at once
batch, alone = (
    flow._coarse_to_fine(some, flow._solvers(flow_triton.BatchSolver, some, settings), settings) for some in (pairs, pairs[1:])
)
assert torch.equal(batch[1:], alone)
assert batch[0].eq(0).all() and batch[1].abs().max() > 0.5
torch.testing.assert_close(batch, flow.tvl1(pairs[:, 0], pairs[:, 1], settings=settings), atol=1e-4, rtol=0)
"""


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
def test_kernels_equal_the_operations():
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
