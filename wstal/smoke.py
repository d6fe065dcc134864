"""A small run for notebooks that nobody gave parameters: a few simulated videos, rows and steps, in a scratch folder."""

import atexit
import os
import shutil

from wstal import config, prepare
from wstal.experiment import runs, train_all
from wstal.paths import Tree, scratch


def shrink(raw: dict) -> config.Params:
    """params.yaml with what its `smoke` section sets, over presets and datasets; the rows of a table still win."""
    small = raw["smoke"]
    datasets = {name: config.merge(section, small["dataset"]) for name, section in raw["datasets"].items()}
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
    return config.load(raw | entries | {"ensembles": ensembles, "datasets": datasets, "seeds": small["seeds"]})


def prepared(name: str, dataset: str, entry: str | None = None) -> tuple[config.Params, Tree]:
    """Smoke parameters and a scratch tree that holds `dataset` and, where named, the trained runs of `entry`."""
    params, tree = shrink(config.read()), scratch(f"{name}-{os.getpid()}")  # kernels run side by side
    atexit.register(shutil.rmtree, tree.root, ignore_errors=True)
    prepare.annotate(params, dataset, tree)
    prepare.extract(params, dataset, tree)
    if entry:
        train_all(runs(params, tree, entry))
    return params, tree
