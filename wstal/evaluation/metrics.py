"""Detections x truth -> metrics of an entry: every row, every seed, all classes and the dataset's groups of classes.

Each run is judged twice: by the protocol of the paper whose table it is, and by one protocol for all methods and datasets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from wstal.base.errors import UserError, system_errors
from wstal.base.paths import Tree
from wstal.base.types import Detections, Truth
from wstal.config.parameters import Evaluation
from wstal.detect import detections
from wstal.evaluation import truth
from wstal.evaluation.evaluate import PROTOCOLS, Protocol, Result, evaluate
from wstal.training.experiment import Run

if TYPE_CHECKING:
    from wstal.training.ensemble_runs import EnsembleRun

DIGITS = 6  # metrics are stored as fractions with so many digits
ALL = "all"  # the group of all classes
UNIFIED = "unified"  # all classes under the unified protocol
UNIFIED_NAME = "activitynet"  # the official evaluator: times in seconds, no quirks


class Cell(msgspec.Struct, frozen=True):
    """mAP of one run over one group of classes."""

    mAP: list[float]  # a tIoU each, fractions
    average_mAP: float


class Metrics(msgspec.Struct, frozen=True):
    """reports/metrics/<entry>.json: what tables and figures are made of."""

    entry: str
    dataset: str
    caption: str
    protocol: str
    tious: list[float]
    presets: dict[str, str]  # row -> preset
    rows: dict[str, dict[str, dict[str, Cell]]]  # row -> seed -> group -> cell; "all" is all classes, "unified" see above

    def average(self, row: str, group: str = ALL) -> np.ndarray:
        """Average mAP of each seed in percent: (S,)."""
        return 100 * np.array([cells[group].average_mAP for cells in self.rows[row].values()])

    def curve(self, row: str, group: str = ALL) -> np.ndarray:
        """mAP of each seed and tIoU in percent: (S, K)."""
        return 100 * np.array([cells[group].mAP for cells in self.rows[row].values()])

    def at(self, row: str, tiou: float) -> np.ndarray:
        """mAP of each seed at one tIoU in percent: (S,)."""
        return self.curve(row)[:, self.tious.index(tiou)]


def checked_protocol(section: Evaluation, dataset: str) -> Protocol:
    """The protocol that an `evaluation` section names, with its changes."""
    where = f"params.yaml, datasets.{dataset}.evaluation"
    if section.protocol not in PROTOCOLS:
        raise UserError(f"{where}: there is no protocol {section.protocol!r}; there are {', '.join(PROTOCOLS)}.")
    named = PROTOCOLS[section.protocol]
    switches = [field.name for field in dataclasses.fields(named) if isinstance(getattr(named, field.name), bool)]
    if unknown := sorted(set(section.protocol_set) - set(switches)):
        raise UserError(f"{where}: protocol_set has {unknown[0]!r}; it may set {', '.join(switches)}.")
    names = [ALL, UNIFIED, *section.class_groups, *section.video_groups]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{where}: the group {twice[0]!r} exists already; give the class_group or video_group another name.")
    return dataclasses.replace(named, **section.protocol_set)


def ground_truth(run: Run | EnsembleRun) -> Truth:
    """Times of the run's test videos."""
    path = run.tree.annotations(run.dataset) / "segments.json"
    return truth.read(path, subset="test", preferred=(), ambiguous_label=None)


def evaluate_all(runs: Sequence[Run | EnsembleRun]) -> Metrics:
    """Evaluate the detections of all runs of one entry."""
    first = runs[0]
    section, table = first.params.evaluation(first.section), ground_truth(first)
    own = checked_protocol(section, first.dataset)
    rows: dict = {}
    for run in runs:
        found = detections.read_json(run.predictions())
        rows.setdefault(run.row, {})[str(run.seed)] = judge(table, found, own, section)
    presets = {run.row: run.preset for run in runs}
    return Metrics(
        first.entry, first.dataset, section.caption, section.protocol, list(section.tious), presets=presets, rows=rows
    )


def judge(table: Truth, found: Detections, own: Protocol, section: Evaluation) -> dict[str, Cell]:
    """Every group's cell of one run: by classes, by videos, and all under the unified protocol."""
    result = evaluate(table, found, own, section.tious)
    cells = {name: cell(result, members) for name, members in {ALL: table.labels, **section.class_groups}.items()}
    for name, videos in section.video_groups.items():
        if unknown := sorted(set(videos) - set(table.videos)):
            raise UserError(f"params.yaml: video_groups names {unknown[0]!r}, which is no test video of the dataset.")
        cells[name] = whole(among(table, found, set(videos)), own, section.tious)
    return cells | {UNIFIED: whole((table, found), PROTOCOLS[UNIFIED_NAME], section.tious)}


def whole(pair: tuple[Truth, Detections], protocol: Protocol, tious: Sequence[float]) -> Cell:
    """mAP over all classes that have an instance."""
    result = evaluate(*pair, protocol, tious)
    return Cell([round(float(value), DIGITS) for value in result.mAP], round(result.average_mAP, DIGITS))


def among(table: Truth, found: Detections, videos: Container[str]) -> tuple[Truth, Detections]:
    """Truth and detections without the rows of other videos."""

    def rows(index: np.ndarray, names: Sequence[str]) -> np.ndarray:
        return np.array([name in videos for name in names], dtype=bool)[index]

    instance, ambiguous = rows(table.video, table.videos), rows(table.ambiguous_video, table.videos)
    detected = rows(found.video, found.videos)
    times = {name: getattr(table, name)[instance] for name in ("video", "label", "start_s", "end_s")}
    unsure = {name: getattr(table, name)[ambiguous] for name in ("ambiguous_video", "ambiguous_start_s", "ambiguous_end_s")}
    columns = {name: getattr(found, name)[detected] for name in ("video", "label", "start_s", "end_s", "score")}
    return dataclasses.replace(table, **times, **unsure), dataclasses.replace(found, **columns)


def cell(result: Result, members: Sequence[str]) -> Cell:
    """mAP over the classes `members` that have an instance."""
    unknown = sorted(set(members) - set(result.classes))
    if unknown or not members:
        what = f"{unknown[0]!r}, which is no class of the dataset" if unknown else "a group without classes"
        raise UserError(f"params.yaml: class_groups has {what}; name classes of the dataset.")
    index = [result.classes.index(name) for name in members]
    mean = np.nanmean(result.ap[:, index], axis=1)
    if set(members) == set(result.classes):
        mean = result.mAP  # protocols may set it to 0 as a whole
    return Cell([round(float(value), DIGITS) for value in mean], round(float(mean.mean()), DIGITS))


def by_row(runs: Sequence[Run | EnsembleRun], judge: Callable, *settings) -> dict[str, list]:
    """{row: one judgement a seed} of the runs of one entry: judge(truth, detections, the entry's protocol, *settings)."""
    first = runs[0]
    table, own = ground_truth(first), checked_protocol(first.params.evaluation(first.section), first.dataset)
    rows: dict[str, list] = {}
    for run in runs:
        rows.setdefault(run.row, []).append(judge(table, detections.read_json(run.predictions()), own, *settings))
    return rows


def write(metrics: Metrics, tree: Tree) -> None:
    """Write reports/metrics/<entry>.json."""
    path = tree.output(tree.metrics(metrics.entry))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(metrics), indent=1) + b"\n")


def read(entry: str, tree: Tree) -> Metrics:
    """Read reports/metrics/<entry>.json."""
    path = tree.metrics(entry)
    try:
        with system_errors(path):
            return msgspec.json.decode(path.read_bytes(), type=Metrics)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise UserError(f"{path} is missing or damaged ({error}); make it with `dvc repro`.") from None
