"""Ensembles of trained runs: the rows of an ensemble entry, one for each seed. Never sees a segment time.

The members of an ensemble are rows of another entry, all of the same seed. It leaves its detections in
runs/<entry>/<row>/<seed>/predictions.json, as a trained run does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from wstal.base import progress
from wstal.base.paths import Tree
from wstal.base.types import Detections, VideoScores
from wstal.config.plan import EnsemblePlan
from wstal.detect import detections, ensemble
from wstal.detect.ensemble import Combination, DetectionUnion, ScoreMean
from wstal.training import card as cards
from wstal.training import experiment
from wstal.training.experiment import Run

VideosScores = dict[str, VideoScores]  # by video


@dataclass(frozen=True)
class EnsembleRun:
    """One row and seed of an ensemble entry; evaluation takes it for a run."""

    row: str
    seed: int
    combination: Combination
    members: dict[str, Run]  # those with a weight
    localizer: Run  # whose post-processing mean scores get
    folder: Path
    tree: Tree

    @property
    def preset(self) -> str:
        """What stands in the table where a trained row has its preset."""
        return "mean of scores" if isinstance(self.combination, ScoreMean) else "union of detections"

    @property
    def draw(self) -> int:
        """The draw of the dataset that its members see."""
        return self.localizer.draw

    def predictions(self) -> Path:
        """File of detections."""
        return self.folder / "predictions.json"


def runs(plan: EnsemblePlan, members: Sequence[Run], tree: Tree) -> list[EnsembleRun]:
    """All rows and seeds of an ensemble entry, in order; `members` are the runs of the entry that it joins."""
    known = {(run.row, run.seed): run for run in members}
    return [ensemble_run(plan, row, seed, known, tree) for row in plan.rows for seed in plan.seeds]


def ensemble_run(plan: EnsemblePlan, row: str, seed: int, known: dict[tuple[str, int], Run], tree: Tree) -> EnsembleRun:
    """One row and seed; members without weight are left out."""
    weights = {name: weight for name, weight in plan.rows[row].weights.items() if weight}
    combination = msgspec.structs.replace(plan.rows[row], weights=weights)
    members = {name: known[name, seed] for name in weights}
    return EnsembleRun(row, seed, combination, members, known[plan.localize, seed], tree.run(plan.entry, row, seed), tree)


def members(runs: Sequence[EnsembleRun]) -> dict[str, Run]:
    """The runs that ensembles of the first seed join: {row: run}."""
    return {row: run for one in runs if one.seed == runs[0].seed for row, run in one.members.items()}


def join_all(todo: list[EnsembleRun]) -> None:
    """Write the detections of all ensembles, seed by seed; each member predicts once."""
    done = 0
    for seed in dict.fromkeys(run.seed for run in todo):
        known: dict[str, VideosScores] = {}
        for run in (run for run in todo if run.seed == seed):
            detections.write_json(join(run, known), run.tree.output(run.predictions()))
            done += 1
            progress.report("ensembles", done, len(todo))


def join(run: EnsembleRun, known: dict[str, VideosScores]) -> Detections:
    """Detections of one ensemble. `known` holds scores of members that were predicted already, and gains the others."""
    combination, members = run.combination, run.members
    if isinstance(combination, DetectionUnion):
        found = {row: detections.read_json(member.predictions()) for row, member in members.items()}
        return ensemble.fuse(found, combination)
    for row, member in members.items():
        if row not in known:
            known[row] = scores(member)
    grids = {row: member.card.grid for row, member in members.items()}
    mean = ensemble.average({row: known[row] for row in members}, grids, combination)
    card = msgspec.structs.replace(run.localizer.card, grid=combination.grid)
    return cards.detect(card, {"mean": mean}, run.localizer.data.durations_s())


def scores(run: Run) -> VideosScores:
    """What a trained run says of the test videos, kept; networks that its method fuses late are averaged."""
    found = {network: dict(scores) for network, scores in experiment.scores(run).items()}
    if len(found) == 1:
        return next(iter(found.values()))
    grid = run.card.grid
    same = ScoreMean(weights=dict.fromkeys(found, 1.0), grid=grid, activation="none", actionness="none", video_score="none")
    return ensemble.average(found, dict.fromkeys(found, grid), same)
