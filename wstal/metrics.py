"""Detections x truth -> metrics of an entry: every row, every seed, all classes and the dataset's groups of classes."""

import dataclasses
from collections.abc import Sequence

import msgspec
import numpy as np

from wstal import detections, truth
from wstal.config import Evaluation
from wstal.errors import UserError
from wstal.evaluate import PROTOCOLS, Protocol, Result, evaluate
from wstal.experiment import Run
from wstal.paths import Tree
from wstal.tables import Table
from wstal.types import Truth

DIGITS = 6  # metrics are stored as fractions with so many digits


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
    rows: dict[str, dict[str, dict[str, Cell]]]  # row -> seed -> group -> cell; group "all" is all classes

    def average(self, row: str, group: str = "all") -> np.ndarray:
        """Average mAP of each seed in percent: (S,)."""
        return 100 * np.array([cells[group].average_mAP for cells in self.rows[row].values()])

    def curve(self, row: str, group: str = "all") -> np.ndarray:
        """mAP of each seed and tIoU in percent: (S, K)."""
        return 100 * np.array([cells[group].mAP for cells in self.rows[row].values()])


def protocol(run: Run) -> Protocol:
    """The evaluation protocol of the run's dataset."""
    return checked_protocol(run.params.dataset(run.dataset).evaluation, run.dataset)


def checked_protocol(section: Evaluation, dataset: str) -> Protocol:
    """The protocol that an `evaluation` section names, with its changes."""
    where = f"params.yaml, datasets.{dataset}.evaluation"
    if section.protocol not in PROTOCOLS:
        raise UserError(f"{where}: there is no protocol {section.protocol!r}; there are {', '.join(PROTOCOLS)}.")
    named = PROTOCOLS[section.protocol]
    switches = [field.name for field in dataclasses.fields(named) if isinstance(getattr(named, field.name), bool)]
    if unknown := sorted(set(section.protocol_set) - set(switches)):
        raise UserError(f"{where}: protocol_set has {unknown[0]!r}; it may set {', '.join(switches)}.")
    if "all" in section.class_groups:
        raise UserError(f'{where}: the group "all" always holds all classes; give class_groups another name.')
    return dataclasses.replace(named, **section.protocol_set)


def ground_truth(run: Run) -> Truth:
    """Times of the run's test videos."""
    path = run.tree.annotations(run.dataset) / "segments.json"
    return truth.read(path, subset="test", preferred=(), ambiguous_label=None)


def evaluate_all(runs: Sequence[Run]) -> Metrics:
    """Evaluate the detections of all runs of one entry."""
    first = runs[0]
    section, table = first.params.dataset(first.dataset).evaluation, ground_truth(first)
    rows: dict = {}
    for run in runs:
        found = detections.read_json(run.folder / "predictions.json")
        result = evaluate(table, found, protocol(run), section.tious)
        groups = {"all": table.labels, **section.class_groups}
        cells = {name: cell(result, members) for name, members in groups.items()}
        rows.setdefault(run.row, {})[str(run.seed)] = cells
    entry, methods = first.section, first.params.methods
    presets = {row: how.preset or methods[entry.method].preset for row, how in entry.rows.items()}
    return Metrics(
        first.entry, first.dataset, section.caption, section.protocol, list(section.tious), presets=presets, rows=rows
    )


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


def per_class(run: Run, tiou: float) -> Table:
    """Average precision of each class of one run at one tIoU, best first."""
    found = detections.read_json(run.folder / "predictions.json")
    result = evaluate(ground_truth(run), found, protocol(run), [tiou])
    ranked = sorted(zip(-100 * result.ap[0], result.classes, strict=True))
    rows = tuple((name, f"{-value:.1f}") for value, name in ranked if not np.isnan(value))
    return Table(f"{run.row}, seed {run.seed}: AP at tIoU {tiou:g}", "Percent.", ("class", "AP"), rows)


def write(metrics: Metrics, tree: Tree) -> None:
    """Write reports/metrics/<entry>.json."""
    path = tree.output(tree.metrics(metrics.entry))
    path.write_bytes(msgspec.json.format(msgspec.json.encode(metrics), indent=1) + b"\n")


def read(entry: str, tree: Tree) -> Metrics:
    """Read reports/metrics/<entry>.json."""
    path = tree.metrics(entry)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Metrics)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise UserError(f"{path} is missing or damaged ({error}); make it with `dvc repro`.") from None
