"""Same method, different protocol: how many points the evaluator, the test list and the checkpoint rule are worth.

Papers compare numbers that came out of different evaluators, over different lists of test videos, from the checkpoint that
scored best on the test set. Here each is varied alone. The best checkpoint on test data is computed for this table only.
"""

from collections.abc import Sequence

import numpy as np

from wstal import published
from wstal.detect import detections
from wstal.evaluation.evaluate import PROTOCOLS
from wstal.evaluation.judging import Judging
from wstal.evaluation.metrics import ALL, Cell, Metrics, among, evaluate_all, named, whole
from wstal.published import AVERAGE
from wstal.report.cells import mean_std, number, signed
from wstal.report.claims import Claim
from wstal.report.results import caption
from wstal.report.tables import Table
from wstal.training.experiment import Run

BEST = "best-on-test (not a result)"


def evaluate_variants(judging: Judging[Run]) -> Metrics:
    """Metrics of an entry with a group a variant: every protocol, every test list, and the best checkpoint on test data."""
    found = evaluate_all(judging)
    for run in judging.runs:
        found.rows[run.row][str(run.seed)] |= variants(run, judging)
    return found


def variants(run: Run, judging: Judging[Run]) -> dict[str, Cell]:
    """The cells of one run."""
    section, protocol, truth = judging.evaluation, judging.protocol, judging.truth_of(run)
    last = detections.read_json(run.predictions())
    cells = {name: whole((truth, last), other, section.tious) for name, other in PROTOCOLS.items()}
    for name, left_out in section.test_lists.items():
        cells[name] = whole(among(truth, last, set(truth.videos) - named(left_out, truth)), protocol, section.tious)
    every = [last, *(detections.read_json(run.predictions(checkpoint)) for checkpoint in run.checkpoints)]
    scores = [whole((truth, one), protocol, section.tious) for one in every]
    return cells | {BEST: max(scores, key=lambda cell: cell.average_mAP)}


def table(metrics: Metrics, lists: Sequence[str]) -> Table:
    """Average mAP of each row under each variant, and the points between the highest and the lowest evaluator."""
    columns = [*PROTOCOLS, *lists, BEST]
    rows = []
    for row in metrics.rows:
        by_protocol = [metrics.average(row, name).mean() for name in PROTOCOLS]
        cells = [mean_std(metrics.average(row, name)) for name in columns]
        rows.append((published.label(metrics.entry, row), mean_std(metrics.average(row)), *cells, number(np.ptp(by_protocol))))
    header = ("method", f"reference: {metrics.protocol}", *columns, "evaluators differ by")
    return Table("Same method, different protocol", caption(metrics), header, tuple(rows))


def gains(metrics: Metrics, lists: Sequence[str]) -> list[Claim]:
    """What each choice is worth on average over the methods, in points over the entry's protocol, paired over the seeds."""
    claims = []
    for name in (*PROTOCOLS, *lists, BEST):
        differences = np.mean([metrics.average(row, name) - metrics.average(row, ALL) for row in metrics.rows], axis=0)
        if differences.any():
            claims.append(Claim(f"{name} gives higher numbers than {metrics.protocol} on the full list", AVERAGE, differences))
    return claims


def order(metrics: Metrics) -> Table:
    """The ranking of the methods under each protocol: a protocol can change who wins."""
    rows = []
    for name in PROTOCOLS:
        ranked = sorted(metrics.rows, key=lambda row: -metrics.average(row, name).mean())
        best, second = (metrics.average(row, name).mean() for row in ranked[:2])
        names = " > ".join(published.label(metrics.entry, row) for row in ranked)
        rows.append((name, names, signed(best - second)))
    return Table("Who wins", "Means over the seeds.", ("protocol", "order of the methods", "lead of the first"), tuple(rows))
