"""Ensembles of trained runs: the rows of an ensemble entry, one for each seed. Never sees a segment time.

The members of an ensemble are rows of a comparison, all of the same seed. It leaves its detections in
runs/<entry>/<row>/<seed>/predictions.json, as a trained run does.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from wstal.base import progress
from wstal.base.paths import Tree
from wstal.base.types import Detections, VideoScores
from wstal.config import parameters
from wstal.detect import detections, ensemble, localize
from wstal.detect.ensemble import DetectionUnion, ScoreMean
from wstal.training import experiment
from wstal.training.experiment import Run
from wstal.training.predict import predict

Scores = dict[str, VideoScores]  # by video


@dataclass(frozen=True)
class EnsembleRun:
    """One row and seed of an ensemble entry; evaluation takes it for a run."""

    params: parameters.Params
    tree: Tree
    entry: str
    row: str
    seed: int

    @property
    def section(self) -> parameters.EnsembleEntry:
        return self.params.ensembles[self.entry]

    @property
    def how(self) -> ScoreMean | DetectionUnion:
        return self.params.ensemble(self.entry, self.row)

    @property
    def dataset(self) -> str:
        return self.section.dataset

    @property
    def preset(self) -> str:
        """What stands in the table where a trained row has its preset."""
        return "mean of scores" if isinstance(self.how, ScoreMean) else "union of detections"

    def member(self, row: str) -> Run:
        """The trained run of the comparison."""
        return Run(self.params, self.tree, self.section.of, row, self.seed)

    def predictions(self) -> Path:
        """File of detections."""
        return self.tree.run(self.entry, self.row, self.seed) / "predictions.json"


def runs(params: parameters.Params, tree: Tree, entry: str) -> list[EnsembleRun]:
    """All rows and seeds of an ensemble entry, in order."""
    rows = parameters.lookup(params.ensembles, entry, "ensembles").rows
    return [EnsembleRun(params, tree, entry, row, seed) for row in rows for seed in params.seeds]


def join_all(todo: list[EnsembleRun]) -> None:
    """Write the detections of all ensembles, seed by seed; each member predicts once."""
    done = 0
    for seed in dict.fromkeys(run.seed for run in todo):
        known: dict[str, Scores] = {}
        for run in (run for run in todo if run.seed == seed):
            detections.write_json(join(run, known), run.tree.output(run.predictions()))
            done += 1
            progress.report("ensembles", done, len(todo))


def join(run: EnsembleRun, known: dict[str, Scores]) -> Detections:
    """Detections of one ensemble. `known` holds scores of members that were predicted already, and gains the others."""
    how = msgspec.structs.replace(run.how, weights={row: weight for row, weight in run.how.weights.items() if weight})
    members = {row: run.member(row) for row in how.weights}
    if isinstance(how, DetectionUnion):
        return ensemble.fuse({row: detections.read_json(member.predictions()) for row, member in members.items()}, how)
    for row, member in members.items():
        if row not in known:
            known[row] = scores(member)
    grids = {row: experiment.shared_grid(member) for row, member in members.items()}
    mean = ensemble.average({row: known[row] for row in members}, grids, how)
    first = run.member(run.section.localize)
    labels, durations_s = experiment.weak_labels(first).classes, experiment.durations_s(first)
    return localize.localize({"mean": mean}, labels, durations_s, how.grid, first.how.localize)


def scores(run: Run) -> Scores:
    """What a trained run says of the test videos; networks that its method fuses late are averaged."""
    found = {}
    for network in run.networks:
        _, test = experiment.bags(run, network)
        found[network] = predict(experiment.load(run, network), test)
    if len(found) == 1:
        return next(iter(found.values()))
    grid = experiment.shared_grid(run)
    same = ScoreMean(weights=dict.fromkeys(found, 1.0), grid=grid, activation="none", actionness="none", video_score="none")
    return ensemble.average(found, dict.fromkeys(found, grid), same)
