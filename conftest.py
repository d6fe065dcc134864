"""The pinned environment for tests and for nbval's kernels, set before anything imports NumPy or torch."""

import os

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT)
os.environ.setdefault("WSTAL_DEVICE", "cpu")  # tests marked `gpu` name their device themselves
