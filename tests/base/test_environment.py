"""environment.yml, pyproject.toml and requirements.lock describe one environment, and it is the one that runs here."""

import ast
import importlib.metadata
import re
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from wstal.base.paths import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DIRECT = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def lock():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]
    assert all(len(pin.specifier) == 1 and str(pin.specifier).startswith("==") for pin in pins)
    return {canonical(pin.name): str(pin.specifier)[2:] for pin in pins}


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda r: r.name)
def test_every_direct_dependency_is_pinned_within_its_range(lock, requirement):
    assert lock[canonical(requirement.name)] in requirement.specifier


def test_torch_is_pinned_to_the_version_with_a_cpu_build(lock):
    assert lock["torch"] == "2.13.0"
    torch = next(requirement for requirement in DIRECT if requirement.name == "torch")
    assert "2.11.0" in torch.specifier and "2.10.0" not in torch.specifier


def test_what_is_installed_is_what_is_locked(lock):
    for requirement in DIRECT:
        installed = importlib.metadata.version(requirement.name).split("+")[0]
        assert installed == lock[canonical(requirement.name)], requirement.name


def test_conda_users_get_the_same_environment():
    content = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert set(content) == {"name", "channels", "dependencies"}
    conda = [item for item in content["dependencies"] if isinstance(item, str)]
    (pip,) = [item["pip"] for item in content["dependencies"] if isinstance(item, dict)]
    assert pip == ["-r requirements.lock", "-e ."]
    python = next(item for item in conda if item.startswith("python="))
    assert python.split("=")[1] in SpecifierSet(PROJECT["requires-python"])
    assert "pip" in conda


def test_packages_that_the_code_imports_are_declared():
    imported = set()
    for path in (ROOT / "wstal").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) else []
            imported |= {name.split(".")[0] for name in names}
    imported -= {"wstal", *sys.stdlib_module_names}
    modules = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
    extras = [Requirement(text) for group in PROJECT["optional-dependencies"].values() for text in group]
    declared = {modules.get(requirement.name, requirement.name) for requirement in DIRECT + extras}
    assert imported <= declared, imported - declared


@pytest.mark.parametrize("target", ["setup", "reproduce", "test", "lint", "bench", "bench-gpu", "help"])
def test_make_knows_its_targets(target):
    assert re.search(rf"^{target}:.*## ", (ROOT / "Makefile").read_text(), flags=re.M)
