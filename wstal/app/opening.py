"""What a notebook opens: the runs of an entry, in the pipeline or, when nobody gave parameters, of a smoke run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wstal.base.paths import PIPELINE, Tree
from wstal.config import parameters
from wstal.training import ensemble_runs, experiment
from wstal.training.ensemble_runs import EnsembleRun
from wstal.training.experiment import Run

if TYPE_CHECKING:
    from wstal.app.own_videos import Material  # knows of times


def dataset(name: str, params: dict | None) -> tuple[parameters.Params, Tree]:
    """Parameters and tree in which dataset `name` is (or is to be) prepared."""
    if params is None:
        from wstal.app import smoke  # knows how to make a dataset, segment times included; a training stage never gets here

        return smoke.prepared(f"dataset-{name}", name)
    return parameters.load(params), PIPELINE


def runs(entry: str, params: dict | None) -> list[Run]:
    """All rows and seeds of `entry`; a smoke run is trained on the spot."""
    if params is not None:
        return experiment.runs(parameters.load(params), PIPELINE, entry)
    from wstal.app import smoke

    whole = parameters.load()
    small, tree = smoke.prepared(entry, whole.entry(entry).dataset, entry)
    return experiment.runs(small, tree, entry)


def videos(labels: str | None, folder: str, new: list[str], out: str) -> Material:
    """One's own videos, or films that are drawn for the notebook."""
    if labels is None:
        from wstal.app import smoke

        return smoke.films()
    from wstal.app.own_videos import Material

    return Material(parameters.read(), Path(labels), Path(folder), [Path(file) for file in new], Path(out))


def ensembles(entry: str, params: dict | None) -> list[EnsembleRun]:
    """All rows and seeds of an ensemble entry, whose members are trained; in a smoke run on the spot."""
    if params is not None:
        return ensemble_runs.runs(parameters.load(params), PIPELINE, entry)
    from wstal.app import smoke

    section = parameters.load().ensembles[entry]
    small, tree = smoke.prepared(entry, section.dataset, section.of)
    return ensemble_runs.runs(small, tree, entry)
