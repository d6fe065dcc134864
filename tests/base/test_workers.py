"""Worker processes: in the pinned environment, and gone when the process that they work for is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from wstal.base import seeding, workers
from wstal.base.paths import ROOT

PARENT = """
import os, time
from wstal.base import workers

if __name__ == "__main__":
    with workers.pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""


def alive(process: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        worker = int(parent.stdout.readline())
        assert alive(worker)
        parent.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30 * workers.LOOK_S
    while alive(worker) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(worker)


def test_workers_have_the_pinned_environment():
    with workers.pool(1) as pool:
        assert pool.submit(os.getenv, "CUBLAS_WORKSPACE_CONFIG").result() == seeding.ENVIRONMENT["CUBLAS_WORKSPACE_CONFIG"]


def test_a_gpu_is_shared_by_few(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    monkeypatch.setenv("WSTAL_DEVICE", "cpu")
    assert workers.count() == 64
    monkeypatch.setenv("WSTAL_DEVICE", "cuda")
    assert workers.count() == workers.GPU_RUNS


def test_where_others_work_beside_it_a_process_takes_the_cores_that_it_is_given(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setenv("WSTAL_DEVICE", "cpu")
    counts = {}
    for asked in ("", "1", "4", "60", "0", "many"):
        monkeypatch.setenv(workers.CORES, asked)
        counts[asked] = workers.count()
    assert counts == {"": 6, "1": 1, "4": 4, "60": 6, "0": 1, "many": 6}
