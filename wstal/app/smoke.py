"""A small copy of the pipeline: few videos and steps, in a scratch folder, as the section `smoke` of params.yaml says."""

from __future__ import annotations

import atexit
import os
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wstal.base import files
from wstal.base.conversion import convert, merge
from wstal.base.errors import UserError
from wstal.base.paths import Tree, scratch
from wstal.config import parameters, plan
from wstal.config.parameters import EnsembleEntry, Entry, Parameters
from wstal.config.plan import DatasetPlan, JudgingPlan
from wstal.datasets import prepare

if TYPE_CHECKING:  # slow to load, and not needed to shrink parameters, which `wstal check` does
    from wstal.app import own_videos
    from wstal.training.ensemble_runs import EnsembleRun
    from wstal.training.experiment import Run

SIMULATED = "simulated"  # the reader of datasets whose size is theirs to choose


@cache
def params() -> Parameters:
    """params.yaml, shrunk."""
    return shrink(parameters.read())


def shrink(raw: dict) -> Parameters:
    """params.yaml with what `smoke` and each method's own `smoke` set, over presets and datasets; rows still win.

    Raises:
        UserError: params.yaml does not fit.
    """
    whole = parameters.load(raw)
    small = whole.smoke
    if small is None:
        raise UserError(f"params.yaml has no section `smoke`, which notebooks run by; {parameters.CURE}.")
    sizes = {name: merge(small.method, section.smoke) for name, section in whole.methods.items()}
    datasets = {
        name: merge(section, small.dataset) | {"overrides": sizes}
        for name, section in raw["datasets"].items()
        if section["features"]["reader"] == SIMULATED
    }
    entries = {name: cut(entry, small.rows) for name, entry in whole.entries.items() if entry.dataset in datasets}
    ensembles = {
        name: fitting(entry, set(entries[entry.of].rows)) for name, entry in whole.ensembles.items() if entry.of in entries
    }
    changed = {"datasets": datasets, "seeds": small.seeds, "run": {"datasets": list(datasets)}}
    return msgspec.structs.replace(parameters.load(raw | changed), entries=entries, ensembles=ensembles)


def cut(entry: Entry, count: int) -> Entry:
    """An entry with its first rows."""
    return msgspec.structs.replace(entry, rows=dict(list(entry.every.items())[:count]), grid=())


def fitting(entry: EnsembleEntry, known: set[str]) -> EnsembleEntry:
    """An ensemble entry with the rows whose members are known."""
    rows = {row: section for row, section in entry.rows.items() if set(section["weights"]) <= known}
    return msgspec.structs.replace(entry, rows=rows)


def folder(name: str) -> Tree:
    """A scratch tree that goes with this process, or, if it is killed, with the next one; kernels run side by side."""
    tree = scratch(f"{name}-{os.getpid()}")
    for left in files.abandoned(tree.root.parent, "*-*"):
        shutil.rmtree(left, ignore_errors=True)
    files.claim(tree.root)
    atexit.register(shutil.rmtree, tree.root, ignore_errors=True)
    return tree


def dataset(name: str) -> tuple[DatasetPlan, Tree]:
    """A small copy of a dataset, annotated and extracted."""
    planned, tree = plan.of_dataset(params(), name), folder(f"dataset-{name}")
    prepare.annotate(planned, tree)
    prepare.extract(planned, tree)
    return planned, tree


def runs(entry: str) -> list[Run]:
    """The runs of a small copy of an entry, trained."""
    from wstal.training import experiment

    planned, tree = plan.of_rows(params(), entry), folder(entry)
    on = plan.of_dataset(params(), planned.dataset)
    prepare.annotate(on, tree)
    prepare.extract(on, tree)
    todo = experiment.runs(planned, tree)
    experiment.train_all(todo)
    return todo


def ensembles(entry: str) -> list[EnsembleRun]:
    """The runs of a small copy of an ensemble entry, whose members are trained."""
    from wstal.training import ensemble_runs

    planned = plan.of_ensemble(params(), entry)
    members = runs(planned.of)
    return ensemble_runs.runs(planned, members, members[0].tree)


def judged(entry: str) -> JudgingPlan:
    """How a small copy of an entry is judged."""
    return plan.of_judging(params(), entry)


def films() -> own_videos.Material:
    """Films drawn for the notebook on one's own videos, with a table of labels."""
    from wstal.app import own_videos
    from wstal.datasets.clips.render import render
    from wstal.datasets.clips.storyboards import Source, storyboards

    raw, place = parameters.read(), folder("films").root
    small = dict(raw["smoke"]["own"])
    whole = raw["datasets"]["clips"]["features"]["source"] | small.pop("films")
    source = convert(whole, Source, "params.yaml, smoke.own.films")
    render(source, place / "films")
    known = {storyboard.id: {source.classes[shot.label] for shot in storyboard.shots} for storyboard in storyboards(source)}
    lines = [f"{video},{label}" for video, labels in known.items() if "train" in video for label in sorted(labels)]
    files.write(place / "labels.csv", "\n".join(["video,label", *lines]) + "\n")
    changed = merge(raw["own"], small)
    changed["features"]["extraction"] |= stand_in(changed["features"]["backbone"], place)
    new = sorted((place / "films").glob("*test*.mp4"))
    return own_videos.Material(raw | {"own": changed}, place / "labels.csv", place / "films", new, place)


def stand_in(name: str, folder: Path) -> dict[str, str]:
    """{} where the backbone's weights can be had; else a file of random ones, which shows the steps and nothing more."""
    import torch

    from wstal.border import tensorfile
    from wstal.features.backbones import registry, weights

    backbone = registry.load(name)
    try:
        weights.fetch(backbone)
        return {}
    except UserError as error:
        print(f"{error}\nRandom weights stand in: the steps below are real, what they find is not.")
    torch.manual_seed(0)
    tensorfile.save(backbone.build(classes=2).state_dict(), folder / "random.safetensors")
    return {"weights": str(folder / "random.safetensors")}
