"""An entry in a few numbers: what `dvc metrics show`, `metrics diff` and `exp show` print, a line an entry."""

from typing import Any

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


class Summary(Struct, frozen=True):
    """reports/summary/<entry>.json; mAP in percent."""

    best_mAP: float  # of the best row, mean over its seeds
    mean_mAP: float  # over rows and seeds
    seeds: int
    holds: int  # claims of the paper, by verdict
    fails: int
    no_difference: int
    undecided: int


def of(metrics: Metrics) -> Summary:
    """The numbers of an entry."""
    means = [float(metrics.average(row).mean()) for row in metrics.rows]
    verdicts = [judged.verdict for judged in claims.judge(claims.claims(metrics))]
    return Summary(
        round(max(means), DIGITS), round(sum(means) / len(means), DIGITS), len(next(iter(metrics.rows.values()))),
        *(verdicts.count(verdict) for verdict in (HOLDS, FAILS, SAME, UNDECIDED)),
    )  # fmt: skip


def rows(metrics: Metrics) -> list[dict[str, Any]]:
    """A line a row: its name and its average mAP, percent, mean over the seeds."""
    return [
        {"row": published.label(metrics.entry, row), "mAP": round(float(metrics.average(row).mean()), DIGITS)}
        for row in metrics.rows
    ]


def write(metrics: Metrics, tree: Tree) -> None:
    """Write reports/summary/<entry>.json and <entry>.csv, what `dvc plots show` draws."""
    folder = tree.index().parent / FOLDER
    text = msgspec.json.format(msgspec.json.encode(of(metrics)), indent=1) + b"\n"
    files.write(folder / f"{metrics.entry}.json", text)
    lines = [(line["row"], str(line["mAP"])) for line in rows(metrics)]
    files.write(folder / f"{metrics.entry}.csv", csvfile.exact([("row", "mAP"), *lines]))
