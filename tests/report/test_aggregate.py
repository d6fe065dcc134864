"""Aggregates over claims: means by hand and against scipy, whole seeds in whole datasets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from wstal.report import paired
from wstal.report.aggregate import aggregate, improvement, iqm


def test_the_interquartile_mean_by_hand():
    """Of 1 to 8, the middle half is 3, 4, 5, 6; one wild seed changes nothing."""
    strata = [np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([[7.0, 1000.0]])]
    assert iqm(strata) == 4.5


def test_the_probability_of_improvement_weighs_claims_alike():
    """Shares 1, 1/2 (a tie and one of each) and 0: their mean, whatever the number of seeds."""
    assert improvement([np.array([[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]]), np.array([[-1.0, -2.0]])]) == pytest.approx(0.5)


def test_the_bootstrap_draws_whole_seeds_of_a_dataset():
    """Two claims that are each other's mirror: on every draw of whole seeds one wins where the other loses."""
    claim = np.array([3.0, -1.0, 2.0, 5.0])
    found = aggregate([np.array([claim, -claim])])
    assert found.improvement == 0.5 and found.improvement_interval == (0.5, 0.5)
    assert found.iqm == 0 and found.iqm_interval == pytest.approx((0, 0))


def test_datasets_are_drawn_independently():
    """The same mirror in two datasets: draws do not cancel, as they would if one draw served both."""
    claim = np.array([3.0, -1.0, 2.0, 5.0])
    low, high = aggregate([claim[None], -claim[None]]).improvement_interval
    assert low < 0.5 < high


def test_one_claim_has_the_interval_of_its_resampled_middle():
    claim = np.array([3.0, -1.0, 2.0, 5.0, 4.0])
    found, drawn = aggregate([claim[None]]), claim[paired.resamples(5)]
    assert found.iqm == stats.trim_mean(claim, 0.25) == 3
    assert found.iqm_interval == paired.percentiles(stats.trim_mean(drawn, 0.25, axis=1), 5)
    assert found.improvement_interval == paired.percentiles((drawn > 0).mean(1), 5)


def test_a_single_seed_has_no_interval():
    found = aggregate([np.array([[1.0], [-1.0], [2.0]])])
    assert found.improvement == pytest.approx(2 / 3) and np.isnan(found.iqm_interval).all()


@settings(deadline=None, max_examples=20)
@given(st.lists(st.lists(st.floats(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5).map(np.array))
def test_exchanged_rows_mirror_the_aggregate(differences):
    here, there = aggregate([differences]), aggregate([-differences])
    assert here.iqm == pytest.approx(-there.iqm) and here.improvement == pytest.approx(1 - there.improvement)
    np.testing.assert_allclose(here.iqm_interval, [-value for value in reversed(there.iqm_interval)], atol=1e-9)
    low, high = there.improvement_interval
    np.testing.assert_allclose(here.improvement_interval, (1 - high, 1 - low), atol=1e-9)
