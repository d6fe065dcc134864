"""An entry in a few numbers: what `dvc metrics show`, `metrics diff` and `exp show` print, a line an entry."""

import msgspec
from msgspec import Struct

from wstal import published
from wstal.base import files
from wstal.base.paths import Tree
from wstal.border import csvfile
from wstal.evaluation.metrics import Metrics
from wstal.report import claims
from wstal.report.paired import FAILS, HOLDS, SAME, UNDECIDED

DIGITS = 2  # of points
FOLDER = "summary"  # below reports/
HEADER = ("row", "mAP")


class EntrySummary(Struct, frozen=True):
    """reports/summary/<entry>.json; mAP in percent."""

    best_mAP: float  # of the best row, mean over its seeds
    mean_mAP: float  # over rows and seeds
    seeds: int
    holds: int  # claims of the paper, by verdict
    fails: int
    no_difference: int
    undecided: int


def of(metrics: Metrics) -> EntrySummary:
    """The numbers of an entry."""
    means = [float(metrics.average(row).mean()) for row in metrics.rows]
    verdicts = [judged.verdict for judged in claims.judge(claims.claims(metrics))]
    return EntrySummary(
        round(max(means), DIGITS), round(sum(means) / len(means), DIGITS), len(next(iter(metrics.rows.values()))),
        *(verdicts.count(verdict) for verdict in (HOLDS, FAILS, SAME, UNDECIDED)),
    )  # fmt: skip


def rows(metrics: Metrics) -> list[tuple[str, str]]:
    """A line a row: its name and its average mAP, percent, mean over the seeds."""
    means = ((row, float(metrics.average(row).mean())) for row in metrics.rows)
    return [(published.label(metrics.entry, row), str(round(mean, DIGITS))) for row, mean in means]


def write(metrics: Metrics, tree: Tree) -> None:
    """Write reports/summary/<entry>.json and <entry>.csv, what `dvc plots show` draws."""
    folder = tree.index().parent / FOLDER
    text = msgspec.json.format(msgspec.json.encode(of(metrics)), indent=1).decode()
    files.write(tree.output(folder / f"{metrics.entry}.json"), f"{text}\n")
    files.write(tree.output(folder / f"{metrics.entry}.csv"), csvfile.exact([HEADER, *rows(metrics)]))
