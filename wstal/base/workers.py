"""Processes that work side by side, and how many."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Any

from wstal.base import seeding
from wstal.base.errors import MachineError

GPU_RUNS = 4  # side by side on a GPU: each is a process that holds most of a gigabyte there, and they take turns
DEVICE = "WSTAL_DEVICE"  # what seeding.device reads
LOOK_S = 1.0  # how often a worker looks whether its parent is still there


CORES = "WSTAL_CORES"  # how many cores a process may use where others work beside it, as in `make reproduce`


def count() -> int:
    """How many runs to train side by side: as many as there are CPU cores that this process may use, or fewer on GPUs."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if (asked := os.environ.get(CORES, "")).isdecimal():
        cores = max(min(cores, int(asked)), 1)
    return min(cores, GPU_RUNS * len(gpus())) if gpus() else cores


def gpus() -> tuple[str, ...]:
    """The GPUs that work is spread over: the one that WSTAL_DEVICE names by its number, or all; none where work is a CPU's."""
    import torch

    device = seeding.device()
    if device.type != "cuda":
        return ()
    if device.index is not None:
        return (str(device),)
    return tuple(f"cuda:{number}" for number in range(max(torch.cuda.device_count(), 1)))


def places(size: int) -> list[str | None]:
    """The device of each of `size` processes: GPUs in turn where there are several, else that of this process (None)."""
    found = gpus()
    return [found[number % len(found)] if len(found) > 1 else None for number in range(size)]


class WorkerPool(ProcessPoolExecutor):
    """A pool of which a process may be killed. Its processes never see Ctrl-C, which is for this one to answer.

    Raises:
        MachineError: at its end, if one was.
    """

    def submit(self, *call: Any, **named: Any) -> "Future[Any]":
        """As of any executor; processes that start for it inherit the signals that are blocked meanwhile."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return super().submit(*call, **named)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def __exit__(self, *raised: Any) -> bool | None:
        super().__exit__(*raised)
        if isinstance(raised[1], BrokenProcessPool):
            raise MachineError(
                "a process of several that work side by side was killed, as systems do when memory is used up; close other "
                "programs, or work on fewer cores with `taskset -c 0` in front of the command, and run again: what is finished "
                "is kept."
            ) from None
        return None


def pool(size: int, any_instruction: bool = False) -> ProcessPoolExecutor:
    """A pool of `size` fresh processes in the pinned environment. They end with this one, even if it is killed.

    Where there are several GPUs, processes take them in turn.
    With `any_instruction` they may use all that the processor has, and what they compute depends on the machine.
    """
    os.environ.update(seeding.ENVIRONMENT)  # inherited by the processes, before they import torch
    if any_instruction:
        os.environ.update(seeding.ANY_INSTRUCTION)
    context = multiprocessing.get_context("spawn")
    devices = context.SimpleQueue()
    for place in places(size):
        devices.put(place)
    return WorkerPool(size, mp_context=context, initializer=begin, initargs=(os.getpid(), devices))


def begin(parent: int, devices: "SimpleQueue[str | None]") -> None:
    """What a process does first: it takes its device, and follows its parent."""
    if place := devices.get():
        os.environ[DEVICE] = place
    follow(parent)


def follow(parent: int) -> None:
    """End this process within LOOK_S seconds of the end of its parent, whose process id is `parent`."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
