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


DYING = """
import os
from wstal.base import workers
from wstal.base.errors import MachineError

if __name__ == "__main__":
    try:
        with workers.pool(1) as pool:
            pool.submit(os._exit, 9).result()
    except MachineError as error:
        print(error)
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
    monkeypatch.setenv("WSTAL_DEVICE", "cuda:0")
    assert workers.count() == workers.GPU_RUNS


def test_processes_are_spread_over_the_gpus_that_are_not_ruled_out(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    monkeypatch.setenv("WSTAL_DEVICE", "cuda")
    assert workers.gpus() == ("cuda:0", "cuda:1", "cuda:2") and workers.count() == 3 * workers.GPU_RUNS
    assert workers.places(5) == ["cuda:0", "cuda:1", "cuda:2", "cuda:0", "cuda:1"]
    monkeypatch.setenv("WSTAL_DEVICE", "cuda:1")
    assert workers.gpus() == ("cuda:1",) and workers.count() == workers.GPU_RUNS and workers.places(2) == [None, None]
    monkeypatch.setenv("WSTAL_DEVICE", "cpu")
    assert workers.gpus() == () and workers.places(2) == [None, None]


def meet(barrier: str, count: int) -> str:
    """The device of a process, once `count` processes have come to the folder `barrier`."""
    (Path(barrier) / str(os.getpid())).touch()
    while len(list(Path(barrier).iterdir())) < count:
        time.sleep(0.05)
    return os.environ["WSTAL_DEVICE"]


def test_every_process_has_a_gpu_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("WSTAL_DEVICE", "cuda")
    with workers.pool(2) as pool:
        found = [pool.submit(meet, str(tmp_path), 2) for _ in range(2)]
        assert sorted(one.result() for one in found) == ["cuda:0", "cuda:1"]


def test_a_worker_that_is_killed_is_a_sentence(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(DYING)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith(
        "a process of several that work side by side was killed, as systems do when memory is used up"
    )
    assert done.stdout.count("\n") == 1 and "Traceback" not in done.stderr


STOPPED = """
import os, time
from wstal.base import workers

if __name__ == "__main__":
    try:
        with workers.pool(1) as pool:
            print(pool.submit(os.getpid).result() and "ready", flush=True)
            pool.submit(time.sleep, 2).result()
    except KeyboardInterrupt:
        print("stopped")
"""


def test_workers_say_nothing_of_ctrl_c(tmp_path):
    """The terminal sends it to all processes; the parent alone answers."""
    script = tmp_path / "parent.py"
    script.write_text(STOPPED)
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout.readline() == "ready\n"
    os.killpg(parent.pid, signal.SIGINT)
    assert parent.communicate() == ("stopped\n", "")


def test_where_others_work_beside_it_a_process_takes_the_cores_that_it_is_given(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(6)))
    monkeypatch.setenv("WSTAL_DEVICE", "cpu")
    counts = {}
    for asked in ("", "1", "4", "60", "0", "many"):
        monkeypatch.setenv(workers.CORES, asked)
        counts[asked] = workers.count()
    assert counts == {"": 6, "1": 1, "4": 4, "60": 6, "0": 1, "many": 6}
