"""Metrics -> the rows of an entry as a table, beside what the paper prints or by groups of classes."""

from collections.abc import Sequence

import numpy as np

from wstal import published
from wstal.evaluation.metrics import ALL, UNIFIED, UNIFIED_NAME, Metrics
from wstal.published import AVERAGE, originals
from wstal.report import naming, remarks
from wstal.report.cells import DASH, mean_std, number, signed
from wstal.report.tables import Table

UNSETTLED = 10.0  # points of standard deviation over seeds from which a caption warns
UNLEARNT = 5.0  # points of average mAP up to which it warns, too


def heading(metrics: Metrics) -> str:
    """Title and claim of the entry, as Markdown: the first thing that a reader of its notebook sees."""
    claim = published.entry(metrics.entry).claim
    return f"## {naming.title(metrics)}\n\nThe paper: {claim}" if claim else f"## {naming.title(metrics)}"


def of_entry(metrics: Metrics) -> Table:
    """The table of an entry: beside the published values where there are any, otherwise by groups of classes."""
    return table(metrics) if published.entry(metrics.entry).columns else groups(metrics)


def table(metrics: Metrics) -> Table:
    """Rows of an entry, and below them what papers print: of the same rows, and of others that nobody trains here.

    Each line says whose values it holds. A difference stands there where both are of the same dataset, which a simulated one is
    not. Columns without a value, where the paper prints no average, are left out.
    """
    names = list(columns_at(metrics).values())
    header = ["row", "values", "preset", AVERAGE, "difference", *["unified AVG"] * (metrics.protocol != UNIFIED_NAME), *names]
    lines = [ours(metrics, row) for row in metrics.rows]
    theirs = [row for row in metrics.rows if published.values(metrics.entry, row)]
    theirs += [row for row in published.elsewhere(metrics.entry) if row not in metrics.rows]
    lines += [printed(metrics, row) for row in theirs]
    kept = [name for name in header if any(line.get(name, DASH) != DASH for line in lines)]
    rows = tuple(tuple(line.get(name, DASH) for name in kept) for line in lines)
    return Table(naming.title(metrics), caption(metrics), tuple(kept), rows)


def columns_at(metrics: Metrics) -> dict[str, str]:
    """{a tIoU as papers print it: the name of its column}; {} where the paper prints nothing but averages."""
    if not set(published.entry(metrics.entry).columns) - {AVERAGE}:
        return {}
    return {f"{tiou:g}": f"mAP@{tiou:g}" for tiou in metrics.tious}


def printed(metrics: Metrics, row: str) -> dict[str, str]:
    """{column: cell} of what the paper prints of a row."""
    values = published.values(metrics.entry, row)
    name = {"row": published.label(metrics.entry, row), "values": naming.printed(metrics)}
    at = {name: number(values.get(tiou)) for tiou, name in columns_at(metrics).items()}
    return name | {AVERAGE: number(values.get(AVERAGE))} | at


def ours(metrics: Metrics, row: str) -> dict[str, str]:
    """{column: cell} of a row that was trained."""
    average, theirs = metrics.average(row), published.values(metrics.entry, row).get(AVERAGE)
    cells = {
        "row": published.label(metrics.entry, row),
        "values": naming.values(metrics),
        "preset": metrics.presets[row],
        AVERAGE: mean_std(average),
    }
    if theirs is not None and not originals.is_simulated(metrics.dataset):
        cells["difference"] = signed(average.mean() - theirs)
    if metrics.protocol != UNIFIED_NAME:
        cells["unified AVG"] = mean_std(metrics.average(row, UNIFIED))
    names = columns_at(metrics).values()
    return cells | {name: mean_std(at) for name, at in zip(names, metrics.curve(row).T, strict=False)}


def groups(metrics: Metrics) -> Table:
    """mAP of every row at each tIoU: one line for all classes, and one for each group of classes or videos."""
    named = [group for group in next(iter(next(iter(metrics.rows.values())).values())) if group != UNIFIED]
    twice = metrics.protocol != UNIFIED_NAME
    header = ["row", "values", "judged on", *[f"mAP@{tiou:g}" for tiou in metrics.tious], AVERAGE, *["unified AVG"] * twice]
    rows = []
    for row in metrics.rows:
        for group in named:
            cells = [mean_std(column) for column in (*metrics.curve(row, group).T, metrics.average(row, group))]
            cells += [mean_std(metrics.average(row, UNIFIED)) if group == ALL else DASH] * twice
            rows.append([published.label(metrics.entry, row), naming.values(metrics), group, *cells])
    text = caption(metrics)
    if len(named) == 1:
        header, rows = [header[0], header[1], *header[3:]], [[*row[:2], *row[3:]] for row in rows]
    else:
        text += " Judged on: the classes or test videos that count; all: every one."
    return Table(naming.title(metrics), text, tuple(header), tuple(map(tuple, rows)))


def caption(metrics: Metrics) -> str:
    """Dataset, protocol, presets, seeds: what a reader must know beside the numbers."""
    presets = " and ".join(sorted(set(metrics.presets.values())))
    text = (
        f"{metrics.caption} Dataset {metrics.dataset}, protocol {metrics.protocol}, preset {presets}; mAP in percent, "
        f"{spread(metrics)} of the last weights. {AVERAGE}: mean over tIoU "
        f"{', '.join(f'{tiou:g}' for tiou in metrics.tious)}."
    )
    if metrics.protocol != UNIFIED_NAME:
        text += f" Unified: the official evaluator, protocol {UNIFIED_NAME}, at the same thresholds."
    return text + warnings(metrics) + remarks.of(metrics)


def spread(metrics: Metrics) -> str:
    """What a cell of several seeds holds."""
    seeds = len(next(iter(metrics.rows.values())))
    return f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"


def warnings(metrics: Metrics) -> str:
    """Sentences on rows whose seeds differ widely or that hardly learn; empty where there are none."""
    text, seeds = "", len(next(iter(metrics.rows.values())))
    wild = [row for row in metrics.rows if seeds > 1 and metrics.average(row).std(ddof=1) > UNSETTLED]
    if wild:
        text += f" Training does not settle (seeds differ by more than {UNSETTLED:g} points of standard deviation): "
        text += f"{names(metrics, wild)}."
    if metrics.undetected:
        text += f" Protocol {metrics.protocol} makes mAP 0 where a class has no detection: {unseen(metrics)}."
    if failed := [row for row in metrics.rows if plain(metrics, row) <= UNLEARNT]:
        text += f" Hardly anything is learnt (at most {UNLEARNT:g} points), so that being better says little: "
        text += f"{names(metrics, failed)}."
    return text


def unseen(metrics: Metrics) -> str:
    """Runs with classes of which nothing is detected, and what their average mAP is if only the AP of these is 0."""
    return "; ".join(
        f"{names(metrics, [row])}, seed {seed} ({', '.join(one.classes)}; {100 * one.average_mAP:.2f} with AP 0 for it)"
        for row, seeds in metrics.undetected.items()
        for seed, one in seeds.items()
    )


def plain(metrics: Metrics, row: str) -> float:
    """Average mAP of a row in percent over its seeds, without the rule on classes without a detection."""
    average = dict(zip(metrics.rows[row], metrics.average(row), strict=True))
    return float(
        np.mean([*(average | {seed: 100 * one.average_mAP for seed, one in metrics.undetected.get(row, {}).items()}).values()])
    )


def names(metrics: Metrics, rows: Sequence[str]) -> str:
    """Labels of rows, for a sentence."""
    return "; ".join(published.label(metrics.entry, row) for row in rows)
