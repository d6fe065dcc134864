"""Same method, different protocol: how many points the evaluator, the test list and the checkpoint rule are worth.

Papers compare numbers that came out of different evaluators, over different lists of test videos, from the checkpoint that
scored best on the test set. Here each is varied alone.
The best checkpoint on test data is computed here and beside the leaderboard, and is no result.
"""

from collections.abc import Sequence

import numpy as np

from wstal import published
from wstal.detect import detections
from wstal.evaluation.evaluate import PROTOCOLS
from wstal.evaluation.judging import Judging
from wstal.evaluation.metrics import ALL, Cell, Metrics, among, evaluate_all, named, whole
from wstal.published import AVERAGE
from wstal.report import naming
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
    return cells | {BEST: best_on_test(run, judging)}


def best_on_test(run: Run, judging: Judging[Run]) -> Cell:
    """The cell of the weights of one run, last or kept on the way, that are best on test data: no result."""
    truth = judging.truth_of(run)
    every = (detections.read_json(run.predictions(checkpoint)) for checkpoint in (None, *run.checkpoints))
    scores = [whole((truth, one), judging.protocol, judging.evaluation.tious) for one in every]
    return max(scores, key=lambda cell: cell.average_mAP)


def table(metrics: Metrics, lists: Sequence[str]) -> Table:
    """Average mAP of each method under each variant, a line a variant; the last line: points between the evaluators."""
    methods = {row: published.label(metrics.entry, row) for row in metrics.rows}
    kinds = {name: "evaluator" for name in PROTOCOLS} | {name: "test list" for name in lists} | {BEST: "checkpoint"}
    rows = []
    for name, kind in kinds.items():
        said = f"{name} (reference)" if name == metrics.protocol else name
        rows.append((said, kind, *[mean_std(metrics.average(row, name)) for row in methods]))
    spread = [np.ptp([metrics.average(row, name).mean() for name in PROTOCOLS]) for row in methods]
    rows.append(("evaluators differ by", "points", *[number(one) for one in spread]))
    text = f"{caption(metrics)} A line changes what its second cell names, and nothing else against the reference."
    return Table(naming.title(metrics), text, ("judged by", "changed", *methods.values()), tuple(rows))


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
