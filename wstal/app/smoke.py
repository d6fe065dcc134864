"""A small run for notebooks that nobody gave parameters: a few simulated or drawn videos, few steps, in a scratch folder."""

import atexit
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from wstal.app import own_videos
from wstal.base.errors import UserError
from wstal.base.paths import Tree, scratch
from wstal.config import parameters
from wstal.datasets import prepare
from wstal.datasets.clips.render import render
from wstal.datasets.clips.script import Source, scripts
from wstal.features.backbones import registry, weights
from wstal.training.experiment import runs, train_all


def shrink(raw: dict) -> parameters.Params:
    """params.yaml with what its `smoke` section sets, over presets and datasets; the rows of a table still win."""
    small = raw["smoke"]
    datasets = {name: parameters.merge(section, small["dataset"]) for name, section in raw["datasets"].items()}
    datasets = {
        name: section | {"overrides": small["methods"]}
        for name, section in datasets.items()
        if section["features"]["reader"] == "simulated"
    }
    entries = {
        kind: {
            name: entry | {"rows": dict(list(entry["rows"].items())[: small["rows"]])}
            for name, entry in raw.get(kind, {}).items()
            if entry["dataset"] in datasets
        }
        for kind in ("comparisons", "tables")
    }
    ensembles = {
        name: entry | {"rows": {row: how for row, how in entry["rows"].items() if set(how["weights"]) <= kept}}
        for name, entry in raw.get("ensembles", {}).items()
        if (kept := set(entries["comparisons"].get(entry["of"], {"rows": {}})["rows"]))
    }
    return parameters.load(raw | entries | {"ensembles": ensembles, "datasets": datasets, "seeds": small["seeds"]})


def prepared(name: str, dataset: str, entry: str | None = None) -> tuple[parameters.Params, Tree]:
    """Smoke parameters and a scratch tree that holds `dataset` and, where named, the trained runs of `entry`."""
    params, tree = shrink(parameters.read()), scratch(f"{name}-{os.getpid()}")  # kernels run side by side
    atexit.register(shutil.rmtree, tree.root, ignore_errors=True)
    prepare.annotate(params, dataset, tree)
    prepare.extract(params, dataset, tree)
    if entry:
        train_all(runs(params, tree, entry))
    return params, tree


def films() -> own_videos.Material:
    """Films drawn for the notebook on one's own videos, with a table of labels."""
    raw, folder = parameters.read(), scratch(f"films-{os.getpid()}").root
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    small = dict(raw["smoke"]["own"])
    source = raw["datasets"]["clips"]["features"]["source"] | small.pop("films")
    source = parameters.convert(source, Source, "smoke.own.films")
    render(source, folder / "films")
    known = {script.id: {source.classes[shot.label] for shot in script.shots} for script in scripts(source)}
    lines = [f"{video},{label}" for video, labels in known.items() if "train" in video for label in sorted(labels)]
    (folder / "labels.csv").write_text("\n".join(["video,label", *lines]) + "\n")
    changed = parameters.merge(raw["own"], small)
    changed["features"]["extraction"] |= stand_in(changed["features"]["backbone"], folder)
    new = sorted((folder / "films").glob("*test*.mp4"))
    return own_videos.Material(raw | {"own": changed}, folder / "labels.csv", folder / "films", new, folder)


def stand_in(name: str, folder: Path) -> dict[str, str]:
    """{} where the backbone's weights can be had; else a file of random ones, which shows the steps and nothing more."""
    backbone = registry.load(name)
    try:
        weights.fetch(backbone)
        return {}
    except UserError as error:
        print(f"{error}\nRandom weights stand in: the steps below are real, what they find is not.")
    torch.manual_seed(0)
    save_file(backbone.build(classes=2).state_dict(), folder / "random.safetensors")
    return {"weights": str(folder / "random.safetensors")}
