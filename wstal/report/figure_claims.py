"""Figure of the claims of one table: differences with their intervals, between the bounds up to which they do not matter."""

import textwrap
from dataclasses import dataclass, replace

import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal.evaluation.metrics import Metrics
from wstal.published import AVERAGE, originals
from wstal.report import claims, naming, paired
from wstal.report.claims import JudgedClaim
from wstal.report.paired import FAILS, HOLDS, SAME, UNDECIDED
from wstal.report.plots import FOREGROUND, FOUND, INK, PALE, TRUTH, head, legend

LOOKS = {  # of a verdict: colour and marker, which tells what colours do not
    HOLDS: (TRUTH, "o"),
    FAILS: (FOUND, "X"),
    SAME: (FOREGROUND, "s"),
    UNDECIDED: ("#8a8a8a", "D"),
}
INSIDE = "difference does not matter"


@dataclass(frozen=True)
class ClaimRow:
    """One claim; points."""

    label: str
    verdict: str
    mean: float
    interval: tuple[float, float]  # nan for a single seed
    bound: float
    published: float | None  # the paper's difference, where it is of the same dataset
    official: float | None  # the mean by the official evaluator, where the paper has its own


@dataclass(frozen=True)
class Forest:
    """A marker and an interval a claim, the first uppermost; right of 0 speaks for the claim, the band for one of likeness."""

    title: str
    rows: tuple[ClaimRow, ...]

    def draw(self) -> Figure:
        """The figure."""
        figure, axis = plt.subplots(figsize=(8, 1.5 + 0.3 * len(self.rows)), layout="constrained")
        for y, row in enumerate(self.rows):
            color, marker = LOOKS[row.verdict]
            axis.fill_betweenx([y - 0.4, y + 0.4], -row.bound, row.bound, color=PALE, alpha=0.35, lw=0, label=INSIDE)
            axis.plot(row.interval, [y, y], "-", color=color, lw=2.2, alpha=0.6)
            axis.plot(row.mean, y, marker, color=color, ms=6, ls="none", label=row.verdict)
            if row.official is not None:
                axis.plot(row.official, y, "o", mfc="none", mec=INK, ms=9, ls="none", label="official evaluator")
            if row.published is not None:
                axis.plot(row.published, y, "|", color=INK, ms=12, mew=2, ls="none", label="published difference")
        axis.axvline(0, color=INK, lw=1)
        axis.set_yticks(range(len(self.rows)), [textwrap.fill(row.label, 48) for row in self.rows])
        axis.set_ylim(max(len(self.rows), 1) - 0.5, -0.5)
        axis.set_xlabel("difference with its bootstrap interval (points)")
        axis.grid(axis="x", alpha=0.4)
        legend(figure, axis)
        head(figure, self.title)
        sns.despine(figure)
        return figure


def forest(metrics: Metrics) -> Forest:
    """What the paper claims of an entry's rows, and below it what no paper claims."""
    same = not originals.is_simulated(metrics.dataset)
    rows = [row(one, same) for one in claims.judge(claims.claims(metrics))]
    asked = [row(one, same) for one in claims.judge(claims.ours(metrics))]
    return Forest(naming.title(metrics), (*rows, *(replace(one, label=f"ours: {one.label}") for one in asked)))


def row(judged: JudgedClaim, same: bool) -> ClaimRow:
    """One claim; what the paper prints lies on its axis if it is of the `same` dataset."""
    claim, here, official = judged.claim, judged.here, judged.official
    text = claim.text if claim.measure == AVERAGE else f"{claim.text}, {claim.measure}"
    interval, moved = paired.interval(here.differences), official.mean if official else None
    return ClaimRow(text, here.verdict, here.mean, interval, here.bound, claim.published if same else None, moved)
