"""Samplers: bounds, edge cases, generators as arguments."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wstal.data.bags import shuffled
from wstal.data.sampling import Snippets, crop_starts, draw, uniform

LENGTHS = st.integers(1, 400)


@given(LENGTHS, st.integers(1, 100), st.sampled_from(["full", "uniform", "perturb", "crop"]), st.integers(0, 9))
def test_indices_exist_rise_and_repeat_with_the_seed(length, count, kind, seed):
    how = Snippets(kind=kind, count=count)
    index = draw(length, how, np.random.default_rng(seed))
    assert index.min() >= 0 and index.max() < length
    assert (np.diff(index) >= 0).all()
    np.testing.assert_array_equal(index, draw(length, how, np.random.default_rng(seed)))
    wanted = {"full": length, "crop": min(length, count)}.get(kind, count)
    assert len(index) == wanted


def test_short_videos_repeat_or_stay_whole():
    assert uniform(3, 6).tolist() == [0, 0, 1, 1, 2, 2]
    assert uniform(3, 6, repeat=False).tolist() == [0, 1, 2]


def test_the_last_window_is_never_drawn():
    """A habit of W-TALC's code that its golden vectors fix: 10 snippets, windows of 8, starts 0 and 1 but not 2."""
    assert crop_starts(10, 8).tolist() == [0, 1]
    assert crop_starts(9, 8).tolist() == [0]


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 5))
def test_batches_run_on_over_epochs_and_count_every_video(count, size, epochs):
    batches = list(shuffled(count, size, epochs, np.random.default_rng(0)))
    assert len(batches) == count * epochs // size
    assert all(len(batch) == size for batch in batches)
    if batches:
        seen = np.bincount(np.concatenate(batches), minlength=count)
        assert seen.max() <= epochs and seen.sum() == len(batches) * size
