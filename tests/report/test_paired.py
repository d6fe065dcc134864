"""Statistics of paired differences: against scipy, by hand, and as properties."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from wstal.report import paired
from wstal.report.paired import FAILS, HOLDS, SAME, UNDECIDED

POINTS = st.floats(-50, 50).map(lambda value: round(value, 4))
SEEDS = st.lists(POINTS, min_size=2, max_size=12).map(np.array)
TABLES = st.integers(2, 10).flatmap(
    lambda seeds: st.lists(st.lists(POINTS, min_size=seeds, max_size=seeds).map(np.array), min_size=1, max_size=6)
)
P = st.lists(st.floats(0, 1), min_size=1, max_size=8).map(np.array)
MIRRORED = {HOLDS: FAILS, FAILS: HOLDS, SAME: SAME, UNDECIDED: UNDECIDED}


def one(differences, bound=2.0):
    """The finding of a claim that stands alone."""
    return paired.findings([np.array(differences, dtype=float)], [bound])[0]


@pytest.mark.parametrize(
    ("differences", "verdict"),
    [
        ([10, 11, 9], HOLDS),
        ([-10, -11, -9], FAILS),
        ([0.1, -0.1, 0.2], SAME),
        ([1.0, 1.1, 0.9], SAME),  # certainly above 0, and certainly of no matter
        ([10, 20, -1.5], UNDECIDED),
        ([10], UNDECIDED),
        ([0], UNDECIDED),
    ],
)
def test_four_verdicts(differences, verdict):
    assert one(differences).verdict == verdict


def test_a_smaller_bound_makes_a_difference_matter():
    assert one([1.0, 1.1, 0.9], bound=0.5).verdict == HOLDS


@given(SEEDS)
def test_the_test_of_a_difference_is_a_paired_t_test(differences):
    assume(np.ptp(differences) > 0.01)
    assert paired.p_differs(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-6, abs=1e-12)


@given(SEEDS, st.floats(0.1, 5))
def test_no_difference_is_two_one_sided_tests(differences, bound):
    assume(np.ptp(differences) > 0.01)
    above = stats.ttest_1samp(differences, -bound, alternative="greater").pvalue
    below = stats.ttest_1samp(differences, bound, alternative="less").pvalue
    assert paired.p_same(differences, bound) == pytest.approx(max(above, below), rel=1e-6, abs=1e-12)


def test_no_difference_agrees_with_its_interval():
    """Two one-sided tests at 5 % hold exactly where the 90 % t-interval lies inside the bound."""
    differences = np.array([0.2, -0.4, 0.7, 0.1])
    low, high = stats.t.interval(0.9, 3, differences.mean(), stats.sem(differences))
    edge = max(-low, high)
    assert paired.p_same(differences, edge) == pytest.approx(0.05)


@pytest.mark.parametrize(("seeds", "p"), [(1, 1.0), (2, 0.5), (3, 0.25), (10, 2 / 1024)])
def test_seeds_that_do_not_differ_count_by_their_sign(seeds, p):
    assert paired.p_differs(np.full(seeds, 0.1 + 0.2)) == paired.p_differs(np.full(seeds, -5.0)) == p
    assert paired.p_differs(np.zeros(seeds)) == 1 and paired.p_same(np.zeros(seeds), 2) == p / 2
    assert paired.p_same(np.full(seeds, 3.0), 2) == 1


def test_holm_by_hand():
    """Sorted .01, .02, .03, .4 times 4, 3, 2, 1: .04, .06, .06, .4; never smaller than the one before."""
    np.testing.assert_allclose(paired.holm(np.array([0.03, 0.01, 0.4, 0.02]), 4), [0.06, 0.04, 0.4, 0.06])


def test_of_few_that_can_be_true_by_hand():
    """With 2 of 4 that can be true at once, factors are 2, 2, 2, 1."""
    np.testing.assert_allclose(paired.holm(np.array([0.03, 0.01, 0.4, 0.02]), 2), [0.06, 0.02, 0.4, 0.04])


@given(P)
def test_holm_rejects_what_its_procedure_rejects(p):
    """Step down: the k-th smallest p-value against level / (K - k + 1), until the first that is not below."""
    for level in (0.01, 0.05, 0.3):
        rejected = np.zeros(len(p), dtype=bool)
        for step, place in enumerate(np.argsort(p, kind="stable")):
            if p[place] * (len(p) - step) >= level:
                break
            rejected[place] = True
        np.testing.assert_array_equal(paired.holm(p, len(p)) < level, rejected)


@given(P, st.randoms())
def test_holm_lies_between_no_correction_and_bonferroni_in_any_order(p, random):
    corrected = paired.holm(p, len(p))
    assert (corrected >= p).all() and (corrected <= np.minimum(1, len(p) * p)).all()
    order = random.sample(range(len(p)), len(p))
    np.testing.assert_allclose(paired.holm(p[order], len(p)), corrected[order])
    assert (paired.holm(p, 1) <= corrected).all()


@settings(deadline=None, max_examples=50)
@given(TABLES, st.floats(0.1, 5))
def test_exchanged_rows_mirror_the_verdicts(table, bound):
    here = paired.findings(table, [bound] * len(table))
    there = paired.findings([-differences for differences in table], [bound] * len(table))
    assert [MIRRORED[finding.verdict] for finding in here] == [finding.verdict for finding in there]
    for finding, other in zip(here, there, strict=True):
        assert finding.p == pytest.approx(other.p) and finding.needed == other.needed
        assert paired.chance(finding.differences) + paired.chance(other.differences) == pytest.approx(1)


@settings(deadline=None, max_examples=50)
@given(TABLES)
def test_more_claims_never_make_one_surer(table):
    together = paired.findings(table, [2.0] * len(table))
    for finding, differences in zip(together, table, strict=True):
        alone = one(differences)
        assert finding.p_differs >= alone.p_differs and finding.p_same >= alone.p_same


@pytest.mark.parametrize("true", [0.0, 2.0])
def test_false_verdicts_are_as_rare_as_promised(true):
    """Of tables of ten claims whose difference is 0 (never to be told from it), or at the bound, one in twenty errs at most."""
    random, tables, wrong = np.random.default_rng(0), 150, {0.0: {HOLDS, FAILS}, 2.0: {SAME}}[true]
    draws = random.normal(true, 1, size=(tables, 10, 5))
    errs = [any(finding.verdict in wrong for finding in paired.findings(list(table), [2.0] * 10)) for table in draws]
    assert np.mean(errs) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / tables)


def test_the_chance_counts_seeds_and_ties_by_half():
    assert paired.chance(np.array([1.0, -2.0, 0.0, 3.0])) == 0.625
    np.testing.assert_array_equal(paired.chance(np.array([[1.0, 1.0], [-1.0, 0.0]])), [1, 0.25])


def test_resamples_are_always_the_same():
    paired.resamples.cache_clear()
    first = paired.resamples(5).copy()
    paired.resamples.cache_clear()
    assert np.array_equal(first, paired.resamples(5)) and not np.array_equal(first, paired.resamples(5, 1))
    assert first.min() == 0 and first.max() == 4 and first.shape == (paired.RESAMPLES, 5)


@pytest.mark.parametrize("seeds", [2, 3])
def test_two_or_three_seeds_span_all_that_they_saw(seeds):
    differences = np.array([4.0, -1.0, 2.0])[:seeds]
    assert paired.interval(differences) == (-1, 4)


def test_an_interval_by_hand():
    """Ten seeds: the levels of Hesterberg (2015), Table 6, are 0.86 % and 99.14 %; quantiles of the resampled means there."""
    differences = np.arange(10.0) ** 2
    means = differences[paired.resamples(10)].mean(1)
    np.testing.assert_allclose(paired.interval(differences), np.quantile(means, [0.00856, 0.99144]), rtol=2e-3)


def test_a_single_seed_has_no_interval():
    assert np.isnan(paired.interval(np.array([3.0]))).all()


def test_many_seeds_give_the_interval_of_a_t_test():
    differences = np.random.default_rng(0).normal(3, 2, 400)
    expected = stats.t.interval(0.95, 399, differences.mean(), stats.sem(differences))
    np.testing.assert_allclose(paired.interval(differences), expected, atol=0.02)


@settings(deadline=None, max_examples=50)
@given(SEEDS, st.floats(0.1, 10), st.floats(-20, 20))
def test_intervals_move_and_stretch_with_the_differences_and_hold_their_mean(differences, scale, shift):
    low, high = paired.interval(differences)
    assert differences.min() - 1e-9 <= low <= differences.mean() + 1e-9 and differences.mean() - 1e-9 <= high
    np.testing.assert_allclose(
        paired.interval(scale * differences + shift), (scale * low + shift, scale * high + shift), atol=1e-6
    )


@pytest.mark.parametrize(("seeds", "least", "most"), [(3, 0.70, 0.80), (5, 0.89, 0.96), (10, 0.92, 0.975)])
def test_intervals_cover_the_mean_as_often_as_is_said(seeds, least, most):
    draws = np.random.default_rng(1).normal(size=(600, seeds))
    intervals = [paired.interval(differences) for differences in draws]
    assert least <= np.mean([low <= 0 <= high for low, high in intervals]) <= most


@pytest.mark.parametrize(
    ("effect", "seeds"),
    [(0.5, 34), (0.8, 15), (1.0, 10)],  # Cohen's d of a paired t-test, two-sided 5 %, power 80 %: G*Power's answers
)
def test_seeds_that_would_find_a_difference(effect, seeds):
    assert paired.seeds_needed(np.array([effect - 0.5**0.5, effect + 0.5**0.5]), 0.01, 1) == seeds


def test_seeds_that_would_find_no_difference():
    """A mean of 0 and a bound of half a deviation: 2 (1.645 + 1.282)^2 / 2 / 0.25 = 34.3 by the normal formula, 36 with t."""
    assert paired.seeds_needed(np.array([-(0.5**0.5), 0.5**0.5]), 0.5, 1) == 36


def test_more_claims_need_more_seeds_and_the_undecidable_none():
    differences = np.array([1.0, 3.0, 8.0])
    assert paired.seeds_needed(differences, 2, 1) < paired.seeds_needed(differences, 2, 20)
    assert paired.seeds_needed(np.array([1.9, 22.0, -17.8]), 2, 1) is None
    assert paired.seeds_needed(np.array([3.0]), 2, 1) is None


def test_seeds_that_do_not_differ_need_a_sign_test():
    """2 / 2^6 = 0.031 is the first below 0.05; of ten claims 2 / 2^9 = 0.0039 the first below 0.005."""
    assert paired.seeds_needed(np.full(3, 4.0), 2, 1) == 6 and paired.seeds_needed(np.full(3, 4.0), 2, 10) == 9


def test_the_power_is_that_of_a_simulation():
    random = np.random.default_rng(2)
    t = stats.ttest_1samp(random.normal(1, 1, size=(4000, 8)), 0, axis=1, alternative="greater").pvalue
    assert paired.power(1, 1, np.array([8]), 0.05)[0] == pytest.approx((t < 0.05).mean(), abs=0.02)
