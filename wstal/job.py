"""What a notebook opens: the runs of an entry, in the pipeline or, when nobody gave parameters, of a smoke run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wstal import config, ensemble_runs, experiment
from wstal.ensemble_runs import EnsembleRun
from wstal.experiment import Run
from wstal.paths import PIPELINE, Tree

if TYPE_CHECKING:
    from wstal.own import Material  # knows of times


def dataset(name: str, params: dict | None) -> tuple[config.Params, Tree]:
    """Parameters and tree in which dataset `name` is (or is to be) prepared."""
    if params is None:
        from wstal import smoke  # knows how to make a dataset, segment times included; a training stage never gets here

        return smoke.prepared(f"dataset-{name}", name)
    return config.load(params), PIPELINE


def runs(entry: str, params: dict | None) -> list[Run]:
    """All rows and seeds of `entry`; a smoke run is trained on the spot."""
    if params is not None:
        return experiment.runs(config.load(params), PIPELINE, entry)
    from wstal import smoke

    whole = config.load()
    small, tree = smoke.prepared(entry, whole.entry(entry).dataset, entry)
    return experiment.runs(small, tree, entry)


def videos(labels: str | None, folder: str, new: list[str], out: str) -> Material:
    """One's own videos, or films that are drawn for the notebook."""
    if labels is None:
        from wstal import smoke

        return smoke.films()
    from wstal.own import Material

    return Material(config.read(), Path(labels), Path(folder), [Path(file) for file in new], Path(out))


def ensembles(entry: str, params: dict | None) -> list[EnsembleRun]:
    """All rows and seeds of an ensemble entry, whose members are trained; in a smoke run on the spot."""
    if params is not None:
        return ensemble_runs.runs(config.load(params), PIPELINE, entry)
    from wstal import smoke

    section = config.load().ensembles[entry]
    small, tree = smoke.prepared(entry, section.dataset, section.of)
    return ensemble_runs.runs(small, tree, entry)
