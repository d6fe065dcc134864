"""Metrics -> the rows of an entry as a table, beside what the paper prints or by groups of classes."""

from collections.abc import Sequence

import numpy as np

from wstal import published
from wstal.evaluation.metrics import UNIFIED, UNIFIED_NAME, Metrics
from wstal.published import AVERAGE
from wstal.report.cells import DASH, mean_std, number, signed
from wstal.report.tables import Table

THEIRS = "published"  # the name of a second line
UNSETTLED = 10.0  # points of standard deviation over seeds from which a caption warns
UNLEARNT = 5.0  # points of average mAP up to which it warns, too


def heading(entry: str) -> str:
    """Title and claim of the entry, as Markdown: the first thing that a reader of its notebook sees."""
    paper = published.entry(entry)
    return f"## {paper.title}\n\nThe paper: {paper.claim}" if paper.claim else f"## {paper.title}"


def title(metrics: Metrics) -> str:
    """What an entry's values of ours are headed by."""
    return published.entry(metrics.entry).title


def of_entry(metrics: Metrics) -> Table:
    """The table of an entry: beside the published values where there are any, otherwise by groups of classes."""
    return table(metrics) if published.entry(metrics.entry).columns else groups(metrics)


def table(metrics: Metrics) -> Table:
    """Rows of an entry beside what the paper prints: published value, ours, difference, for the average mAP.

    Where the paper prints mAP at single tIoU thresholds as well, ours and theirs stand there, theirs in a second line. Rows
    that nobody trains here stand as published. Columns without a value, where the paper prints no average, are left out.
    """
    paper, tious = published.entry(metrics.entry), columns_at(metrics)
    header = ["row", "preset", "published AVG", "ours AVG", "difference"]
    header += ["unified AVG"] * (metrics.protocol != UNIFIED_NAME) + list(tious.values())
    lines = []
    for row in (row for row in published.elsewhere(metrics.entry) if row not in metrics.rows):
        name = {"row": published.label(metrics.entry, row), "preset": "published only"}
        lines.append(dict.fromkeys(header, DASH) | printed(metrics, row) | name)
    for row in metrics.rows:
        lines.append(dict.fromkeys(header, DASH) | ours(metrics, row))
        if set(published.values(metrics.entry, row)) & set(tious):
            lines.append(dict.fromkeys(header, "") | printed(metrics, row) | {"row": THEIRS})
    kept = [name for name in header if any(line[name] not in ("", DASH) for line in lines)]
    return Table(paper.title, caption(metrics), tuple(kept), tuple(tuple(line[name] for name in kept) for line in lines))


def columns_at(metrics: Metrics) -> dict[str, str]:
    """{a tIoU as papers print it: the name of its column}; {} where the paper prints nothing but averages."""
    if not set(published.entry(metrics.entry).columns) - {AVERAGE}:
        return {}
    return {f"{tiou:g}": f"mAP@{tiou:g}" for tiou in metrics.tious}


def printed(metrics: Metrics, row: str) -> dict[str, str]:
    """{column: cell} of what the paper prints of a row."""
    values = published.values(metrics.entry, row)
    at = {name: number(values.get(tiou)) for tiou, name in columns_at(metrics).items()}
    return {"published AVG": number(values.get(AVERAGE)), **at}


def ours(metrics: Metrics, row: str) -> dict[str, str]:
    """{column: cell} of a row that was trained."""
    average, theirs = metrics.average(row), published.values(metrics.entry, row).get(AVERAGE)
    cells = {
        "row": published.label(metrics.entry, row),
        "preset": metrics.presets[row],
        "published AVG": number(theirs),
        "ours AVG": mean_std(average),
        "difference": DASH if theirs is None else signed(average.mean() - theirs),
    }
    if metrics.protocol != UNIFIED_NAME:
        cells["unified AVG"] = mean_std(metrics.average(row, UNIFIED))
    names = columns_at(metrics).values()
    return cells | {name: mean_std(at) for name, at in zip(names, metrics.curve(row).T, strict=False)}


def groups(metrics: Metrics) -> Table:
    """mAP of every row for all classes and for each group of classes, at each tIoU."""
    header = ("row", "judged on", *[f"mAP@{tiou:g}" for tiou in metrics.tious], AVERAGE)
    rows = []
    for row, seeds in metrics.rows.items():
        for group in next(iter(seeds.values())):
            if group == UNIFIED and metrics.protocol == UNIFIED_NAME:
                continue  # as "all"
            columns = [*metrics.curve(row, group).T, metrics.average(row, group)]
            judged = f"all, protocol {UNIFIED_NAME}" if group == UNIFIED else group
            rows.append((published.label(metrics.entry, row), judged, *[mean_std(column) for column in columns]))
    return Table(published.entry(metrics.entry).title, caption(metrics), header, tuple(rows))


def caption(metrics: Metrics) -> str:
    """Dataset, protocol, presets, seeds: what a reader must know beside the numbers."""
    seeds = len(next(iter(metrics.rows.values())))
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    presets = " and ".join(sorted(set(metrics.presets.values())))
    text = (
        f"{metrics.caption} Dataset {metrics.dataset}, protocol {metrics.protocol}, preset {presets}; mAP in percent, "
        f"{spread} of the last weights. {AVERAGE}: mean over tIoU "
        f"{', '.join(f'{tiou:g}' for tiou in metrics.tious)}."
    )
    if metrics.protocol != UNIFIED_NAME:
        text += f" Unified: protocol {UNIFIED_NAME} at the same thresholds."
    return text + warnings(metrics)


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
