"""Who may import whom. Tiers: a file imports lower tiers and its own package only; training reaches no segment time."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from wstal.paths import ROOT

TIERS = [
    {"errors", "types", "seeding", "progress", "matching", "published", "record", "watershed"},
    {"timegrid", "paths", "jsonfile", "unpickle", "workers"},
    {"data", "nn", "simulate", "localize", "detections", "annotations", "tables", "clips", "intervals"},
    {"features"},
    {"readers", "timeline", "ensemble", "complementarity"},
    {"config", "methods"},
    {"plugins"},
    {"train", "predict", "prepare", "truth"},
    {"trained", "evaluate"},
    {"diagnosis"},
    {"experiment"},
    {"ensemble_runs"},
    {"metrics", "own"},
    {"smoke"},
    {"report", "job", "check"},
    {"plots", "site", "protocols"},
    {"examples", "statistics", "notebooks", "cli"},
    {"__main__"},
]
TRAINING = {
    "data",
    "nn",
    "methods",
    "plugins",
    "train",
    "predict",
    "trained",
    "experiment",
    "localize",
    "ensemble",
    "ensemble_runs",
    "config",
}
TIMES = {
    "truth",
    "readers",
    "evaluate",
    "diagnosis",
    "metrics",
    "annotations",
    "prepare",
    "simulate",
    "complementarity",
    "clips",
}
NO_TORCH = {
    "types",
    "timegrid",
    "localize",
    "ensemble",
    "complementarity",
    "evaluate",
    "diagnosis",
    "matching",
    "detections",
    "truth",
    "simulate",
    "readers",
    "clips",
}
FILES = sorted((ROOT / "wstal").rglob("*.py"))


def part(path: Path) -> str:
    """Name of the tier member a file belongs to: a module, or the package below wstal/."""
    return path.relative_to(ROOT / "wstal").parts[0].removesuffix(".py")


def imports(path: Path, top_level: bool = False) -> set[str]:
    """Dotted names that a file imports, `from a import b` as a.b; with `top_level`, functions and branches left out."""
    tree, found = ast.parse(path.read_text()), set()
    for node in tree.body if top_level else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(path: Path, top_level: bool = False) -> set[str]:
    """Parts of the package that a file imports, its own left out."""
    return {name.split(".")[1] for name in imports(path, top_level) if name.startswith("wstal.")} - {part(path)}


def tier(name: str) -> int:
    return next(level for level, members in enumerate(TIERS) if name in members)


def closure(name: str, top_level: bool = False) -> set[str]:
    """Parts that `name` reaches through imports; with `top_level`, through what is imported on loading alone."""
    reached, todo = set(), {name}
    while todo:
        one = todo.pop()
        reached.add(one)
        for path in FILES:
            if part(path) == one:
                todo |= inside(path, top_level) - reached
    return reached - {name}


def loaded(statement: str) -> set[str]:
    """Modules that `statement` loads in a fresh process."""
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("path", [p for p in FILES if part(p) != "__init__"], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_lower_tiers_only(path):
    assert {name for name in inside(path) if tier(name) >= tier(part(path))} == set()


def test_every_part_has_a_tier():
    assert {part(path) for path in FILES} - {"__init__"} == set().union(*TIERS)


@pytest.mark.parametrize("name", sorted(TRAINING))
def test_training_cannot_reach_segment_times(name):
    """Not even through others: the whole import closure is free of every module that knows of times."""
    assert closure(name) & TIMES == set()


def test_a_training_kernel_loads_nothing_that_knows_times():
    """What notebooks/03_train.ipynb imports, in a fresh process."""
    modules = loaded("from wstal import experiment, job, plots")
    assert {name.split(".")[1] for name in modules if name.startswith("wstal.")} & TIMES == set()


@pytest.mark.parametrize("name", sorted(NO_TORCH))
def test_light_parts_load_no_torch(name):
    """All files of a part, in a fresh process."""
    files = [path.relative_to(ROOT).with_suffix("") for path in FILES if part(path) == name]
    modules = ", ".join(".".join(file.parts) for file in files)
    assert "torch" not in loaded(f"import {modules}")


@pytest.mark.parametrize("folder", ["methods", "plugins"])
def test_methods_and_plugins_do_not_import_each_other(folder):
    allowed = ("wstal.nn", "wstal.methods.base", f"wstal.{folder}.base", "wstal.errors", "wstal.record", "wstal.types")
    for path in (ROOT / "wstal" / folder).glob("[!_]*.py"):
        own = {name for name in imports(path) if name.startswith("wstal.")}
        assert all(name.startswith(allowed) for name in own), path
