"""The CUDA kernels in Triton's interpreter, which needs no GPU, against the operations of the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from wstal.paths import ROOT

SCRIPT = """
import msgspec, torch
from wstal.features import flow
from wstal.features.flow_triton import BatchSolver

settings = msgspec.structs.replace(flow.OPENCV, scales=1, warps=2, outer=2, inner=6)
pairs = torch.rand(3, 2, 19, 37, generator=torch.Generator().manual_seed(0)) * 255
pairs[1] = pairs[1, :1]  # converges at once
batch = flow._coarse_to_fine(pairs, flow._solvers(BatchSolver, pairs, settings), settings)
alone = flow._coarse_to_fine(pairs[2:], flow._solvers(BatchSolver, pairs[2:], settings), settings)
assert torch.equal(batch[2:], alone)
assert batch[1].eq(0).all() and batch[0].abs().max() > 0.5
torch.testing.assert_close(batch, flow.tvl1(pairs[:, 0], pairs[:, 1], settings=settings), atol=1e-4, rtol=0)
"""


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
def test_kernels_equal_the_operations():
    environment = os.environ | {"TRITON_INTERPRET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
