"""All methods by one evaluator: last weights, and apart from them what the best checkpoint on test data would add.

Rows stand in the order of params.yaml, which is that of published averages; neighbours in this order are compared.
"""

import numpy as np

from wstal import published
from wstal.evaluation.judging import Judging
from wstal.evaluation.metrics import Metrics, evaluate_all
from wstal.published import AVERAGE, originals
from wstal.report import naming, paired
from wstal.report.cells import DASH, mean_std, number, signed
from wstal.report.claims import Claim, span, wins
from wstal.report.figure_ranks import Ranks
from wstal.report.protocol_effects import BEST, best_on_test
from wstal.report.ranks import rho, spearman
from wstal.report.results import caption
from wstal.report.tables import Table
from wstal.training.experiment import Run


def evaluate(judging: Judging[Run]) -> Metrics:
    """Metrics of an entry, with the group BEST for the best checkpoint on test data."""
    found = evaluate_all(judging)
    for run in judging.runs:
        found.rows[run.row][str(run.seed)][BEST] = best_on_test(run, judging)
    return found


def header(metrics: Metrics) -> tuple[str, ...]:
    """Names of the columns: whose values they hold, and of which dataset."""
    ours, theirs = naming.values(metrics), naming.printed(metrics)
    return (
        "method", "preset", f"AVG {theirs}", "rank printed", f"AVG {ours}", "95 % interval", f"rank {ours}",
        "above the next row", "better than the next on",
    )  # fmt: skip


def table(metrics: Metrics) -> Table:
    """Each method beside its published average, with its interval over seeds and how surely it is above the next one."""
    rows, theirs, ours = list(metrics.rows), ranks(printed(metrics)), ranks(means(metrics))
    lines = []
    for row, following in zip(rows, [*rows[1:], None], strict=True):
        values = metrics.average(row)
        ahead = None if following is None else values - metrics.average(following)
        cells = published.label(metrics.entry, row), metrics.presets[row], number(printed(metrics).get(row))
        here = number(theirs.get(row), "g"), mean_std(values), within(values), number(ours[row], "g")
        lines.append((*cells, *here, *((DASH, DASH) if ahead is None else (signed(float(ahead.mean())), wins(ahead)))))
    return Table(naming.title(metrics), f"{caption(metrics)} {comment(metrics)}", header(metrics), tuple(lines))


def within(values: np.ndarray) -> str:
    """The bootstrap interval of the mean of averages (S,), for a cell."""
    low, high = paired.interval(values)
    return DASH if np.isnan(low) else f"[{low:.1f}, {high:.1f}]"


def comment(metrics: Metrics) -> str:
    """How ranks agree, for a caption."""
    theirs, ours = printed(metrics), means(metrics)
    if len(theirs) < 3:
        return "Differences to the next row are paired over the seeds."
    correlation = spearman(*(np.array([values[row] for row in theirs]) for values in (theirs, ours)))
    return (
        f"Differences to the next row are paired over the seeds. Rank correlation (Spearman) of the {len(theirs)} methods "
        f"whose average is printed: {rho(float(correlation))}."
    )


def choosing(metrics: Metrics) -> Table:
    """What each method would gain if the checkpoint were chosen on test data, as the released codes choose it."""
    lines = []
    for row in metrics.rows:
        gain = metrics.average(row, BEST) - metrics.average(row)
        best = mean_std(metrics.average(row, BEST))
        lines.append((published.label(metrics.entry, row), mean_std(metrics.average(row)), best, mean_std(gain), span(gain)))
    title = f"What choosing the checkpoint on test data would add, on {originals.spoken(metrics.dataset)}"
    text = "Points of average mAP over the last weights, paired over the seeds; only the table of protocols chooses, too."
    return Table(title, text, ("method", "last weights", BEST, "gain", "95 % interval"), tuple(lines))


def gains(metrics: Metrics) -> list[Claim]:
    """The same as one claim, on average over the methods."""
    mean = np.mean([metrics.average(row, BEST) - metrics.average(row) for row in metrics.rows], axis=0)
    return [Claim("choosing the checkpoint on test data gives higher numbers", AVERAGE, mean)]


def printed(metrics: Metrics) -> dict[str, float]:
    """{row: published average} of rows that have one."""
    found = {row: published.values(metrics.entry, row).get(AVERAGE) for row in metrics.rows}
    return {row: value for row, value in found.items() if value is not None}


def means(metrics: Metrics) -> dict[str, float]:
    """{row: average mAP, mean over the seeds}."""
    return {row: float(metrics.average(row).mean()) for row in metrics.rows}


def ranks(values: dict[str, float]) -> dict[str, int]:
    """{row: 1 for the highest value}; of equal ones the row that comes first."""
    order = sorted(values, key=lambda row: -values[row])
    return {row: order.index(row) + 1 for row in values}


def beside(metrics: Metrics) -> Ranks:
    """Published rank against ours, of the rows that have both."""
    theirs = printed(metrics)
    ours = ranks({row: means(metrics)[row] for row in theirs})
    labels = tuple(published.label(metrics.entry, row) for row in theirs)
    title = f"Published rank and rank on {originals.spoken(metrics.dataset)}"
    return Ranks(title, labels, tuple(ranks(theirs).values()), tuple(ours.values()))
