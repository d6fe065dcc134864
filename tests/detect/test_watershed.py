"""TAG's watershed against its definition, word for word, and what follows from it."""

import tracemalloc

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstal.base.conversion import merge
from wstal.detect.localize import Localize, propose, stretches
from wstal.detect.watershed import group

SHARES = st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.55, 0.6, 0.75, 0.8, 0.95, 1.0]), min_size=1, max_size=4)
CURVES = st.lists(st.integers(0, 4), min_size=1, max_size=40).map(np.array)


def brute(start, end, shares):
    """Seed by seed, stretch by stretch."""
    found = set()
    for share in shares:
        for i in range(len(start)):
            stop = end[i]
            for j in range(i + 1, len(start)):
                length = sum(end[k] - start[k] for k in range(i, j + 1))
                if length / (end[j] - start[i]) < share:
                    break
                stop = end[j]
            found.add((start[i], stop))
    return sorted(found)


def rows(starts, ends):
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def test_by_hand():
    """Stretches of 3, 2 and 1 with gaps of 1 and 4: 5 of 6 positions are filled, then 6 of 11."""
    start, end = np.array([0, 4, 10]), np.array([3, 6, 11])
    assert rows(*group(start, end, [0.9])) == [(0, 3), (4, 6), (10, 11)]
    assert rows(*group(start, end, [0.8])) == [(0, 6), (4, 6), (10, 11)]
    assert rows(*group(start, end, [0.5])) == [(0, 11), (4, 6), (10, 11)]
    assert rows(*group(start, end, [0.8, 0.5, 0.5])) == [(0, 6), (0, 11), (4, 6), (10, 11)]


def test_a_group_does_not_reach_over_a_stretch_that_it_refused():
    """At 0.6, 4 of 8 is too little, and so 35 of 40 beyond it is not asked for."""
    start, end = np.array([0, 7, 9]), np.array([3, 8, 40])
    assert rows(*group(start, end, [0.6])) == [(0, 3), (7, 40), (9, 40)]


def test_exactly_the_share_is_enough():
    """7 of 100 is 0.07, although 0.07 * 100 is a little more than 7 in floating point."""
    assert 0.07 * 100 > 7
    assert rows(*group(np.array([0, 99]), np.array([6, 100]), [0.07])) == [(0, 100), (99, 100)]


def test_memory_grows_with_the_number_of_stretches_and_not_with_its_square():
    start = np.arange(5_000) * 10
    tracemalloc.start()
    group(start, start + np.arange(5_000) % 9 + 1, [0.5, 0.9])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6  # shares of all pairs took 200 MB


@given(CURVES, st.integers(0, 3), SHARES)
def test_equals_the_definition(curve, threshold, shares):
    start, end = stretches(curve > threshold)
    assert rows(*group(start, end, shares)) == brute(start.tolist(), end.tolist(), shares)


@given(CURVES, SHARES)
def test_extremes(curve, shares):
    start, end = stretches(curve > 2)
    assert rows(*group(start, end, [])) == rows(*group(start, end, [1.0])) == rows(start, end)
    assert rows(*group(start, end, [0.0])) == [(s, end[-1]) for s in start]


@given(CURVES, SHARES)
def test_groups_are_made_of_stretches_and_are_full_enough(curve, shares):
    above = curve > 2
    start, end = stretches(above)
    for s, e in rows(*group(start, end, shares)):
        assert s in start and e in end
        assert above[s:e].mean() >= min(shares) or (s, e) in rows(start, end)


@given(CURVES, st.floats(0, 1), st.floats(0, 1))
def test_a_lower_share_reaches_further(curve, one, other):
    start, end = stretches(curve > 2)
    near, far = group(start, end, [max(one, other)]), group(start, end, [min(one, other)])
    assert (far[1] >= near[1]).all()


@pytest.fixture
def settings(raw):
    """make(grouping): LGBM-Net's localization with one threshold on snippets as they are."""
    section = merge(raw["defaults"]["localize"], raw["methods"]["lgbm"]["base"]["localize"])

    def make(grouping):
        changes = {"upsample": 1, "normalize": "none", "thresholds": {"values": [0.5]}, "grouping": grouping}
        return msgspec.convert(merge(section, changes), Localize)

    return make


def test_localization_scores_groups_with_their_gaps(settings):
    curve = np.array([0.0, 1.0, 1.0, 0.4, 1.0, 0.0, 0.0, 0.0, 0.0])
    alone, grouped = propose(curve, 0.0, settings([])), propose(curve, 0.0, settings([0.7]))
    assert (alone.start.tolist(), alone.end.tolist()) == ([1, 4], [3, 5])
    assert (grouped.start.tolist(), grouped.end.tolist()) == ([1, 4], [5, 5])
    assert grouped.score[0] == pytest.approx(3.4 / 4)  # outer: one position of 0 on each side
    assert grouped.score[1] == alone.score[1]


def test_short_stretches_may_make_a_long_group(settings):
    curve = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    longest = msgspec.structs.replace(settings([0.6]), min_length=4)
    assert propose(curve, 0.0, longest).end.tolist() == [5]
    assert len(propose(curve, 0.0, msgspec.structs.replace(longest, grouping=())).end) == 0
