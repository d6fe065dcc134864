"""The plan: what params.yaml comes to, a file for each thing that a stage may depend on.

    reports/plan/datasets/<dataset>.yaml    `DatasetPlan`: how its annotations and features are made
    reports/plan/rows/<entry>.yaml          `RowsPlan` or `EnsemblePlan`: what is trained or joined, every value
    reports/plan/judging/<entry>.yaml       `JudgingPlan`: by what its detections are judged, and what the paper prints

A stage of dvc.yaml depends on its files of the plan and not on params.yaml, so that a change reruns what it changes. `code` are
hashes of source files that parameters name and dvc.yaml therefore does not: methods, plug-ins, readers, backbones.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from wstal.base import code
from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.extraction import Extraction
from wstal.base.record import Name, Record
from wstal.border import yamlfile
from wstal.config import resolve
from wstal.config.parameters import EvaluationSection, Features, Parameters, Seed
from wstal.config.settings import Settings, settings
from wstal.detect.ensemble import Combination

CURE = "make it with `dvc repro plan`"


class DatasetPlan(Record):
    """A dataset that the pipeline prepares."""

    name: Name
    features: Features
    code: dict[str, str] = {}


class RowsPlan(Record):
    """Rows of an entry that are trained."""

    entry: Name
    dataset: Name
    backbone: str  # what made the dataset's features
    extraction: Extraction | None  # how its videos went through the backbone; none where features were published or simulated
    seeds: tuple[Seed, ...]
    rows: dict[Name, Settings]
    redrawn: bool = False  # whether each seed has a draw of the dataset to itself
    code: dict[str, str] = {}

    def draw(self, seed: int) -> int:
        """The draw that runs of a seed see, the same for all rows."""
        return seed if self.redrawn else 0


class EnsemblePlan(Record):
    """Rows of an ensemble entry."""

    entry: Name
    of: Name  # the entry whose rows are joined
    dataset: Name
    seeds: tuple[Seed, ...]
    localize: Name  # the row of `of` whose post-processing mean scores get
    rows: dict[Name, Combination]


class JudgingPlan(Record):
    """How an entry is judged."""

    entry: Name
    dataset: Name
    evaluation: EvaluationSection
    printed: dict[str, Any] = {}  # what wstal/published knows of the entry


def of_dataset(params: Parameters, name: str) -> DatasetPlan:
    """The plan of a dataset."""
    features = resolve.features(params, name)
    named = [f"datasets/readers/{features.reader}.py"]
    if features.extraction:
        named += ["features/extraction/recipes.py", *(f"features/backbones/{a}.py" for a in architectures(features))]
    return DatasetPlan(name=name, features=features, code=sources(named))


def architectures(features: Features) -> set[str]:
    """Of the backbones of a dataset of videos: "i3d" of i3d_{stream}."""
    return {features.backbone.replace("{stream}", stream).split("_")[0] for stream in features.streams}


def of_rows(params: Parameters, name: str) -> RowsPlan:
    """The plan of an entry's rows."""
    rows = resolve.rows(params, name)
    named = {f"methods/{row.method}.py" for row in rows.values()}
    named |= {f"plugins/{plugin}.py" for row in rows.values() for plugin in row.plugins}
    dataset = params.entry(name).dataset
    section = params.dataset(dataset)
    return RowsPlan(
        entry=name, dataset=dataset, backbone=section.features.backbone, extraction=section.features.extraction,
        seeds=params.seeds, rows=rows, redrawn=section.redrawn, code=sources(named),
    )  # fmt: skip


def of_ensemble(params: Parameters, name: str) -> EnsemblePlan:
    """The plan of an ensemble entry."""
    entry, rows = params.ensemble(name), resolve.combinations(params, name)
    return EnsemblePlan(entry=name, of=entry.of, dataset=entry.dataset, seeds=params.seeds, localize=entry.localize, rows=rows)


def of_judging(params: Parameters, name: str) -> JudgingPlan:
    """How an entry is judged."""
    return JudgingPlan(entry=name, dataset=params.reported[name].dataset, evaluation=resolve.evaluation(params, name))


def sources(named: Iterable[str]) -> dict[str, str]:
    """{source file: its hash} of files below wstal/, without what dvc.yaml lists: folders that every stage has."""
    listed = ("base", "nn", "methods/base.py", "methods/__init__.py", "plugins/base.py", "plugins/__init__.py")
    return {path.relative_to(code.PACKAGE).as_posix(): code.digest([path])[:16] for path in code.closure(sorted(named), listed)}


def files(params: Parameters) -> dict[str, Record]:
    """{file below reports/plan: its content}."""
    found: dict[str, Record] = {f"datasets/{name}.yaml": of_dataset(params, name) for name in params.run.datasets}
    found |= {f"rows/{name}.yaml": of_rows(params, name) for name in params.entries}
    found |= {f"rows/{name}.yaml": of_ensemble(params, name) for name in params.ensembles}
    return found | {f"judging/{name}.yaml": of_judging(params, name) for name in params.reported}


def read(path: Path, kind: type[Record]) -> Any:
    """A file of the plan as a record of `kind`.

    Raises:
        UserError: it is missing, or of another version.
    """
    raw = yamlfile.read(path, CURE)
    if kind is RowsPlan:
        return rows_plan(raw, path)
    return convert(raw, kind, str(path))


def rows_plan(raw: Mapping[str, Any], path: Path) -> RowsPlan:
    """`RowsPlan` from a file: rows are typed by their methods.

    Raises:
        UserError: it holds no rows, or one does not fit its method.
    """
    try:
        drafts = {name: dict(values) for name, values in raw["rows"].items()}
    except (KeyError, AttributeError, TypeError, ValueError):
        raise UserError(f"{path} holds no rows; {CURE}.") from None
    rest = {key: value for key, value in raw.items() if key != "rows"}
    empty = convert({**rest, "rows": {}}, RowsPlan, str(path))
    rows = {name: settings(values, f"{path}, rows.{name}") for name, values in drafts.items()}
    return msgspec.structs.replace(empty, rows=rows)
