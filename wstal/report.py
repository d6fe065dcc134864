"""Metrics -> tables and claims. Numbers are rounded here, once, and nowhere recomputed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml
from scipy import stats

from wstal.metrics import Metrics
from wstal.tables import Table


@cache
def published(entry: str) -> dict:
    """What the paper prints for an entry: title, columns, rows {name: {label, values}}, and claims about them."""
    empty = {"title": entry, "columns": [], "rows": {}, "claims": []}
    for path in sorted((Path(__file__).parent / "published").glob("*.yaml")):
        content = yaml.safe_load(path.read_text())
        if entry in content:
            return empty | content[entry]
    return empty


def mean_std(values: np.ndarray) -> str:
    """Mean ± sample standard deviation over the seeds, one decimal; the mean alone for a single seed."""
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}"


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.1f}".replace("-", "−")


def table(metrics: Metrics) -> Table:
    """Rows of an entry beside what the paper prints: published value, ours, difference, for the average mAP.

    Where the paper prints mAP at single tIoU thresholds as well, ours stand there in a second line a row.
    """
    paper = published(metrics.entry)
    wide = len(paper["columns"]) > 1
    header = ["row", "preset", "published AVG", "ours AVG", "difference"]
    header += [f"mAP@{tiou:g}" for tiou in metrics.tious] if wide else []
    rows = []
    for row in metrics.rows:
        printed, ours = paper["rows"].get(row), metrics.average(row)
        values = printed["values"] if printed else None
        cells = [printed["label"] if printed else row, metrics.presets[row], f"{values[-1]:.1f}" if values else "–"]
        cells += [mean_std(ours), signed(ours.mean() - values[-1]) if values else "–"]
        if wide:
            cells += [mean_std(column) for column in metrics.curve(row).T]
        rows.append(tuple(cells))
        if wide and values:
            rows.append(("*(published)*", "", f"{values[-1]:.1f}", "", "", *[f"{v:.1f}" for v in values[:-1]]))
    return Table(paper["title"], caption(metrics), tuple(header), tuple(rows))


def groups(metrics: Metrics) -> Table:
    """mAP of every row for all classes and for each group of classes, at each tIoU."""
    header = ("row", "classes", *[f"mAP@{tiou:g}" for tiou in metrics.tious], "AVG")
    rows = []
    for row, seeds in metrics.rows.items():
        for group in next(iter(seeds.values())):
            columns = [*metrics.curve(row, group).T, metrics.average(row, group)]
            rows.append((row, group, *[mean_std(column) for column in columns]))
    return Table(f"{metrics.entry}: mAP", caption(metrics), header, tuple(rows))


def caption(metrics: Metrics) -> str:
    """Dataset, protocol, presets, seeds: what a reader must know beside the numbers."""
    seeds = len(next(iter(metrics.rows.values())))
    presets = ", ".join(f"`{name}`" for name in sorted(set(metrics.presets.values())))
    return (
        f"{metrics.caption} Dataset {metrics.dataset}, protocol {metrics.protocol}, preset {presets}; mAP in percent, "
        f"mean ± standard deviation over {seeds} seeds of the last weights. AVG: mean over tIoU "
        f"{metrics.tious[0]:g} to {metrics.tious[-1]:g}."
    )


@dataclass(frozen=True)
class Claim:
    """A claim of a paper checked here: average mAP of `better` minus that of `worse`, paired over the seeds."""

    text: str
    differences: np.ndarray  # (S,) percent points

    @property
    def holds(self) -> bool:
        return bool(self.differences.mean() > 0)

    def __str__(self) -> str:
        mean, count = self.differences.mean(), len(self.differences)
        wins = int((self.differences > 0).sum())
        test = ""
        if count > 1 and self.differences.std() > 0:
            test = f"; paired t-test p = {stats.ttest_1samp(self.differences, 0).pvalue:.3f}"
        verdict = "holds" if self.holds and wins == count else "holds on average only" if self.holds else "fails"
        return f"{verdict}: {self.text} ({signed(mean)} points, better for {wins} of {count} seeds{test})"


def claims(metrics: Metrics) -> list[Claim]:
    """What the paper claims of an entry's rows, each checked: the row `better` above the row `worse` on average mAP.

    Claims about rows that were not run (a smoke run has the first rows only) are left out.
    """
    return [
        Claim(claim["text"], metrics.average(claim["better"]) - metrics.average(claim["worse"]))
        for claim in published(metrics.entry)["claims"]
        if {claim["better"], claim["worse"]} <= set(metrics.rows)
    ]


def verdict(claims: Sequence[Claim]) -> Table:
    """All claims of a notebook as a table."""
    rows = tuple((str(claim).split(":")[0], str(claim).split(": ", 1)[1]) for claim in claims)
    held = sum(claim.holds for claim in claims)
    return Table(f"{held} of {len(claims)} claims hold on average here", "Paired over seeds.", ("", "claim"), rows)
