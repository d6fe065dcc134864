"""What papers claim of their rows, judged here: by the paper's evaluator and by the official one, counted, as a table."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wstal import published
from wstal.evaluation.metrics import ALL, UNIFIED, UNIFIED_NAME, Metrics
from wstal.published import AVERAGE
from wstal.published.records import Comparison
from wstal.report import paired
from wstal.report.cells import DASH, number, signed
from wstal.report.paired import FAILS, HOLDS, LEVEL, MOST, POWER, SAME, UNDECIDED, Finding
from wstal.report.tables import Table

BOUND = 2.0  # points up to which a difference does not matter, unless the paper's own is smaller
HEADER = (
    "claim", "measure", "printed", "bound", "here", "difference", "95 % interval", "better on", "p", "seeds to decide",
    "official", "official difference", "the paper",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim of a paper: a score of what should be better minus that of the other, paired over the seeds."""

    text: str
    measure: str  # what is compared
    differences: np.ndarray  # (S,) points
    published: float | None = None  # the difference that the paper prints, points
    official: np.ndarray | None = None  # (S,) the same by the official evaluator, where the paper has another one
    quote: str = ""  # the paper's sentence
    alike: bool = False  # whether it is claimed that there is no difference that matters

    @property
    def bound(self) -> float:
        """Points up to which a difference does not matter: BOUND, or what the paper prints where that is less and above 0."""
        return self.published if self.published is not None and 0 < self.published < BOUND else BOUND


@dataclass(frozen=True, eq=False)
class JudgedClaim:
    """A claim with its verdicts, corrected for all claims of its table."""

    claim: Claim
    here: Finding  # by the paper's evaluator
    official: Finding | None  # by the official one; None where that is the paper's
    moved: Finding | None  # what the official one adds to the differences

    @property
    def verdict(self) -> str:
        """By the paper's evaluator."""
        return self.here.verdict

    @property
    def changed(self) -> bool:
        """Whether the official evaluator gives another verdict."""
        return self.official is not None and self.official.verdict != self.verdict

    @property
    def depends(self) -> bool:
        """Whether the verdict changes, or the difference moves, by a move that is no 0 and not inside the bound."""
        return self.changed or (self.moved is not None and self.moved.verdict in (HOLDS, FAILS))

    def cells(self) -> tuple[str, ...]:
        """The row below HEADER."""
        official = (self.official.verdict, signed(self.official.mean)) if self.official else (DASH, DASH)
        return (
            self.claim.text, self.claim.measure, number(self.claim.published, "+g"), f"{self.claim.bound:g}",
            self.verdict, signed(self.here.mean), span(self.here.differences), wins(self.here.differences), small(self.here.p),
            needed(self.here), *official, f"“{self.claim.quote}”" if self.claim.quote else DASH,
        )  # fmt: skip


def claims(metrics: Metrics) -> list[Claim]:
    """What the paper claims of an entry's rows, with its sentence: the row `better` above the row `worse`.

    The measure is the average mAP, or the mAP at the one tIoU that the claim is `at`. Claims about rows that were not run (a
    smoke run has the first rows only) or tIoUs that were not asked for are left out.
    """
    return [claim(metrics, one) for one in testable(metrics) if one.quote]


def ours(metrics: Metrics) -> list[Claim]:
    """What we ask of an entry's rows beside the paper's claims; none of it counts."""
    return [claim(metrics, one) for one in testable(metrics) if not one.quote]


def testable(metrics: Metrics) -> list[Comparison]:
    """The comparisons of an entry whose rows and tIoUs are there."""
    return [
        one
        for one in published.entry(metrics.entry).claims
        if {one.better, one.worse} <= set(metrics.rows) and one.at in (None, *metrics.tious)
    ]


def claim(metrics: Metrics, comparison: Comparison) -> Claim:
    """A comparison of two rows, with their scores."""
    tiou, rows = comparison.at, (comparison.better, comparison.worse)

    def difference(group: str) -> np.ndarray:
        better, worse = (metrics.average(row, group) if tiou is None else metrics.at(row, tiou, group) for row in rows)
        return better - worse

    official = None if metrics.protocol == UNIFIED_NAME else difference(UNIFIED)
    better, worse = (published.values(metrics.entry, row).get(AVERAGE if tiou is None else f"{tiou:g}") for row in rows)
    printed = None if better is None or worse is None else round(better - worse, 2)
    measure = AVERAGE if tiou is None else f"mAP@{tiou:g}"
    return Claim(comparison.text, measure, difference(ALL), printed, official, comparison.quote, comparison.alike)


def judge(tested: Sequence[Claim]) -> list[JudgedClaim]:
    """Verdicts on the claims of one table, by either evaluator; each corrects for all claims that it judges."""
    twice = [(one, one.official) for one in tested if one.official is not None]
    here = paired.findings([one.differences for one in tested], [one.bound for one in tested])
    here = [replace(finding, alike=one.alike) for one, finding in zip(tested, here, strict=True)]
    bounds = [one.bound for one, _ in twice]
    others = paired.findings([differences for _, differences in twice], bounds)
    official = iter([replace(finding, alike=one.alike) for (one, _), finding in zip(twice, others, strict=True)])
    moved = iter(paired.findings([differences - one.differences for one, differences in twice], bounds))
    return [
        JudgedClaim(one, finding, None, None)
        if one.official is None
        else JudgedClaim(one, finding, next(official), next(moved))
        for one, finding in zip(tested, here, strict=True)
    ]


def count(judged: Sequence[JudgedClaim]) -> str:
    """How many claims get which verdict, and how many another one by the official evaluator."""
    if not judged:
        return "No claim of a paper"
    counts, noun = Counter(one.verdict for one in judged), "claim" if len(judged) == 1 else "claims"
    text = (
        f"{len(judged)} {noun}: {counts[HOLDS]} hold here, {counts[FAILS]} fail, {counts[SAME]} show no difference that "
        f"matters, {counts[UNDECIDED]} undecided"
    )
    twice = sum(one.official is not None for one in judged)
    changed = sum(one.changed for one in judged)
    return f"{text}; the official evaluator changes {changed} of {twice} verdicts" if twice else text


def verdicts(tested: Sequence[Claim], beside: Sequence[Claim] = ()) -> Table:
    """All claims of one table, counted in its title; those `beside` it are ours, corrected by themselves and not counted."""
    judged, apart = judge(tested), judge(beside)
    rows = [one.cells() for one in judged] + [(f"ours: {one.cells()[0]}", *one.cells()[1:]) for one in apart]
    text = caption([*judged, *apart])
    if apart:
        text += " What no paper claims is marked ours, corrected by itself, and not counted."
    return Table(count(judged), text, *filled(HEADER, rows))


def filled(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Header and rows without the columns that say nothing in any of the rows, if there are rows."""
    kept = [k for k in range(len(header)) if not rows or any(row[k] != DASH for row in rows)]
    return tuple(header[k] for k in kept), tuple(tuple(row[k] for k in kept) for row in rows)


def caption(judged: Sequence[JudgedClaim]) -> str:
    """How verdicts are made, and which depend on the evaluator."""
    text = (
        "Differences in points, paired over seeds. No difference: the mean lies inside ± bound, so that it does not matter; "
        f"the bound is {BOUND:g} points, or the published difference where that is smaller. p-values of paired t-tests, "
        f"corrected for all claims of the table (Holm); below {LEVEL:g} decides. {cover(judged)}Seeds to decide: with a chance "
        f"of {100 * POWER:g} %, if mean and spread stay as they are."
    )
    moved = [
        f"{one.claim.text} ({both(one.here)}, official {both(one.official)})" for one in judged if one.official and one.depends
    ]
    if any(one.official for one in judged):
        text += " Official: by the official ActivityNet evaluator at the same thresholds."
    return f"{text} What depends on the evaluator: {'; '.join(moved)}." if moved else text


def both(finding: Finding) -> str:
    """Verdict and mean, for a sentence."""
    return f"{finding.verdict} with {signed(finding.mean)}"


def cover(judged: Sequence[JudgedClaim]) -> str:
    """A sentence on intervals of few seeds; empty where they cover as much as they say."""
    seeds = min((len(one.here.differences) for one in judged), default=0)
    most = 1 - 2 * 0.5**seeds
    if seeds < 2 or most >= 1 - LEVEL:
        return ""
    return (
        f"Bootstrapped intervals of {seeds} seeds reach no further than the smallest and the largest difference and cover the "
        f"mean in {100 * most:.0f} % of all cases at most. "
    )


def span(differences: np.ndarray) -> str:
    """The bootstrap interval of differences (S,), for a cell."""
    if len(differences) < 2:
        return DASH
    low, high = paired.interval(differences)
    return f"[{signed(low)}, {signed(high)}]"


def wins(differences: np.ndarray) -> str:
    """On how many of (S,) seeds the better row is better, ties by half."""
    share, seeds = float(paired.chance(differences)), len(differences)
    return f"{100 * share:.0f} % ({share * seeds:g} of {seeds})"


def small(p: float) -> str:
    """A p-value, for a cell."""
    return f"{p:.3f}" if p >= 0.0005 else "<0.001"


def needed(finding: Finding) -> str:
    """Seeds that would decide an undecided claim, for a cell."""
    if finding.verdict != UNDECIDED or len(finding.differences) < 2:
        return DASH
    return f">{MOST}" if finding.needed is None else f"{finding.needed}"
