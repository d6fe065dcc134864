"""Golden arrays: numbers that the authors' released code produced. WSTAL_GOLDEN names another folder of them.

Another folder may lack files, whose tests are then skipped, and may hold other videos: tests take names, counts and shapes
from the arrays.
"""

import os
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
OTHER = os.environ.get("WSTAL_GOLDEN")
FOLDER = Path(OTHER) if OTHER else HERE


def load(name):
    """{key: array} of <folder>/<name>.npz; a name that leads to no folder is no reason to skip anything."""
    if not FOLDER.is_dir():
        pytest.fail(f"WSTAL_GOLDEN: {FOLDER} is no folder; name one that holds golden arrays.", pytrace=False)
    if OTHER and not (FOLDER / f"{name}.npz").is_file():
        pytest.skip(f"WSTAL_GOLDEN: {FOLDER} has no {name}.npz")
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)
