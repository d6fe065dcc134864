"""A judged claim -> what its card on a page says: what the paper prints, what came out here, and why it is undecided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wstal import published
from wstal.evaluation.metrics import Metrics
from wstal.published import AVERAGE, originals
from wstal.published.records import Comparison
from wstal.report import claims, overview, paired
from wstal.report.cells import DASH, signed
from wstal.report.claims import JudgedClaim
from wstal.report.paired import FAILS, HOLDS, LEVEL, MOST, POWER, SAME, UNDECIDED

KINDS = {HOLDS: "holds", FAILS: "fails", SAME: "same", UNDECIDED: "undecided"}  # classes of style.css


@dataclass(frozen=True)
class PrintedClaim:
    """What the paper prints of a claim's two rows."""

    place: str  # "FAC-Net, Table 1, on THUMOS14"
    better: str
    worse: str
    values: str  # "42.2 and 27.0", or that it prints none
    difference: str
    quote: str  # the sentence that makes the claim; empty where no paper makes it


@dataclass(frozen=True, eq=False)
class ClaimCard:
    """One claim of a table, or a comparison that no paper makes."""

    number: int  # from 1, in the order of the table's claims; ours are numbered by themselves
    text: str
    measure: str
    verdict: str
    mark: str  # what stands in its field
    printed: PrintedClaim
    dataset: str  # that ours is of, in words
    difference: str  # of the means, points, with its interval
    seeds: np.ndarray  # (S,) differences, points
    interval: tuple[float, float]  # nan for a single seed
    bound: float
    needed: int | None  # seeds that would decide an undecided claim; None where too many would be needed
    why: str  # what the verdict rests on, a sentence or two
    official: str  # a sentence; empty where the paper's evaluator is the official one

    @property
    def kind(self) -> str:
        """The class of its colour."""
        return KINDS[self.verdict]

    @property
    def anchor(self) -> str:
        """Where it stands on its page."""
        return f"{'claim' if self.printed.quote else 'ours'}-{self.number}"

    @property
    def hint(self) -> str:
        """What a pointer on its field says."""
        return f"{self.text}: {self.verdict}, {self.difference}"


def cards(metrics: Metrics) -> list[ClaimCard]:
    """The paper's claims on one table, judged."""
    return judged(metrics, [one for one in claims.testable(metrics) if one.quote])


def ours(metrics: Metrics) -> list[ClaimCard]:
    """The comparisons of one table that no paper makes, judged by themselves."""
    return judged(metrics, [one for one in claims.testable(metrics) if not one.quote])


def judged(metrics: Metrics, compared: Sequence[Comparison]) -> list[ClaimCard]:
    """A card each, corrected for all of them."""
    found = claims.judge([claims.claim(metrics, one) for one in compared])
    return [card(k, metrics, *pair) for k, pair in enumerate(zip(compared, found, strict=True), start=1)]


def card(number: int, metrics: Metrics, compared: Comparison, judged: JudgedClaim) -> ClaimCard:
    """One claim."""
    here = judged.here
    span = claims.span(here.differences)
    difference = f"{signed(here.mean)} points" + (f", 95 % interval {span}" if span != DASH else "")
    return ClaimCard(
        number, said(judged), measured(judged), judged.verdict, overview.mark(judged),
        printed(metrics, compared), originals.spoken(metrics.dataset), difference, here.differences,
        paired.interval(here.differences), here.bound, here.needed if judged.verdict == UNDECIDED else None, why(judged),
        official(judged),
    )  # fmt: skip


def said(judged: JudgedClaim) -> str:
    """The claim; a table may make one at several tIoUs."""
    text, measure = judged.claim.text, judged.claim.measure
    return text if measure == AVERAGE else f"{text}, {measure}"


def measured(judged: JudgedClaim) -> str:
    """What is compared, in words."""
    return "average mAP" if judged.claim.measure == AVERAGE else judged.claim.measure


def printed(metrics: Metrics, compared: Comparison) -> PrintedClaim:
    """The paper's names and values of the two rows, and its sentence on them."""
    column = AVERAGE if compared.at is None else f"{compared.at:g}"
    place = f"{published.entry(metrics.entry).title.partition(':')[0]}, on {originals.original(metrics.dataset)}"
    name, other = (published.label(metrics.entry, row) for row in (compared.better, compared.worse))
    values = [published.values(metrics.entry, row).get(column) for row in (compared.better, compared.worse)]
    if None in values:
        return PrintedClaim(place, name, other, "no values of both", DASH, compared.quote)
    better, worse = (float(value) for value in values if value is not None)
    return PrintedClaim(place, name, other, f"{better:.1f} and {worse:.1f}", signed(round(better - worse, 2)), compared.quote)


def why(judged: JudgedClaim) -> str:
    """What the verdict rests on; of an undecided claim, why, and how many seeds would decide it."""
    here = judged.here
    seeds, noun = len(here.differences), "claim" if judged.claim.quote else "comparison"
    among = f"{here.claims} {noun}s of the table" if here.claims > 1 else f"one {noun} of the table"
    if judged.verdict == UNDECIDED and seeds < 2:
        return "There is one seed: without a spread nothing can be tested, nor can be said how many seeds would decide it."
    test = f"paired t-tests over {seeds} seeds, corrected for the {among}{'' if judged.claim.quote else ' that no paper makes'}"
    if here.p_same < LEVEL:
        return f"The mean lies inside ±{here.bound:g} points, where it does not matter: {test}, {p(here.p_same)}."
    if judged.verdict != UNDECIDED:
        return f"The mean lies {'above' if here.mean > 0 else 'below'} 0: {test}, {p(here.p_differs)}."
    spread = f"Seeds spread by {here.differences.std(ddof=1):.1f} points (standard deviation) around {signed(here.mean)}"
    zero, beyond = f"a mean of 0 ({p(here.p_differs)})", f"one beyond ±{here.bound:g} points ({p(here.p_same)})"
    many = f"{here.needed} seeds would decide it" if here.needed else f"not even {MOST} seeds would decide it"
    left = f"neither {zero} nor {beyond} is ruled out, by {test}"
    return f"{spread}: {left}. If mean and spread stay so, {many} with a chance of {100 * POWER:g} %."


def p(value: float) -> str:
    """A p-value for a sentence."""
    return f"p = {claims.small(value)}".replace("= <", "< ")


def official(judged: JudgedClaim) -> str:
    """What the official evaluator makes of the claim; empty where it is the paper's."""
    if not judged.official:
        return ""
    verdict = f"the same verdict, {judged.verdict}" if not judged.changed else f"another verdict, {judged.official.verdict}"
    return f"{verdict}, with {signed(judged.official.mean)} points"
