"""Numbers as text, rounded."""

import numpy as np
import pytest

from wstal.report.cells import mean_std, number, percent, signed


def test_a_mean_and_the_sample_deviation_of_the_seeds():
    assert mean_std(np.array([1.0, 3.0])) == "2.0 ± 1.4" and mean_std(np.array([2.04])) == "2.0"


def test_fractions_in_percent_or_a_dash():
    assert percent([0.1, 0.3]) == "20.0 ± 14.1" and percent([0.1, np.nan]) == "–"


@pytest.mark.parametrize(("value", "text"), [(1.25, "+1.2"), (-0.26, "−0.3"), (0.0, "+0.0")])
def test_a_difference_has_its_sign(value, text):
    assert signed(value) == text


def test_a_number_or_a_dash():
    assert (number(12.345), number(12.345, ".2f"), number(7, "d"), number(None)) == ("12.3", "12.35", "7", "–")
