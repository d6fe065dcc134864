"""The house: rooms in the order of the data flow, arrows that lead downwards only, and the wall of weak supervision."""

import ast
import json
import re
import subprocess
import sys

import pytest

from scripts.rooms import arrows, floors, outer, room
from wstal.base.code import PACKAGE, imports
from wstal.base.code import closure as closure_of_files
from wstal.base.paths import ROOT

FLOW = (  # a room imports earlier ones only
    "base", "border", "checks", "published", "nn", "methods", "plugins", "data", "detect", "config", "features",
    "features/pixels",
    "features/backbones", "features/extraction", "training", "datasets/simulation", "datasets/clips", "datasets/readers",
    "datasets", "evaluation", "exchange/tools", "exchange/layouts", "exchange", "report/timeline", "report", "site", "app",
)  # fmt: skip
TIMES = ("datasets", "evaluation", "exchange")  # rooms that know when actions happen, with those inside them
TIMES_FILE = "checks/segments.py"  # and the file of another room that does
WALL = FLOW[: FLOW.index("training") + 1]
LIGHT = (  # start without torch
    "base", "border", "checks", "published", "detect", "datasets/simulation", "datasets/clips", "datasets/readers",
    "exchange/tools", "exchange/layouts",
)  # fmt: skip
LIGHT_FILES = ("complementarity", "diagnosis", "evaluate", "matching", "truth")  # of evaluation/, for `wstal evaluate`
FILES = sorted(PACKAGE.rglob("*.py"))


def loaded(statement: str) -> set[str]:
    """Modules that `statement` loads in a fresh process."""
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def knows_times(name: str) -> bool:
    """Whether a room, or a dotted module, is one that knows when actions happen."""
    return name.removeprefix("wstal.").replace(".", "/").split("/")[0] in TIMES


def closure(name: str) -> set[str]:
    """Rooms that a room reaches through imports, itself included."""
    found, todo = set(), {name}
    while todo:
        found |= todo
        todo = set().union(*(arrows()[one] for one in todo)) - found
    return found


def test_the_flow_lists_every_room():
    assert sorted(FLOW) == sorted(arrows())


@pytest.mark.parametrize("name", FLOW)
def test_a_room_imports_earlier_rooms_only(name):
    assert arrows()[name] <= set(FLOW[: FLOW.index(name)])


def test_the_house_is_no_taller_and_no_more_tangled_than_it_was():
    inner = arrows()
    for known, most in ((outer(inner), 72), (inner, 98)):
        assert max(floors(known).values()) < 8 and sum(map(len, known.values())) <= most


def test_rooms_are_the_folders_that_a_listing_shows():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert set(outer(arrows())) == folders
    assert outer({"a/x": {"a/y", "b"}, "a/y": {"c/z"}, "b": set(), "c/z": set()}) == {"a": {"b", "c"}, "b": set(), "c": set()}


def test_a_circle_has_no_floors():
    with pytest.raises(ValueError, match="circle"):
        floors({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize("name", WALL)
def test_nothing_up_to_training_can_reach_segment_times(name):
    assert not [one for one in closure(name) if knows_times(one)]


def test_of_the_checks_those_of_times_stay_behind_the_wall():
    """The room of checks stands below the wall; its file that looks at times is reached from no room up to training."""
    files = [file.relative_to(PACKAGE).as_posix() for file in FILES if room(file) in WALL and file != PACKAGE / TIMES_FILE]
    assert PACKAGE / TIMES_FILE in FILES and PACKAGE / TIMES_FILE not in closure_of_files(files)


def test_a_training_kernel_loads_nothing_that_knows_times():
    """What notebooks/03_train.ipynb imports, in a fresh process."""
    modules = loaded("import wstal.app.opening, wstal.report.training_curves, wstal.training.experiment")
    assert not [name for name in modules if name.startswith("wstal.") and knows_times(name)]
    assert "wstal.checks.findings" in modules and "wstal.checks.segments" not in modules


@pytest.mark.parametrize("name", FLOW)
def test_a_room_says_what_it_is_for_and_what_it_may_not_know(name):
    text = ast.get_docstring(ast.parse((PACKAGE / name / "__init__.py").read_text()))
    assert text and re.search(r"\bknows?\b[^.]*\b(no|not|nothing|neither)\b|\bno room knows|\bnot know|may import", text, re.I)


@pytest.fixture(scope="module")
def loaded_by_light():
    """{light room, or light file of evaluation/: what it loads that those before it do not}, in one fresh process."""
    rooms = {name: [dotted(path) for path in FILES if room(path) == name] for name in LIGHT}
    todo = rooms | {name: [f"wstal.evaluation.{name}"] for name in LIGHT_FILES}
    script = """
import importlib, json, sys
found, known = {}, set(sys.modules)
for name, modules in json.loads(sys.argv[1]).items():
    for module in modules:
        importlib.import_module(module)
    found[name], known = sorted(set(sys.modules) - known), set(sys.modules)
print(json.dumps(found))
"""
    command = [sys.executable, "-c", script, json.dumps(todo)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def dotted(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("name", (*LIGHT, *LIGHT_FILES))
def test_light_rooms_and_evaluators_load_no_torch(name, loaded_by_light):
    assert "torch" not in loaded_by_light[name]


@pytest.mark.parametrize("folder", ["methods", "plugins"])
def test_methods_and_plugins_do_not_import_each_other(folder):
    allowed = ("wstal.nn", "wstal.methods.base", f"wstal.{folder}.base", "wstal.base")
    for path in (PACKAGE / folder).glob("[!_]*.py"):
        names = {name for name in imports(path) if name.startswith("wstal.")}
        assert all(name.startswith(allowed) for name in names), path


def test_imports_are_absolute():
    for path in FILES:
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert all(node.level == 0 for node in nodes), path
