"""The runs of an entry and all that they are judged by, read once."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.types import Truth, of_draw
from wstal.config.parameters import EvaluationSection
from wstal.config.plan import JudgingPlan
from wstal.evaluation import evaluate, truth
from wstal.evaluation.evaluate import PROTOCOLS

ALL = "all"  # the group of all classes
UNIFIED = "unified"  # all classes under the unified protocol
UNIFIED_NAME = "activitynet"  # the official evaluator: times in seconds, no quirks


class JudgedRun(Protocol):
    """What evaluation knows of a run, trained or an ensemble."""

    @property
    def row(self) -> str:
        """Its row in the entry."""

    @property
    def seed(self) -> int:
        """Its seed."""

    @property
    def draw(self) -> int:
        """The draw of the dataset that it sees."""

    @property
    def preset(self) -> str:
        """What its table says of its settings."""

    def predictions(self) -> Path:
        """File of its detections."""


R = TypeVar("R", bound=JudgedRun)


@dataclass(frozen=True)
class Judging(Generic[R]):
    """Runs of one entry, ground truth, protocol and thresholds."""

    entry: str
    dataset: str
    evaluation: EvaluationSection
    protocol: evaluate.Protocol
    truths: Mapping[int, Truth]  # draw -> truth of its test videos
    runs: Sequence[R]
    tree: Tree

    def truth_of(self, run: R) -> Truth:
        """The truth of the test videos that a run saw."""
        return self.truths[run.draw]


def judging(plan: JudgingPlan, runs: Sequence[R], tree: Tree) -> Judging[R]:
    """The runs of an entry under its plan.

    Raises:
        UserError: the protocol or a group does not fit, or segments.json is missing.
    """
    path = tree.annotations(plan.dataset) / "segments.json"
    times = {
        draw: truth.read(path, subset=of_draw("test", draw), preferred=(), ambiguous_label=None)
        for draw in dict.fromkeys(run.draw for run in runs)
    }
    protocol = checked_protocol(plan.evaluation, plan.dataset)
    return Judging(plan.entry, plan.dataset, plan.evaluation, protocol, times, runs, tree)


def checked_protocol(section: EvaluationSection, dataset: str) -> evaluate.Protocol:
    """The protocol that an `evaluation` section names, with its changes.

    Raises:
        UserError: there is no such protocol or switch, or two groups have one name.
    """
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
    changes: dict[str, Any] = {**section.protocol_set}
    return dataclasses.replace(named, **changes)
