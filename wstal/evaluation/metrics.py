"""Detections x truth -> metrics of an entry: every row, every seed, all classes and the dataset's groups of classes.

Each run is judged twice: by the protocol of the paper whose table it is, and by one protocol for all methods and datasets.
"""

import dataclasses
from collections.abc import Callable, Container, Sequence
from fnmatch import fnmatchcase
from glob import escape
from typing import Any, TypeVar

import msgspec
import numpy as np

from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.types import Detections, Truth
from wstal.border import jsonfile
from wstal.detect import detections
from wstal.evaluation.evaluate import PROTOCOLS, Protocol, Result, evaluate
from wstal.evaluation.judging import ALL, UNIFIED, UNIFIED_NAME, Judging

T = TypeVar("T")
DIGITS = 6  # metrics are stored as fractions with so many digits


class Cell(msgspec.Struct, frozen=True):
    """mAP of one run over one group of classes."""

    mAP: list[float]  # a tIoU each, fractions
    average_mAP: float


class Undetected(msgspec.Struct, frozen=True):
    """What a protocol's rule on classes without a detection makes of one run."""

    classes: list[str]  # those without any
    average_mAP: float  # if only their AP is 0, a fraction


class Metrics(msgspec.Struct, frozen=True, omit_defaults=True):
    """reports/metrics/<entry>.json: what tables and figures are made of."""

    entry: str
    dataset: str
    caption: str
    protocol: str
    tious: list[float]
    presets: dict[str, str]  # row -> preset
    rows: dict[str, dict[str, dict[str, Cell]]]  # row -> seed -> group -> cell; "all" is all classes, "unified" see above
    undetected: dict[str, dict[str, Undetected]] = {}  # row -> seed, where the protocol makes mAP 0 of such a class

    def average(self, row: str, group: str = ALL) -> np.ndarray:
        """Average mAP of each seed in percent: (S,)."""
        return 100 * np.array([cells[group].average_mAP for cells in self.rows[row].values()])

    def curve(self, row: str, group: str = ALL) -> np.ndarray:
        """mAP of each seed and tIoU in percent: (S, K)."""
        return 100 * np.array([cells[group].mAP for cells in self.rows[row].values()])

    def at(self, row: str, tiou: float, group: str = ALL) -> np.ndarray:
        """mAP of each seed at one tIoU in percent: (S,)."""
        return self.curve(row, group)[:, self.tious.index(tiou)]


def evaluate_all(judging: Judging[Any]) -> Metrics:
    """Evaluate the detections of all runs of an entry."""
    section = judging.evaluation
    rows: dict[str, dict[str, dict[str, Cell]]] = {}
    unseen: dict[str, dict[str, Undetected]] = {}
    for run in judging.runs:
        found = detections.read_json(run.predictions())
        rows.setdefault(run.row, {})[str(run.seed)] = judge(judging, judging.truth_of(run), found)
        if one := undetected(judging, judging.truth_of(run), found):
            unseen.setdefault(run.row, {})[str(run.seed)] = one
    presets = {run.row: run.preset for run in judging.runs}
    return Metrics(
        judging.entry, judging.dataset, section.caption, section.protocol, list(section.tious), presets=presets, rows=rows,
        undetected=unseen,
    )  # fmt: skip


def undetected(judging: Judging[Any], truth: Truth, found: Detections) -> Undetected | None:
    """The classes without a detection, where the protocol makes mAP 0 of one; None where it does not."""
    if not judging.protocol.zero_if_undetected:
        return None
    result = evaluate(truth, found, judging.protocol, judging.evaluation.tious)
    if not result.undetected:
        return None
    return Undetected([*result.undetected], round(float(result.plain_mAP.mean()), DIGITS))


def judge(judging: Judging[Any], truth: Truth, found: Detections) -> dict[str, Cell]:
    """Every group's cell of one run's detections: by classes, by videos, and all under the unified protocol.

    Raises:
        UserError: a group names a class or video that the dataset lacks.
    """
    section, protocol = judging.evaluation, judging.protocol
    result = evaluate(truth, found, protocol, section.tious)
    cells = {name: cell(result, members) for name, members in {ALL: truth.labels, **section.class_groups}.items()}
    for name, videos in section.video_groups.items():
        cells[name] = whole(among(truth, found, named(videos, truth)), protocol, section.tious)
    return cells | {UNIFIED: whole((truth, found), PROTOCOLS[UNIFIED_NAME], section.tious)}


def named(names: Sequence[str], truth: Truth) -> set[str]:
    """The test videos that a list of params.yaml names; * in a name stands for anything, as for the numbers of draws.

    No other sign stands for anything but itself.

    Raises:
        UserError: a name fits none.
    """
    patterns = {name: escape(name).replace("[*]", "*") for name in names}
    found = {name: {video for video in truth.videos if fnmatchcase(video, pattern)} for name, pattern in patterns.items()}
    if unknown := [name for name, videos in found.items() if not videos]:
        raise UserError(f"params.yaml: a list of videos names {unknown[0]!r}, which is no test video of the dataset; mend it.")
    return set().union(*found.values())


def whole(pair: tuple[Truth, Detections], protocol: Protocol, tious: Sequence[float]) -> Cell:
    """mAP over all classes that have an instance."""
    result = evaluate(*pair, protocol, tious)
    return Cell([round(float(value), DIGITS) for value in result.mAP], round(result.average_mAP, DIGITS))


def among(truth: Truth, found: Detections, videos: Container[str]) -> tuple[Truth, Detections]:
    """Truth and detections without the rows of other videos."""

    def rows(index: np.ndarray, names: Sequence[str]) -> np.ndarray:
        return np.array([name in videos for name in names], dtype=bool)[index]

    instance, ambiguous = rows(truth.video, truth.videos), rows(truth.ambiguous_video, truth.videos)
    detected = rows(found.video, found.videos)
    times = {name: getattr(truth, name)[instance] for name in ("video", "label", "start_s", "end_s")}
    unsure = {name: getattr(truth, name)[ambiguous] for name in ("ambiguous_video", "ambiguous_start_s", "ambiguous_end_s")}
    columns = {name: getattr(found, name)[detected] for name in ("video", "label", "start_s", "end_s", "score")}
    return dataclasses.replace(truth, **times, **unsure), dataclasses.replace(found, **columns)


def cell(result: Result, members: Sequence[str]) -> Cell:
    """mAP over the classes `members` that have an instance.

    Raises:
        UserError: a class is none of the dataset, or there is none.
    """
    unknown = sorted(set(members) - set(result.classes))
    if unknown or not members:
        what = f"{unknown[0]!r}, which is no class of the dataset" if unknown else "a group without classes"
        raise UserError(f"params.yaml: class_groups has {what}; name classes of the dataset.")
    index = [result.classes.index(name) for name in members]
    mean = np.nanmean(result.ap[:, index], axis=1)
    if set(members) == set(result.classes):
        mean = result.mAP  # protocols may set it to 0 as a whole
    return Cell([round(float(value), DIGITS) for value in mean], round(float(mean.mean()), DIGITS))


def by_row(judging: Judging[Any], judge: Callable[..., T], *settings: Any) -> dict[str, list[T]]:
    """{row: one judgement a seed} of the runs of an entry: judge(truth, detections, the entry's protocol, *settings)."""
    rows: dict[str, list[T]] = {}
    for run in judging.runs:
        found = detections.read_json(run.predictions())
        rows.setdefault(run.row, []).append(judge(judging.truth_of(run), found, judging.protocol, *settings))
    return rows


def write(metrics: Metrics, tree: Tree) -> None:
    """Write reports/metrics/<entry>.json."""
    files.write(tree.output(tree.metrics(metrics.entry)), msgspec.json.format(msgspec.json.encode(metrics), indent=1) + b"\n")


def read(entry: str, tree: Tree) -> Metrics:
    """Read reports/metrics/<entry>.json.

    Raises:
        UserError: the file is missing or damaged.
    """
    return jsonfile.read(tree.metrics(entry), Metrics, "is missing or damaged", "make it with `dvc repro`")
