"""All claims of a paper as one number: interquartile mean of their differences, and the probability of an improvement.

After rliable (Agarwal et al., NeurIPS 2021), with claims in the place of its tasks, and differences paired over seeds in the
place of its independent runs. Strata are datasets: a seed's data and rows are shared by all claims on its dataset, so that a
bootstrap draws whole seeds, within each dataset by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wstal.report import paired

CUT = 0.25  # share that an interquartile mean leaves out at either end


@dataclass(frozen=True)
class Aggregate:
    """Of all claims and seeds, each with its bootstrap interval."""

    iqm: float  # interquartile mean, points
    iqm_interval: tuple[float, float]
    improvement: float  # probability that the better row of a claim wins on a seed
    improvement_interval: tuple[float, float]


def aggregate(strata: Sequence[np.ndarray]) -> Aggregate:
    """Of differences (claims, S), one array a stratum; numbers of claims and of seeds S may differ between strata."""
    seeds = min(one.shape[1] for one in strata)
    drawn = [one[:, paired.resamples(one.shape[1], stream)] for stream, one in enumerate(strata)]  # (claims, RESAMPLES, S)
    return Aggregate(
        float(iqm(strata)),
        paired.percentiles(iqm(drawn), seeds),
        float(improvement(strata)),
        paired.percentiles(improvement(drawn), seeds),
    )


def iqm(strata: Sequence[np.ndarray]) -> np.ndarray:
    """Interquartile mean over claims and seeds of differences (claims, ..., S): (...)."""
    flat = [np.moveaxis(one, 0, -1).reshape(*one.shape[1:-1], -1) for one in strata]  # (..., S * claims)
    return np.asarray(stats.trim_mean(np.concatenate(flat, -1), CUT, axis=-1))


def improvement(strata: Sequence[np.ndarray]) -> np.ndarray:
    """Probability that the better row wins on a seed, mean over the claims of differences (claims, ..., S): (...)."""
    return np.concatenate([paired.chance(one) for one in strata]).mean(0)
