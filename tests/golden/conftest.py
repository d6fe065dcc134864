"""Golden arrays: numbers that the authors' released code produced. WSTAL_GOLDEN names another folder of them.

Another folder may lack files, whose tests are then skipped, and may hold other videos: tests take names, counts and shapes
from the arrays.
"""

import os
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def golden():
    """golden(name) -> {key: array} of <folder>/<name>.npz."""
    other = os.environ.get("WSTAL_GOLDEN")
    folder = Path(other or Path(__file__).parent)

    def load(name):
        if other and not (folder / f"{name}.npz").is_file():
            pytest.skip(f"WSTAL_GOLDEN: {folder} has no {name}.npz")
        with np.load(folder / f"{name}.npz") as arrays:
            return dict(arrays)

    return load
