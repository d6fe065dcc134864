"""Metrics -> tables and claims. Numbers are rounded here, once, and nowhere recomputed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from wstal import published
from wstal.evaluation.metrics import UNIFIED, UNIFIED_NAME, Metrics
from wstal.report.tables import Table, mean_std

LEVEL = 0.05  # significance that decides a claim
THEIRS = "published"  # the name of a second line
AVERAGE = "AVG"  # the column of a paper's average mAP
UNSETTLED = 10.0  # points of standard deviation over seeds from which a caption warns
UNLEARNT = 5.0  # points of average mAP up to which it warns, too


def signed(value: float) -> str:
    """A difference with its sign."""
    return f"{value:+.1f}".replace("-", "−")


def table(metrics: Metrics) -> Table:
    """Rows of an entry beside what the paper prints: published value, ours, difference, for the average mAP.

    Where the paper prints mAP at single tIoU thresholds as well, ours and theirs stand there, theirs in a second line. Rows
    that nobody trains here stand as published. Columns without a value, where the paper prints no average, are left out.
    """
    paper = published.entry(metrics.entry)
    tious = [f"{tiou:g}" for tiou in metrics.tious] if set(paper["columns"]) - {AVERAGE} else []
    unified = metrics.protocol != UNIFIED_NAME
    header = ["row", "preset", "published AVG", "ours AVG", "difference", *(["unified AVG"] if unified else [])]
    rows = []
    for row in [*(row for row in published.elsewhere(metrics.entry) if row not in metrics.rows), *metrics.rows]:
        printed = published.values(metrics.entry, row)
        average = f"{printed[AVERAGE]:.1f}" if AVERAGE in printed else "–"
        theirs = [f"{printed[tiou]:.1f}" if tiou in printed else "–" for tiou in tious]
        name = published.label(metrics.entry, row)
        if row not in metrics.rows:
            rows.append((name, "published only", average, *["–"] * (len(header) - 3), *theirs))
            continue
        ours = metrics.average(row)
        cells = [average, mean_std(ours), signed(ours.mean() - printed[AVERAGE]) if AVERAGE in printed else "–"]
        cells += [mean_std(metrics.average(row, UNIFIED))] if unified else []
        rows.append((name, metrics.presets[row], *cells, *(mean_std(metrics.curve(row)[:, k]) for k in range(len(tious)))))
        if set(printed) & set(tious):
            rows.append((THEIRS, "", average, *[""] * (len(header) - 3), *theirs))
    header += [f"mAP@{tiou}" for tiou in tious]
    kept = [k for k in range(len(header)) if any(row[k] not in ("", "–") for row in rows)]
    header, *rows = (tuple(row[k] for k in kept) for row in (header, *rows))
    return Table(paper["title"], caption(metrics), header, tuple(rows))


def claim(entry: str) -> str:
    """What the paper says of the entry, as Markdown: the first thing that a reader of its notebook sees."""
    known = published.entry(entry)
    return f"## {known['title']}\n\nThe paper: {known['claim']}" if known["claim"] else f"## {known['title']}"


def groups(metrics: Metrics) -> Table:
    """mAP of every row for all classes and for each group of classes, at each tIoU."""
    header = ("row", "judged on", *[f"mAP@{tiou:g}" for tiou in metrics.tious], "AVG")
    rows = []
    for row, seeds in metrics.rows.items():
        for group in next(iter(seeds.values())):
            if group == UNIFIED and metrics.protocol == UNIFIED_NAME:
                continue  # as "all"
            columns = [*metrics.curve(row, group).T, metrics.average(row, group)]
            judged = f"all, protocol {UNIFIED_NAME}" if group == UNIFIED else group
            rows.append((published.label(metrics.entry, row), judged, *[mean_std(column) for column in columns]))
    return Table(published.entry(metrics.entry)["title"], caption(metrics), header, tuple(rows))


def caption(metrics: Metrics) -> str:
    """Dataset, protocol, presets, seeds: what a reader must know beside the numbers."""
    seeds = len(next(iter(metrics.rows.values())))
    spread = f"mean ± standard deviation over {seeds} seeds" if seeds > 1 else "one seed"
    presets = " and ".join(sorted(set(metrics.presets.values())))
    text = (
        f"{metrics.caption} Dataset {metrics.dataset}, protocol {metrics.protocol}, preset {presets}; mAP in percent, "
        f"{spread} of the last weights. AVG: mean over tIoU "
        f"{', '.join(f'{tiou:g}' for tiou in metrics.tious)}."
    )
    if metrics.protocol != UNIFIED_NAME:
        text += f" Unified: protocol {UNIFIED_NAME} at the same thresholds."
    wild = [row for row in metrics.rows if seeds > 1 and metrics.average(row).std(ddof=1) > UNSETTLED]
    if wild:
        text += f" Training does not settle (seeds differ by more than {UNSETTLED:g} points of standard deviation): "
        text += f"{names(metrics, wild)}."
    if failed := [row for row in metrics.rows if metrics.average(row).mean() <= UNLEARNT]:
        text += f" Hardly anything is learnt (at most {UNLEARNT:g} points), so that being better says little: "
        text += f"{names(metrics, failed)}."
    return text


def names(metrics: Metrics, rows: Sequence[str]) -> str:
    """Labels of rows, for a sentence."""
    return "; ".join(published.label(metrics.entry, row) for row in rows)


@dataclass(frozen=True)
class Claim:
    """A claim of a paper checked here: a score of what should be better minus that of the other, paired over the seeds."""

    text: str
    measure: str  # what is compared
    differences: np.ndarray  # (S,) points

    @property
    def p(self) -> float:
        """Two-sided p-value of a paired t-test; 1 where there is nothing to test."""
        if len(self.differences) < 2 or self.differences.std() == 0:
            return 1.0
        return float(stats.ttest_1samp(self.differences, 0).pvalue)

    @property
    def verdict(self) -> str:
        """ "holds" or "fails" where the seeds agree so far that p < 0.05, otherwise which way the mean points."""
        up = self.differences.mean() > 0
        if self.p < LEVEL:
            return "holds" if up else "fails"
        return "undecided, for" if up else "undecided, against"

    def cells(self) -> tuple[str, ...]:
        """The row of `verdicts`."""
        wins = f"{int((self.differences > 0).sum())} of {len(self.differences)}"
        p = f"{self.p:.3f}" if self.p >= 0.0005 else "<0.001"
        return self.text, self.measure, self.verdict, signed(self.differences.mean()), wins, p


def claims(metrics: Metrics) -> list[Claim]:
    """What the paper claims of an entry's rows, each checked: the row `better` above the row `worse`.

    The measure is the average mAP, or the mAP at the one tIoU that the claim is `at`. Claims about rows that were not run (a
    smoke run has the first rows only) or tIoUs that were not asked for are left out.
    """
    found = []
    for claim in published.entry(metrics.entry)["claims"]:
        tiou, rows = claim.get("at"), (claim["better"], claim["worse"])
        if set(rows) <= set(metrics.rows) and tiou in (None, *metrics.tious):
            better, worse = (metrics.average(row) if tiou is None else metrics.at(row, tiou) for row in rows)
            found.append(Claim(claim["text"], AVERAGE if tiou is None else f"mAP@{tiou:g}", better - worse))
    return found


def count(checked: Sequence[Claim]) -> str:
    """How many claims hold, fail and stay undecided."""
    counts = Counter(claim.verdict.split(",")[0] for claim in checked)
    noun = "claim" if len(checked) == 1 else "claims"
    return f"{len(checked)} {noun}: {counts['holds']} hold here, {counts['fails']} fail, {counts['undecided']} undecided"


def verdicts(checked: Sequence[Claim]) -> Table:
    """All claims of a notebook as a table, counted in its title."""
    caption = (
        f"Differences in points, paired over seeds; decided where a t-test gives p < {LEVEL:g}, each claim by itself: of "
        "twenty claims without substance one would be decided."
    )
    header = ("claim", "measure", "here", "difference", "seeds for it", "p")
    return Table(count(checked), caption, header, tuple(claim.cells() for claim in checked))
