"""The pinned environment for tests and for nbval's kernels, set before anything imports NumPy or torch."""

import atexit
import os
import shutil
import tempfile

from jupyter_client.manager import KernelManager
from nbval import kernel

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT)
os.environ.setdefault("WSTAL_DEVICE", "cpu")  # tests marked `gpu` name their device themselves


class Apart(KernelManager):
    """A kernel of nbval over Unix sockets in a folder of its own: kernels side by side could choose the same TCP ports."""

    def __init__(self, **options):
        place = tempfile.mkdtemp(prefix="wstal-")
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        super().__init__(transport="ipc", connection_file=f"{place}/kernel.json", **options)


kernel.KernelManager = Apart
