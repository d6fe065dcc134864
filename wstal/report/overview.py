"""All claims at one glance: a strip of verdicts for every table of every paper."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from wstal import published
from wstal.base.paths import Tree
from wstal.evaluation import metrics
from wstal.report import claims
from wstal.report.claims import Claim
from wstal.report.plots import FOUND, INK, PALE, TRUTH, legend
from wstal.report.tables import Table

LOOKS = {  # of a verdict: colour and sign, which tells what colours do not
    "holds": (TRUTH, "✓", "white"),
    "undecided, for": (PALE, "+", INK),
    "undecided, against": (PALE, "−", INK),
    "fails": (FOUND, "×", "white"),
}
PLURAL = {
    "holds": "claims hold here",
    "undecided, for": "claims are undecided, their means for them",
    "undecided, against": "claims are undecided, their means against them",
    "fails": "claims fail here",
}


@dataclass(frozen=True)
class Strip:
    """The checked claims of one entry."""

    title: str
    claims: tuple[Claim, ...]

    @property
    def place(self) -> str:
        """Paper and table: what the title says before its colon."""
        return self.title.partition(": ")[0]

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Of each claim."""
        return tuple(claim.verdict for claim in self.claims)


def strips(entries: Sequence[str], tree: Tree) -> list[Strip]:
    """Entries with claims, paper by paper, from reports/metrics/."""
    checked = {entry: tuple(claims.claims(metrics.read(entry, tree))) for entry in published.in_order(entries)}
    return [Strip(published.entry(entry).title, found) for entry, found in checked.items() if found]


def draw(found: Sequence[Strip]) -> Figure:
    """A strip an entry below its title, a field a claim in the order of the table's verdicts."""
    figure, axis = plt.subplots(figsize=(6.2, 0.6 + 0.52 * len(found)), layout="constrained")
    for row, strip in enumerate(found):
        axis.text(0, row - 0.42, strip.title, color=INK, size="small")
        for column, verdict in enumerate(strip.verdicts):
            color, sign, ink = LOOKS[verdict]
            axis.barh(row, 0.9, left=column, height=0.56, color=color, label=f"{sign}  {verdict}")
            axis.text(column + 0.45, row, sign, ha="center", va="center_baseline", color=ink, weight="bold")
    axis.set(ylim=(len(found) - 0.6, -0.9), xlim=(0, max(len(strip.claims) for strip in found)))
    axis.set_axis_off()
    legend(figure, axis, columns=2)
    return figure


def decided(found: Sequence[Strip], verdict: str) -> Table:
    """The claims of all entries with one verdict, the largest differences first."""
    chosen = [(strip.place, claim) for strip in found for claim in strip.claims if claim.verdict == verdict]
    chosen.sort(key=lambda pair: -abs(pair[1].differences.mean()))
    rows = tuple((place, *claim.cells()) for place, claim in chosen)
    header = ("table", "claim", "measure", "here", "difference", "seeds for it", "p")
    return Table(f"{len(rows)} {PLURAL[verdict]}", "Differences in points, paired over seeds.", header, rows)


def folded(tables: Sequence[Table]) -> str:
    """Tables as Markdown, each below a line that opens it."""
    bodies = ((table.title, table.markdown().partition("\n\n")[2]) for table in tables)
    return "\n".join(f"<details><summary>{title}</summary>\n\n{body}\n</details>\n" for title, body in bodies)
