"""What papers claim of their rows, tested here: paired over the seeds, counted, as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wstal import published
from wstal.evaluation.metrics import Metrics
from wstal.published import AVERAGE
from wstal.report.cells import signed
from wstal.report.tables import Table

LEVEL = 0.05  # significance that decides a claim


@dataclass(frozen=True)
class Claim:
    """A claim of a paper checked here: a score of what should be better minus that of the other, paired over the seeds."""

    text: str
    measure: str  # what is compared
    differences: np.ndarray  # (S,) points

    @property
    def p(self) -> float:
        """Two-sided p-value of a paired t-test; 1 where there is nothing to test."""
        if len(self.differences) < 2 or self.differences.std() == 0:
            return 1.0
        return float(stats.ttest_1samp(self.differences, 0).pvalue)

    @property
    def verdict(self) -> str:
        """Either "holds" or "fails" where the seeds agree so far that p < 0.05, otherwise which way the mean points."""
        up = self.differences.mean() > 0
        if self.p < LEVEL:
            return "holds" if up else "fails"
        return "undecided, for" if up else "undecided, against"

    def cells(self) -> tuple[str, ...]:
        """The row of `verdicts`."""
        wins = f"{int((self.differences > 0).sum())} of {len(self.differences)}"
        p = f"{self.p:.3f}" if self.p >= 0.0005 else "<0.001"
        return self.text, self.measure, self.verdict, signed(self.differences.mean()), wins, p


def claims(metrics: Metrics) -> list[Claim]:
    """What the paper claims of an entry's rows, each checked: the row `better` above the row `worse`.

    The measure is the average mAP, or the mAP at the one tIoU that the claim is `at`. Claims about rows that were not run (a
    smoke run has the first rows only) or tIoUs that were not asked for are left out.
    """
    found = []
    for claim in published.entry(metrics.entry).claims:
        tiou, rows = claim.at, (claim.better, claim.worse)
        if set(rows) <= set(metrics.rows) and tiou in (None, *metrics.tious):
            better, worse = (metrics.average(row) if tiou is None else metrics.at(row, tiou) for row in rows)
            found.append(Claim(claim.text, AVERAGE if tiou is None else f"mAP@{tiou:g}", better - worse))
    return found


def count(checked: Sequence[Claim]) -> str:
    """How many claims hold, fail and stay undecided."""
    counts = Counter(claim.verdict.split(",")[0] for claim in checked)
    noun = "claim" if len(checked) == 1 else "claims"
    return f"{len(checked)} {noun}: {counts['holds']} hold here, {counts['fails']} fail, {counts['undecided']} undecided"


def verdicts(checked: Sequence[Claim]) -> Table:
    """All claims of a notebook as a table, counted in its title."""
    caption = (
        f"Differences in points, paired over seeds; decided where a t-test gives p < {LEVEL:g}, each claim by itself: of "
        "twenty claims without substance one would be decided."
    )
    header = ("claim", "measure", "here", "difference", "seeds for it", "p")
    return Table(count(checked), caption, header, tuple(claim.cells() for claim in checked))
