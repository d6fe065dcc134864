"""Fixtures that several test files share. The pinned environment is set by conftest.py at the top."""

import msgspec
import pytest
from hypothesis import settings

from wstal.base.paths import Tree
from wstal.config import parameters
from wstal.datasets import prepare
from wstal.detect.localize import Localize

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
        return parameters.merge(section["base"], section["presets"][name or section["preset"]])

    return preset


@pytest.fixture(scope="session")
def tiny(raw, preset):
    """tiny(method, change) -> the settings of its default preset at the size of smoke runs, changed."""

    def tiny(method, change):
        merged = parameters.merge(preset(method), raw["smoke"]["methods"][method])
        return parameters.convert(parameters.merge(merged, change), parameters.MethodConfig, method)

    return tiny


@pytest.fixture(scope="session")
def released(preset):
    """released(method, **changes) -> the localization of its `released` preset, changed."""

    def released(method, **changes):
        return msgspec.convert(parameters.merge(preset(method, "released")["localize"], changes), Localize)

    return released


@pytest.fixture(scope="session")
def small(raw):
    """Parameters of a simulated dataset with four classes that trains in seconds, and one table on it."""
    smoke = raw["smoke"]
    dataset = parameters.merge(raw["datasets"]["thumos14-sim"], smoke["dataset"]) | {"overrides": smoke["methods"]}
    rows = {"full": {}, "no_background": {"set": {"params": {"background": False}}}}
    table = {"dataset": "tiny", "notebook": "04_table", "method": "facnet", "rows": rows}
    return {"seeds": [0, 1], "datasets": {"tiny": dataset}, "methods": raw["methods"], "tables": {"tiny_table": table}}


@pytest.fixture(scope="session")
def prepared(small, tmp_path_factory):
    """(parameters, tree) with annotations and features of the small dataset."""
    tree = Tree(tmp_path_factory.mktemp("tree"))
    params = parameters.load(small)
    prepare.annotate(params, "tiny", tree)
    prepare.extract(params, "tiny", tree)
    return params, tree
