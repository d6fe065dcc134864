"""The DVC pipeline: its stages, its dependencies held against the real imports, weak supervision as a property of the graph."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest
import yaml

from tests.test_layering import FILES, closure, inside, part
from wstal.base.paths import ROOT

DVC = [sys.executable, "-m", "dvc"]
GLUE = {
    "errors",
    "paths",
    "progress",
    "jsonfile",
    "record",
    "job",
    "notebooks",
    "seeding",
    "workers",
}  # moves no number of a stage
RUNNING = {"data", "localize", "methods", "nn", "plugins", "predict", "timegrid", "train", "trained", "watershed"}
EXEMPT = {  # what a kind of stage reaches without using it, or only to draw beside its work; config knows every section
    "annotations": {"data", "ensemble", "localize", "features", "watershed"},
    "features": {"data", "ensemble", "localize", "annotations", "watershed"},
    "backbones": {"config", "timegrid", "types", "unpickle"},  # what other files of wstal/features reach
    "train": {"ensemble", "plots", "published"},
    "rows": {"ensemble", "plots", "published"},
    "results": RUNNING | {"ensemble"},  # evaluates detections that lie in files
    "report": {"ensemble", "train"},
    "ensemble": {"train"},
    "tables": RUNNING | {"detections", "ensemble", "evaluate", "experiment", "matching", "truth", "types"},  # reads metrics
}


EXPAND = """
import json
from dvc.repo import Repo

stages = {}
for stage in Repo().index.stages:
    commands = stage.cmd if isinstance(stage.cmd, list) else [stage.cmd]
    stages[stage.addressing] = {"cmd": commands, "deps": [str(d) for d in stage.deps], "outs": [str(o) for o in stage.outs]}
print(json.dumps(stages))
"""


@pytest.fixture(scope="module")
def stages():
    """{stage name: its commands, deps and outs}, as DVC expands dvc.yaml."""
    done = subprocess.run([sys.executable, "-c", EXPAND], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_stage_names_follow_params(stages, raw):
    expected = {f"{stage}@{dataset}" for stage in ("annotations", "features") for dataset in raw["run"]["datasets"]}
    expected |= {f"{stage}@{entry}" for stage in ("train", "results") for entry in raw["comparisons"]}
    expected |= {f"{stage}@{table}" for stage in ("rows", "report") for table in raw["tables"]}
    expected |= {f"ensemble@{entry}" for entry in raw["ensembles"]}
    assert set(stages) == expected | {"backbones", "tables"}


def test_no_training_stage_can_see_segment_times(stages):
    """Neither a stage that trains nor any stage that makes what it reads depends on segments.json or a folder with it."""
    makers = {out: name for name, stage in stages.items() for out in stage["outs"]}
    times = [out for out in makers if out.endswith("segments.json")]
    upstream = [name for name in stages if name.startswith(("train@", "rows@"))]
    assert upstream and times
    for name in upstream:
        for dep in stages[name]["deps"]:
            assert not any(path == dep or path.startswith(f"{dep}/") for path in times), (name, dep)
            if dep in makers and makers[dep] not in upstream:
                upstream.append(makers[dep])


def notebook_parts(stage) -> set[str]:
    """Parts of the package that the notebook of a stage imports."""
    path = stage["cmd"][0].split()[4]
    found = set()
    for cell in nbformat.read(ROOT / path, 4).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "wstal":
                    found |= {alias.name for alias in node.names} if node.module == "wstal" else {node.module.split(".")[1]}
    return found


def test_declared_code_is_what_notebooks_reach(stages):
    """A stage depends on every part of the package that its notebook reaches, and a kind of stage on no part in vain."""
    spare = {}
    for name, stage in stages.items():
        kind = name.split("@")[0]
        direct = notebook_parts(stage) - {"job"}
        reached = direct | {"config"} | set().union(*(closure(one, top_level=True) for one in direct))
        declared = {dep.split("/")[1].removesuffix(".py") for dep in stage["deps"] if dep.startswith("wstal/")}
        assert reached - declared - GLUE - EXEMPT.get(kind, set()) == set(), name
        spare[kind] = spare.get(kind, declared) & (declared - reached)
    assert {kind: parts for kind, parts in spare.items() if parts} == {}


def test_executed_notebook_is_an_output(stages):
    for name, stage in stages.items():
        out = stage["cmd"][0].split()[5]
        assert out.endswith(".ipynb") and out in stage["outs"], name


def test_commands_name_no_absolute_path_and_no_interpreter(stages):
    for stage in stages.values():
        assert stage["cmd"][0].startswith("python -m wstal.app.notebooks run ")
        assert str(ROOT) not in " ".join(stage["cmd"])


def test_lock_is_up_to_date():
    """What is committed is what the pipeline would make: nothing would run again, not even on a clone without any cache."""
    done = subprocess.run([*DVC, "repro", "--allow-missing", "--dry"], cwd=ROOT, capture_output=True, text=True)
    assert "Data and pipelines are up to date." in done.stdout, done.stdout + done.stderr


def test_lock_and_pipeline_agree(stages):
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text())
    assert set(lock["stages"]) == set(stages)


def test_every_reported_file_is_there(stages):
    for stage in stages.values():
        for out in stage["outs"]:
            if out.startswith("reports/"):
                assert (ROOT / out).exists(), out


def test_helpers_of_this_file_see_the_package():
    assert inside(next(path for path in FILES if part(path) == "train")) >= {"config", "methods", "data"}
