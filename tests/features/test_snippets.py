"""Snippets of a time grid, against indices; the last partial window and videos shorter than a window."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wstal.base.timegrid import TimeGrid
from wstal.features.pixels.snippets import centre_crop, snippets


def numbered(count: int) -> Iterator[np.ndarray]:
    return (np.full((2, 3, 1), i) for i in range(count))


@given(count=st.integers(0, 60), stride=st.integers(1, 20), window=st.integers(1, 20))
def test_snippet_t_holds_its_frames(count, stride, window):
    found = [clip[:, 0, 0, 0].tolist() for clip in snippets(numbered(count), TimeGrid(25.0, stride, window))]
    if 0 < count < window:
        assert found == [[min(i, count - 1) for i in range(window)]]
    else:
        whole = [list(range(t * stride, t * stride + window)) for t in range(count) if t * stride + window <= count]
        assert found == whole and len(whole) == max((count - window) // stride + 1, 0)


def test_snippets_are_copies_of_the_window():
    found = list(snippets(numbered(6), TimeGrid(25.0, 1, 4)))
    assert [clip[0, 0, 0, 0] for clip in found] == [0, 1, 2] and found[0].shape == (4, 2, 3, 1)


def test_frames_are_read_no_further_than_needed():
    read = []
    frames = (read.append(i) or np.zeros((1, 1, 1)) for i in range(100))
    next(snippets(frames, TimeGrid(25.0, 8, 16)))
    assert len(read) == 16


def test_centre_crop():
    frame = np.arange(5 * 8).reshape(5, 8, 1)
    (cropped,) = centre_crop(iter([frame]), 4)
    assert np.array_equal(cropped, frame[0:4, 2:6])
