"""Methods on real videos with ready-made features: what no simulator can show. scripts/real_benchmark.py measures it.

reports/real/metrics.json     mAP of every method and seed
reports/real/about.json       the benchmark, and how it was trained
reports/real/chosen.json      the members of the ensemble, and by what they were chosen
"""

from pathlib import Path

import msgspec

from wstal import published
from wstal.base.record import Count, Record
from wstal.border import jsonfile
from wstal.evaluation.judging import UNIFIED
from wstal.evaluation.metrics import Metrics
from wstal.report import results
from wstal.report.cells import mean_std
from wstal.report.tables import Table

CURE = "restore it, or make it with scripts/real_benchmark.py"
UNION = "union"  # the row of the ensemble


class About(Record):
    """What a reader must know beside the numbers."""

    training_videos: Count
    validation_videos: Count
    classes: Count
    mode: str  # of training
    steps: int  # most of a network; 0: as the rule says
    device: str


class Chosen(msgspec.Struct):
    """The members of the ensemble."""

    chosen: list[str]


def table(folder: Path) -> Table:
    """Average mAP of every method, the best first: over all validation videos, and over each group of classes or videos alone.

    Raises:
        UserError: a file of the folder is missing or damaged.
    """
    metrics = jsonfile.read(folder / "metrics.json", Metrics, "is missing or damaged", CURE)
    about = jsonfile.read(folder / "about.json", About, "is missing or damaged", CURE)
    members = jsonfile.read(folder / "chosen.json", Chosen, "is missing or damaged", CURE).chosen
    groups = [group for group in next(iter(next(iter(metrics.rows.values())).values())) if group != UNIFIED]
    ranked = sorted(metrics.rows, key=lambda row: -metrics.average(row).mean())
    rows = [(name(row), *(mean_std(metrics.average(row, group)) for group in groups)) for row in ranked]
    sizes = f"{about.training_videos} for training, {about.validation_videos} for validation, {about.classes} classes"
    return Table(f"Real videos: {sizes}", caption(metrics, about, members), ("method", *groups), tuple(rows))


def name(row: str) -> str:
    """A row in words."""
    return "union of three" if row == UNION else published.label("leaderboard", row)


def caption(metrics: Metrics, about: About, members: list[str]) -> str:
    """How it was trained and judged."""
    bound = f"at most {about.steps} steps, " if about.steps else ""
    return (
        f"Average mAP over tIoU {metrics.tious[0]:g} to {metrics.tious[-1]:g}, protocol {metrics.protocol}, in percent: "
        f"{results.spread(metrics)} of the last weights; {bound}mode {about.mode}, {about.device}. "
        f"{metrics.caption} Each column but the first is the mAP of these classes or validation videos alone. The union joins "
        f"detections of {'; '.join(map(name, members))}, chosen by video-level labels of held-out training videos."
    )
