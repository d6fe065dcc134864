"""Seconds and snippets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid

GRIDS = st.builds(TimeGrid, st.floats(1, 120), st.integers(1, 64), st.integers(1, 64))


def test_the_usual_grid():
    """16 frames at 25 fps, no overlap: boundary t lies at t * 16 / 25 seconds, as in every released code."""
    grid = TimeGrid(25.0, 16, 16)
    np.testing.assert_allclose(grid.seconds([0, 1, 2.5]), [0, 0.64, 1.6])
    assert grid.coverage_s(100) == 64.0


def test_overlapping_windows_are_centred():
    """Stride 8, window 16 at 25 fps: snippet 0 sees frames 0 to 15, its centre is 0.32 s, its cell 0.16 to 0.48 s."""
    grid = TimeGrid(25.0, 8, 16)
    np.testing.assert_allclose(grid.seconds([0, 0.5, 1]), [0.16, 0.32, 0.48])
    assert grid.coverage_s(1) == 0.64


@given(GRIDS, st.floats(-1e4, 1e4))
def test_there_and_back(grid, time_s):
    assert grid.seconds(grid.snippets(time_s)) == pytest.approx(time_s, abs=1e-6)


@given(GRIDS, st.integers(0, 10_000))
def test_cells_tile_the_time_line(grid, t):
    assert grid.seconds(t + 1) - grid.seconds(t) == pytest.approx(grid.step_s, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("wrong", [(0, 16, 16), (25, 0, 16), (25, 16, -1)])
def test_impossible_grids_are_a_sentence(wrong):
    with pytest.raises(UserError, match="grid"):
        TimeGrid(*wrong)
