"""Everything that makes a run repeatable: the environment that pins the arithmetic, seeds, and the choice of device."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

# Set before NumPy and torch are imported: one thread and one instruction set, so that any x86-64 CPU with AVX2 gives the
# same bits. `wstal.app.notebooks` gives it to kernels, tests/conftest.py to tests.
ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "SOURCE_DATE_EPOCH": "0",
    "IPYKERNEL_CELL_NAME": "<cell>",
}
ANY_INSTRUCTION = {"ONEDNN_MAX_CPU_ISA": "DEFAULT"}  # in place of those above: bfloat16 needs more than AVX2


def seed_everything(seed: int) -> None:
    """Seed torch's global generators and demand deterministic algorithms. The only place that touches global state."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    # We read no memory that we did not write.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]  # a property of the module
    torch.backends.cudnn.benchmark = False
    full_precision()


def full_precision() -> None:
    """float32 on a GPU is float32: no convolution, recurrence or product in TF32, whose mantissa has 10 bits."""
    import torch

    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False


def device() -> "torch.device":
    """The device of training and prediction: CUDA when present, else the CPU; WSTAL_DEVICE overrides."""
    import torch

    return torch.device(os.environ.get("WSTAL_DEVICE") or ("cuda" if torch.cuda.is_available() else "cpu"))


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products of bfloat16, as far as Linux says."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return False
    return not {"avx512_bf16", "amx_bf16"}.isdisjoint(flags)
