"""The CUDA kernels in Triton's interpreter, which needs no GPU, against the operations of the CPU."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from wstal.base.paths import ROOT

SCRIPT = """
import msgspec, torch, triton.language as tl
from torch.nn.functional import interpolate
from wstal.features.pixels import flow, flow_triton
from wstal.features.pixels.tvl1 import OPENCV

for name, kernels, value in (("ROWS", "_PART", 4), ("STEPS", "_STEPS", 2), ("COLUMNS", "_STRIP", 60)):  # small, to be fast
    setattr(flow_triton, name, value)
    setattr(flow_triton, kernels, tl.constexpr(value))
flow_triton.CHECK = 1
settings = msgspec.structs.replace(OPENCV, scales=1, warps=1, outer=2, inner=3, epsilon=EPSILON)
wide = interpolate(torch.rand(2, 1, 14, 14, generator=torch.Generator().manual_seed(0)), (14, 70), mode="bicubic")[:, 0] * 255
pairs = torch.stack([wide[:, 4:10, 4:66], wide[:, 3:9, 5:67]], 1)  # two strips in two parts
pairs[0, 1] = pairs[0, 0] + 0.3 * (pairs[0, 1] - pairs[0, 0])  # converges earlier


class Counted(flow.Solver):
    steps = 0

    def _step(self):
        self.steps += 1
        return super()._step()


def solved(solver_class, some):
    solvers = flow._solvers(solver_class, some, settings)
    return flow._coarse_to_fine(some, solvers, settings), solvers[0]


alone = [solved(Counted, pair[None]) for pair in pairs]
assert [solver.steps for _, solver in alone] == ITERATIONS, [solver.steps for _, solver in alone]
both, _ = solved(flow_triton.BatchSolver, pairs)
assert both[1].abs().max() > 0.5
torch.testing.assert_close(both, torch.cat([flow for flow, _ in alone]), atol=1e-5, rtol=0)
assert torch.equal(solved(flow_triton.BatchSolver, pairs[1:])[0][0], both[1])
"""


BUILD = """
from triton import compile
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from wstal.features.pixels import flow_triton

KINDS = {"active": "*i64", "state": "*i32", "state_next": "*i32", "PROGRAMS": "constexpr"}
NUMBERS = dict.fromkeys(("tolerance", "limit", "tau", "tightness"), "fp32") | dict.fromkeys(flow_triton.SIZES, "i32")
builds = {"_linearize": flow_triton.BUILD, "_iterate": flow_triton.WALK, "_median": flow_triton.BUILD}
for name, options in builds.items():
    kernel = getattr(flow_triton, name)
    kinds = {name: (KINDS | NUMBERS).get(name, "*fp32") for name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=kinds, constexprs={"PROGRAMS": 32} if "PROGRAMS" in kinds else {})
    assert compile(source, target=GPUTarget("cuda", 90, 32), options=options).asm["cubin"]
"""


def run(script: str, **environment: str) -> None:
    """Run Python in a process of its own; its environment says whether Triton interprets."""
    everything = os.environ | environment
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=everything, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
def test_kernels_build_for_a_hopper_chip():
    run(BUILD)


@pytest.mark.skipif(not find_spec("triton"), reason="needs triton")
@pytest.mark.parametrize(("epsilon", "steps"), [(0.8, "[1, 2]"), (0.2, "[3, 6]")])
def test_kernels_equal_the_operations(epsilon, steps):
    """Pairs stop after the same iteration as on the CPU, at the end of a kernel's iterations or among them, or never."""
    run(SCRIPT.replace("EPSILON", str(epsilon)).replace("ITERATIONS", steps), TRITON_INTERPRET="1")
