"""Threads that work ahead: the order, the bound, what happens to errors and to threads nobody waits for."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstal.features.extraction.ahead import End, side_by_side


def turns(lengths, workers):
    """The order that the docstring promises, worked out without threads."""
    waiting, active, found = list(enumerate(lengths)), [], []
    while waiting or active:
        while waiting and len(active) < workers:
            active.append((waiting.pop(0), 0))
        (job, length), done = active.pop(0)
        found.append((job, done if done < length else End))
        if done < length:
            active.append(((job, length), done + 1))
    return found


@given(lengths=st.lists(st.integers(0, 5), max_size=8), workers=st.integers(1, 4), ahead=st.integers(1, 3))
def test_order_does_not_depend_on_timing(lengths, workers, ahead):
    made = side_by_side(range(len(lengths)), lambda job: iter(range(lengths[job])), workers=workers, ahead=ahead)
    assert list(made) == turns(lengths, workers)


def test_threads_work_ahead_and_no_further_than_allowed():
    count = 0

    def make(job):
        nonlocal count
        for i in range(100):
            count += 1
            yield i

    items = side_by_side([0], make, workers=1, ahead=3)
    next(items)
    deadline = time.monotonic() + 5
    while count < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.15)  # longer than a waiting thread sleeps
    assert count == 5  # one taken, three in the queue, one in hand
    items.close()


def test_jobs_are_made_at_the_same_time():
    meeting = threading.Barrier(3, timeout=5)

    def make(job):
        meeting.wait()  # breaks unless three threads get here
        yield job

    items = side_by_side(range(3), make, workers=3, ahead=1)
    assert [job for job, item in items if item is not End] == [0, 1, 2]


def test_an_error_reaches_the_consumer():
    def make(job):
        yield 1
        raise ZeroDivisionError

    items = side_by_side([0], make, workers=1, ahead=1)
    assert next(items) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_closing_ends_the_threads():
    started = []

    def make(job):
        started.append(threading.current_thread())
        yield from range(1000)

    items = side_by_side(range(4), make, workers=4, ahead=2)
    assert [next(items) for _ in range(4)] == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert len(started) == 4 and all(thread.is_alive() for thread in started)
    items.close()
    for thread in started:
        thread.join(timeout=5)
    assert not any(thread.is_alive() for thread in started)


def test_no_jobs():
    assert list(side_by_side([], lambda job: iter([]), workers=2, ahead=1)) == []
