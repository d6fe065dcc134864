"""Items of many jobs, made by threads ahead of the one who consumes them, in an order that does not depend on timing."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any

STOP_S = 0.1  # how often a thread that waits for room looks whether anybody still wants its items


class End:
    """Stands behind the last item of a job."""


def side_by_side(
    jobs: Iterable[Any], make: Callable[[Any], Iterable], *, workers: int, ahead: int
) -> Generator[tuple[Any, Any], None, None]:
    """(job, item) for the items of make(job) of every job, and (job, End) after its last one.

    `workers` jobs are in the making, each in a thread of its own, and take turns item by item; when one ends, the next
    job takes its place. A thread that is `ahead` items ahead waits, so that memory is bounded whatever is slower.
    Where `make` raises, so does this. Closing the iterator ends the threads.
    """
    waiting, stop = iter(jobs), threading.Event()
    turns: deque[tuple[Any, queue.Queue]] = deque()

    def start(count: int) -> None:
        for job in islice(waiting, count):
            box: queue.Queue = queue.Queue(maxsize=ahead)
            turns.append((job, box))
            threading.Thread(target=_fill, args=(make, job, box, stop), daemon=True).start()

    start(workers)
    try:
        while turns:
            job, box = turns.popleft()
            item = box.get()
            if isinstance(item, BaseException):
                raise item
            if item is End:
                start(1)
            else:
                turns.append((job, box))
            yield job, item
    finally:
        stop.set()


def _fill(make: Callable[[Any], Iterable], job: Any, box: queue.Queue, stop: threading.Event) -> None:
    """Put what make(job) yields into `box`, then End or the exception that it raised."""
    try:
        for item in make(job):
            if not _put(item, box, stop):
                return
        _put(End, box, stop)
    except BaseException as error:
        _put(error, box, stop)


def _put(item: Any, box: queue.Queue, stop: threading.Event) -> bool:
    """False when nobody waits for items any more."""
    while not stop.is_set():
        try:
            box.put(item, timeout=STOP_S)
            return True
        except queue.Full:
            continue
    return False
