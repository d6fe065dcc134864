"""All claims at one glance: a strip of verdicts for every table of every paper, counts, and an aggregate a paper."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.evaluation import metrics
from wstal.evaluation.metrics import Metrics
from wstal.published import originals
from wstal.report import claims, naming, paired
from wstal.report.aggregate import Aggregate, aggregate
from wstal.report.cells import signed
from wstal.report.claims import Claim, JudgedClaim
from wstal.report.paired import FAILS, HOLDS, LEVEL, MOST, SAME, UNDECIDED, VERDICTS
from wstal.report.plots import FOREGROUND, FOUND, INK, PALE, TRUTH, legend
from wstal.report.tables import Table

LOOKS = {  # of a verdict: colour and sign, which tells what colours do not
    HOLDS: (TRUTH, "✓", "white"),
    FAILS: (FOUND, "×", "white"),
    SAME: (FOREGROUND, "=", "white"),
    UNDECIDED: (PALE, "", INK),
}
LEGEND = {
    HOLDS: "✓  holds",
    FAILS: "×  fails",
    SAME: "=  no difference that matters",
    UNDECIDED: "n  undecided; n seeds would decide it",
}
DECIDED = {
    HOLDS: "Claims that hold here",
    FAILS: "Claims that fail here",
    SAME: "Claims without a difference that matters",
    UNDECIDED: "Claims that are undecided",
}
THIN = "thin line: by the official evaluator, where the paper has its own"
HERE, OFFICIAL, ALONE = "its paper's evaluator", "the official evaluator", "its paper's, p < 0.05, each claim by itself"


@dataclass(frozen=True)
class Strip:
    """The judged claims of one entry."""

    title: str
    claims: tuple[JudgedClaim, ...]
    dataset: str

    @property
    def place(self) -> str:
        """Paper and table: what the title says before its colon."""
        return self.title.partition(": ")[0]

    @property
    def where(self) -> str:
        """Paper and table, and the dataset that values of ours are of."""
        return f"{self.place}, on {originals.spoken(self.dataset)}"

    @property
    def paper(self) -> str:
        """What the title says before its first comma."""
        return self.title.partition(", ")[0]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Of each claim."""
        return tuple(claim.verdict for claim in self.claims)


def strips(entries: Sequence[str], tree: Tree, of: Callable[[Metrics], list[Claim]] = claims.claims) -> list[Strip]:
    """Entries with claims, paper by paper, from reports/metrics/; `of` says which claims, those of papers or ours."""
    read = {entry: metrics.read(entry, tree) for entry in published.in_order(entries)}
    judged = {entry: tuple(claims.judge(of(found))) for entry, found in read.items()}
    return [Strip(naming.title(read[entry]), found, read[entry].dataset) for entry, found in judged.items() if found]


def draw(strips: Sequence[Strip]) -> Figure:
    """A strip an entry below its title, a field a claim in the order of the table's verdicts, the official verdict below it."""
    figure, axis = plt.subplots(figsize=(7.4, 0.9 + 0.62 * len(strips)), layout="constrained")
    for row, strip in enumerate(strips):
        axis.text(0, row - 0.3, strip.title, color=INK, size="small")
        for column, judged in enumerate(strip.claims):
            color, _, ink = LOOKS[judged.verdict]
            axis.barh(row, 0.92, left=column, height=0.42, color=color, label=LEGEND[judged.verdict])
            middle = column + 0.46
            axis.text(middle, row, mark(judged), ha="center", va="center_baseline", color=ink, size="x-small", weight="bold")
            if judged.official:
                color = LOOKS[judged.official.verdict][0]
                axis.barh(row + 0.28, 0.92, left=column, height=0.08, color=color, label=THIN)
    axis.set(ylim=(len(strips) - 0.5, -0.6), xlim=(0, max(len(strip.claims) for strip in strips)))
    axis.set_axis_off()
    legend(figure, axis, columns=2)
    return figure


def mark(judged: JudgedClaim) -> str:
    """What stands in the field of a claim: the sign of its verdict, or the seeds that would decide it."""
    if judged.verdict != UNDECIDED:
        return LOOKS[judged.verdict][1]
    several = len(judged.here.differences) > 1
    return f"{judged.here.needed or f'>{MOST}'}" if several else "?"


def decided(strips: Sequence[Strip], verdict: str) -> Table:
    """The claims of all entries with one verdict, the largest differences first."""
    chosen = [(strip.where, one) for strip in strips for one in strip.claims if one.verdict == verdict]
    chosen.sort(key=lambda pair: -abs(pair[1].here.mean))
    rows = tuple((place, *one.cells()) for place, one in chosen)
    caption = "Differences in points, paired over seeds; p-values are corrected for all claims of the table."
    header = ("table", *claims.HEADER)
    return Table(f"{DECIDED[verdict]}: {len(rows)}", caption, *claims.filled(header, rows))


def depending(strips: Sequence[Strip]) -> Table:
    """The claims that depend on the evaluator: the verdict is another one, or the difference moves."""
    rows = tuple(
        (
            strip.where, one.claim.text, one.verdict, signed(one.here.mean), one.official.verdict, signed(one.official.mean),
            signed(one.moved.mean), claims.small(one.moved.p),
        )
        for strip in strips for one in strip.claims if one.official and one.moved and one.depends
    )  # fmt: skip
    caption = (
        "Here: by the paper's own evaluator. Moved: what the official one adds to the difference, points, tested like a claim, "
        "with the same bound."
    )
    header = ("table", "claim", "here", "difference", "official", "official difference", "moved", "p")
    return Table(f"Claims that depend on the evaluator: {len(rows)}", caption, header, rows)


def counts(strips: Sequence[Strip]) -> Table:
    """Verdicts of every paper: by its evaluator, by the official one, and as they would be without any correction."""
    rows = []
    for paper, judged in by_paper(strips).items():
        official = [(one.official or one.here).verdict for one in judged]
        ways = {HERE: [one.verdict for one in judged], OFFICIAL: official, ALONE: [alone(one.claim) for one in judged]}
        for way, verdicts in ways.items():
            counted = Counter(verdicts)
            rows.append((paper, way, str(len(verdicts)), *(str(counted[verdict]) for verdict in VERDICTS)))
    caption = (
        "The first two correct for all claims of a table and know differences that do not matter; the last line of a paper "
        "does neither: of twenty claims without substance it decides one."
    )
    return Table("Verdicts by paper", caption, ("paper", "judged by", "claims", *VERDICTS), tuple(rows))


def alone(claim: Claim) -> str:
    """The verdict on a claim by a paired t-test, as if it were the only one and every difference mattered."""
    if claim.alike and paired.p_same(claim.differences, claim.bound) < LEVEL:
        return HOLDS
    if paired.p_differs(claim.differences) >= LEVEL:
        return UNDECIDED
    return HOLDS if claim.differences.mean() > 0 and not claim.alike else FAILS


def aggregates(strips: Sequence[Strip]) -> Table:
    """Of every paper, its tables taken together: how much better what it calls better is, and how often."""
    rows = []
    for paper, judged in by_paper(strips).items():
        own = [strip for strip in strips if strip.paper == paper]
        ours, official = (aggregate(strata(own, evaluator)) for evaluator in (by_paper_evaluator, by_official_evaluator))
        rows.append((paper, str(len(own)), str(len(judged)), *cells(ours), *cells(official)))
    caption = (
        "Interquartile mean of the differences of all claims and seeds, points, and probability that the better row of a claim "
        "wins on a seed; in brackets their bootstrap intervals, which draw whole seeds within each dataset (after rliable). "
        f"{claims.cover([one for strip in strips for one in strip.claims])}"
    )
    both = ("difference", "probability of improvement", "official difference", "official probability")
    return Table("Papers in sum", caption.rstrip(), ("paper", "tables", "claims", *both), tuple(rows))


def by_paper(strips: Sequence[Strip]) -> dict[str, list[JudgedClaim]]:
    """{paper: all its claims}, in order."""
    papers: dict[str, list[JudgedClaim]] = {}
    for strip in strips:
        papers.setdefault(strip.paper, []).extend(strip.claims)
    return papers


def by_paper_evaluator(judged: JudgedClaim) -> np.ndarray:
    """Differences (S,) by the paper's evaluator."""
    return judged.here.differences


def by_official_evaluator(judged: JudgedClaim) -> np.ndarray:
    """Differences (S,) by the official evaluator, whether or not it is the paper's."""
    return (judged.official or judged.here).differences


def strata(strips: Sequence[Strip], evaluator: Callable[[JudgedClaim], np.ndarray]) -> list[np.ndarray]:
    """Differences (claims, S) of each dataset, and of each number of seeds S where tables of a dataset have several.

    Claims that two rows are alike have no better one and are left out.
    """
    groups: dict[tuple[str, int], list[np.ndarray]] = {}
    for strip in strips:
        for one in (evaluator(judged) for judged in strip.claims if not judged.claim.alike):
            groups.setdefault((strip.dataset, len(one)), []).append(one)
    return [np.array(group) for group in groups.values()]


def cells(paper: Aggregate) -> tuple[str, str]:
    """Interquartile mean and probability of improvement, with their intervals; without those of a single seed."""
    iqm, improvement = signed(paper.iqm), f"{100 * paper.improvement:.0f} %"
    if np.isnan(paper.iqm_interval).any():
        return iqm, improvement
    low, high = paper.iqm_interval
    least, most = paper.improvement_interval
    return f"{iqm} [{signed(low)}, {signed(high)}]", f"{improvement} [{100 * least:.0f}, {100 * most:.0f}]"


def folded(tables: Sequence[Table]) -> str:
    """Tables as Markdown, each below a line that opens it."""
    bodies = ((table.title, table.markdown().partition("\n\n")[2]) for table in tables)
    return "\n".join(f"<details><summary>{title}</summary>\n\n{body}\n</details>\n" for title, body in bodies)
