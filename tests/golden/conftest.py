"""Golden arrays: numbers that the authors' released code produced. WSTAL_GOLDEN names another folder of them."""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def golden():
    """golden(name) -> {key: array} of <folder>/<name>.npz."""
    folder = Path(os.environ.get("WSTAL_GOLDEN", Path(__file__).parent))

    def load(name):
        with np.load(folder / f"{name}.npz") as arrays:
            return dict(arrays)

    return load
