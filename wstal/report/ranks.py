"""Whether rows come in the order that papers print: Spearman's rank correlation, table by table. Nothing is tuned to it.

Intervals resample seeds and rows together: they speak of other seeds, and of other methods or settings than the printed ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wstal import published
from wstal.base.paths import Tree
from wstal.evaluation import metrics
from wstal.evaluation.metrics import ALL, UNIFIED, Metrics
from wstal.published import AVERAGE
from wstal.report import paired
from wstal.report.cells import DASH
from wstal.report.paired import LEVEL
from wstal.report.tables import Table

LEAST = 4  # rows from which a table has an order to speak of


@dataclass(frozen=True, eq=False)
class RankOrder:
    """What a table prints of its N rows, and what they reach here on S seeds."""

    title: str
    printed: np.ndarray  # (N,) percent
    ours: np.ndarray  # (N, S) percent, by the paper's evaluator
    official: np.ndarray  # (N, S) percent, by the official one

    @property
    def paper(self) -> str:
        """What the title says before its first comma."""
        return self.title.partition(", ")[0]


def orders(entries: Sequence[str], tree: Tree) -> list[RankOrder]:
    """Of all entries that print enough rows, from reports/metrics/."""
    found = [order(metrics.read(entry, tree)) for entry in published.in_order(entries)]
    return [one for one in found if one is not None]


def order(found: Metrics) -> RankOrder | None:
    """Of an entry's rows that have a printed average; None where there are too few."""
    printed = {row: value for row in found.rows if (value := average(found.entry, row)) is not None}
    if len(printed) < LEAST:
        return None
    ours, official = (np.stack([found.average(row, group) for row in printed]) for group in (ALL, UNIFIED))
    return RankOrder(published.entry(found.entry).title, np.array([*printed.values()]), ours, official)


def average(entry: str, row: str) -> float | None:
    """The printed average mAP of a row, or the mean over all tIoUs of a table without averages; None if one is missing."""
    columns, values = published.entry(entry).columns, published.values(entry, row)
    if AVERAGE in columns:
        return values.get(AVERAGE)
    return float(np.mean([*values.values()])) if columns and len(values) == len(columns) else None


def spearman(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Rank correlation over the last axis of (..., N), ties by their mean rank: (...); nan where all are tied."""
    ranks = [stats.rankdata(values, axis=-1) for values in (one, other)]
    x, y = (values - values.mean(-1, keepdims=True) for values in ranks)
    with np.errstate(invalid="ignore"):
        return (x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1))


def resampled(one: RankOrder, stream: int) -> np.ndarray:
    """Rank correlations of resamples of seeds and rows, (R,)."""
    rows, seeds = one.ours.shape
    chosen = paired.resamples(rows, 2 * stream)  # (R, N)
    values = one.ours[:, paired.resamples(seeds, 2 * stream + 1)].mean(-1).T  # (R, N)
    return spearman(one.printed[chosen], np.take_along_axis(values, chosen, axis=1))


def table(ranked: Sequence[RankOrder]) -> Table:
    """Every table's rank correlation, and of a paper with several their mean."""
    draws = [resampled(one, stream) for stream, one in enumerate(ranked)]
    papers = {one.paper: [k for k, other in enumerate(ranked) if other.paper == one.paper] for one in ranked}
    rows = []
    for paper, places in papers.items():
        here = np.array([spearman(ranked[k].printed, ranked[k].ours.mean(1)) for k in places])
        official = np.array([spearman(ranked[k].printed, ranked[k].official.mean(1)) for k in places])
        for place, k in enumerate(places):
            one = ranked[k]
            rows.append((one.title, str(len(one.printed)), rho(here[place]), span(draws[k]), rho(official[place])))
        if len(places) > 1:
            mean = np.mean([draws[k] for k in places], axis=0)
            rows.append((f"{paper}, mean of its tables", DASH, rho(here.mean()), span(mean), rho(official.mean())))
    caption = (
        "Spearman's rank correlation of the rows' average mAP, means over seeds, with what the paper prints; 95 % bootstrap "
        f"intervals over seeds and rows. Tables with fewer than {LEAST} rows that print one are left out. Official: by the "
        "official evaluator. No setting was chosen by it."
    )
    return Table(
        "The order of rows, here and in the papers", caption, ("table", "rows", "ρ", "95 % interval", "official ρ"), tuple(rows)
    )


def rho(value: float) -> str:
    """A correlation, for a cell."""
    return DASH if np.isnan(value) else f"{value:+.2f}".replace("-", "−")


def span(draws: np.ndarray) -> str:
    """The interval of resampled correlations (R,), for a cell; resamples of tied values say nothing."""
    low, high = np.nanquantile(draws, (LEVEL / 2, 1 - LEVEL / 2))
    return f"[{rho(low)}, {rho(high)}]"
