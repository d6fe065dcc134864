"""Who may import whom. Tiers: a file imports lower tiers and its own package only; training reaches no segment time."""

import ast
from pathlib import Path

import pytest

from wstal.paths import ROOT

TIERS = [
    {"errors", "types", "seeding", "progress", "matching"},
    {"timegrid", "paths", "jsonfile"},
    {"features", "data", "nn", "simulate", "localize", "detections", "annotations", "tables"},
    {"readers"},
    {"config", "methods"},
    {"train", "predict", "prepare", "truth"},
    {"experiment", "evaluate"},
    {"metrics", "smoke"},
    {"report", "job", "check"},
    {"plots", "site"},
    {"examples", "statistics", "notebooks", "cli"},
    {"__main__"},
]
TRAINING = {"data", "nn", "methods", "train", "predict", "experiment", "localize", "config"}
TIMES = {"truth", "readers", "evaluate", "metrics", "annotations", "prepare", "simulate"}
NO_TORCH = {"types", "timegrid", "localize", "evaluate", "matching", "detections", "truth", "simulate", "readers"}
FILES = sorted((ROOT / "wstal").rglob("*.py"))


def part(path: Path) -> str:
    """Name of the tier member a file belongs to: a module, or the package below wstal/."""
    return path.relative_to(ROOT / "wstal").parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Dotted names that a file imports, `from a import b` as a.b."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def inside(path: Path) -> set[str]:
    """Parts of the package that a file imports, its own left out."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("wstal.")} - {part(path)}


def tier(name: str) -> int:
    return next(level for level, members in enumerate(TIERS) if name in members)


def closure(name: str) -> set[str]:
    """Parts that `name` reaches through imports."""
    reached, todo = set(), {name}
    while todo:
        one = todo.pop()
        reached.add(one)
        todo |= {other for path in FILES if part(path) == one for other in inside(path)} - reached
    return reached - {name}


@pytest.mark.parametrize("path", [p for p in FILES if part(p) != "__init__"], ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_lower_tiers_only(path):
    assert {name for name in inside(path) if tier(name) >= tier(part(path))} == set()


def test_every_part_has_a_tier():
    assert {part(path) for path in FILES} - {"__init__"} == set().union(*TIERS)


@pytest.mark.parametrize("name", sorted(TRAINING))
def test_training_cannot_reach_segment_times(name):
    """Not even through others: the whole import closure is free of every module that knows of times."""
    assert closure(name) & TIMES == set()


@pytest.mark.parametrize("name", sorted(NO_TORCH))
def test_light_parts_stay_light(name):
    reached = closure(name) | {name}
    heavy = {str(p) for p in FILES if part(p) in reached and any(i.split(".")[0] == "torch" for i in top_level(p))}
    assert heavy == set()


def top_level(path: Path) -> set[str]:
    """Names imported when the module is loaded, functions' own imports left out."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


def test_methods_do_not_import_each_other():
    for path in (ROOT / "wstal" / "methods").glob("[!_]*.py"):
        own = {name for name in imports(path) if name.startswith("wstal.")}
        assert all(name.startswith(("wstal.nn", "wstal.methods.base", "wstal.errors")) for name in own), path
