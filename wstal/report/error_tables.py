"""What is wrong with detections, as tables: what errors cost, which instances are missed, which classes are hard."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wstal import published
from wstal.evaluation.complementarity import Complementarity
from wstal.evaluation.diagnosis import ERRORS, Diagnosis
from wstal.evaluation.evaluate import evaluate
from wstal.evaluation.judging import Judging
from wstal.evaluation.metrics import by_row
from wstal.report.cells import DASH, mean_std, number, percent
from wstal.report.tables import Table


def gains(entry: str, diagnoses: Mapping[str, Sequence[Diagnosis]]) -> Table:
    """What removing the errors of one kind gains, for the rows {row: one diagnosis a seed} of an entry."""
    tiou = first(diagnoses).tiou
    rows = tuple(
        (published.label(entry, row), percent([d.mAP for d in seeds]), *[percent([d.gain[e] for d in seeds]) for e in ERRORS])
        for row, seeds in diagnoses.items()
    )
    caption = (
        "Points of mAP that are gained when all detections with the error are removed, all classes; "
        "mean ± standard deviation over the seeds."
    )
    return Table(f"What errors cost at tIoU {tiou:g}", caption, ("row", f"mAP@{tiou:g}", *ERRORS), rows)


def recalls(entry: str, diagnoses: Mapping[str, Sequence[Diagnosis]]) -> Table:
    """Recall between the quartiles of instance lengths and the share missed, for the rows {row: one diagnosis a seed}."""
    d = first(diagnoses)
    low, middle, high = map(number, np.mean([one.quartiles_s for one in next(iter(diagnoses.values()))], axis=0))
    header = ("row", f"up to {low} s", f"{low}–{middle} s", f"{middle}–{high} s", f"over {high} s", "missed")
    rows = tuple(
        (
            published.label(entry, row),
            *[percent(group) for group in zip(*[d.recall_by_length for d in seeds], strict=True)],
            percent([1 - d.recall for d in seeds]),
        )
        for row, seeds in diagnoses.items()
    )
    caption = (
        "Percent of the instances that a detection of any score matches, mean ± standard deviation over the seeds; columns lie "
        "between the quartiles of the dataset's instance lengths, means over the seeds. Missed: instances of any length "
        "that none matches."
    )
    return Table(f"Recall by instance length at tIoU {d.tiou:g}", caption, header, rows)


def first(diagnoses: Mapping[str, Sequence[Diagnosis]]) -> Diagnosis:
    """One of all; they share the tIoU."""
    return next(iter(diagnoses.values()))[0]


def per_class(judging: Judging[Any], tiou: float) -> Table:
    """Average precision of each class that has an instance at one tIoU, a column a row of the entry.

    Classes are sorted by their mean over all columns, best first.
    """
    results = by_row(judging, evaluate, [tiou])
    classes = next(iter(results.values()))[0].classes
    ap = {row: 100 * np.stack([result.ap[0] for result in seeds]) for row, seeds in results.items()}  # each (S, C)
    mean = np.mean([seeds.mean(0) for seeds in ap.values()], axis=0)
    ranked = [c for c in np.lexsort((classes, -mean)) if not np.isnan(mean[c])]
    header = ("class", *[published.label(judging.entry, row) for row in ap])
    rows = tuple((classes[c], *[mean_std(seeds[:, c]) for seeds in ap.values()]) for c in ranked)
    return Table(f"AP of each class at tIoU {tiou:g}", "Percent, mean ± standard deviation over the seeds.", header, rows)


def overlap(result: Complementarity, title: str, caption: str) -> Table:
    """Recall of each model and what each other one misses of it, in percent; the last row is all models together."""
    header = ("model", "found", *[f"missed by {model}" for model in result.models])
    rows = [
        (model, number(100 * recall), *[DASH if i == j else number(100 * value) for j, value in enumerate(missed)])
        for i, (model, recall, missed) in enumerate(zip(result.models, result.recall, result.only, strict=True))
    ]
    every = ("any model", number(100 * result.union), *[number(100 * (result.union - recall)) for recall in result.recall])
    return Table(title, caption, header, (*rows, every))
