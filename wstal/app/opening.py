"""What a notebook opens: an entry or a dataset, of the pipeline, or a small copy made on the spot in a scratch folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters, plan
from wstal.config.plan import DatasetPlan, EnsemblePlan, JudgingPlan, RowsPlan
from wstal.training import ensemble_runs, experiment
from wstal.training.ensemble_runs import EnsembleRun
from wstal.training.experiment import Run

if TYPE_CHECKING:  # these know of times, and a training kernel never loads them
    from wstal.app.own_videos import Material
    from wstal.evaluation.judging import Judging


def dataset(name: str, smoke: bool) -> tuple[DatasetPlan, Tree]:
    """The plan of dataset `name`, and the tree in which it is (or is to be) prepared."""
    if smoke:
        from wstal.app import smoke as small

        return small.dataset(name)
    return plan.read(PIPELINE.plan() / f"datasets/{name}.yaml", DatasetPlan), PIPELINE


def runs(entry: str, smoke: bool) -> list[Run]:
    """All rows and seeds of `entry`; of a small copy, trained on the spot."""
    if smoke:
        from wstal.app import smoke as small

        return small.runs(entry)
    return experiment.runs(plan.read(PIPELINE.plan() / f"rows/{entry}.yaml", RowsPlan), PIPELINE)


def ensembles(entry: str, smoke: bool) -> list[EnsembleRun]:
    """All rows and seeds of an ensemble entry, whose members are trained; of a small copy, on the spot."""
    if smoke:
        from wstal.app import smoke as small

        return small.ensembles(entry)
    joined = plan.read(PIPELINE.plan() / f"rows/{entry}.yaml", EnsemblePlan)
    return ensemble_runs.runs(joined, runs(joined.of, smoke), PIPELINE)


def judging(entry: str, smoke: bool, joined: list[EnsembleRun] | None = None) -> Judging[Any]:
    """The runs of an entry, or the `joined` ones of an ensemble entry, with all that they are judged by."""
    from wstal.evaluation.judging import judging

    chosen = joined or runs(entry, smoke)
    if smoke:
        from wstal.app import smoke as small

        return judging(small.judged(entry), chosen, chosen[0].tree)
    return judging(plan.read(PIPELINE.plan() / f"judging/{entry}.yaml", JudgingPlan), chosen, PIPELINE)


def videos(labels: str | None, folder: str, new: list[str], out: str) -> Material:
    """One's own videos, or films that are drawn for the notebook."""
    if labels is None:
        from wstal.app import smoke as small

        return small.films()
    from wstal.app.own_videos import Material

    return Material(parameters.read(), Path(labels), Path(folder), [Path(file) for file in new], Path(out))
