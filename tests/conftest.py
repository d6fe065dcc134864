"""Fixtures that several test files share. The pinned environment is set by conftest.py at the top."""

import msgspec
import pytest
from hypothesis import settings

from wstal.base.conversion import merge
from wstal.base.paths import Tree
from wstal.config import parameters, plan
from wstal.config import settings as typed
from wstal.config.parameters import Entry
from wstal.datasets import prepare
from wstal.detect.localize import Localize
from wstal.training import experiment

settings.register_profile("wstal", deadline=None, derandomize=True)
settings.load_profile("wstal")


@pytest.fixture(scope="session")
def raw():
    """params.yaml as a mapping."""
    return parameters.read()


@pytest.fixture(scope="session")
def preset(raw):
    """preset(method, name) -> the method's settings in params.yaml, a mapping; without a name, those of its default preset."""

    def preset(method, name=None):
        section = raw["methods"][method]
        name = name or section["preset"]
        named = {"method": method, "preset": name}
        return merge(raw["defaults"], section["base"], section["presets"][name], named)

    return preset


@pytest.fixture(scope="session")
def tiny(raw, preset):
    """tiny(method, change) -> the settings of its default preset at the size of smoke runs, changed."""

    def tiny(method, change):
        small = merge(raw["smoke"]["method"], raw["methods"][method].get("smoke", {}))
        return typed.settings(merge(preset(method), small, change), f"params.yaml, {method}")

    return tiny


@pytest.fixture(scope="session")
def released(preset):
    """released(method, **changes) -> the localization of its `released` preset, changed."""

    def released(method, **changes):
        return msgspec.convert(merge(preset(method, "released")["localize"], changes), Localize)

    return released


@pytest.fixture(scope="session")
def small(raw):
    """Parameters of a simulated dataset with six classes that trains in seconds, and one table on it."""
    smoke = raw["smoke"]
    sizes = {name: merge(smoke["method"], section.get("smoke", {})) for name, section in raw["methods"].items()}
    dataset = merge(raw["datasets"]["thumos14-sim"], smoke["dataset"]) | {"overrides": sizes}
    rows = {"full": {}, "no_background": {"params": {"background": False}}}
    table = {"dataset": "tiny", "notebook": "04_table", "method": "facnet", "rows": rows}
    shared = {name: raw[name] for name in ("defaults", "methods")}
    run = {"datasets": ["tiny"]}
    return shared | {"seeds": [0, 1], "run": run, "datasets": {"tiny": dataset}, "entries": {"tiny_table": table}}


@pytest.fixture(scope="session")
def prepared(small, tmp_path_factory):
    """(parameters, tree) with annotations and features of the small dataset."""
    tree = Tree(tmp_path_factory.mktemp("tree"))
    params = parameters.load(small)
    planned = plan.of_dataset(params, "tiny")
    prepare.annotate(planned, tree)
    prepare.extract(planned, tree)
    return params, tree


@pytest.fixture
def tiny_runs(prepared):
    """tiny_runs(rows, method="facnet", seeds=(0, 1)) -> runs of an entry on the small dataset with these rows."""
    params, tree = prepared

    def tiny_runs(rows, method="facnet", seeds=(0, 1)):
        entry = Entry(dataset="tiny", notebook="04_table", method=method, rows=rows)
        changed = msgspec.structs.replace(params, entries={"rows": entry}, seeds=seeds)
        return experiment.runs(plan.of_rows(changed, "rows"), tree)

    return tiny_runs
