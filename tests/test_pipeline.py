"""The DVC pipeline: its stages, its dependencies held against the real imports, weak supervision as a property of the graph."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest
import yaml

from wstal.base.code import PACKAGE, closure, module
from wstal.base.conversion import merge
from wstal.base.paths import ROOT
from wstal.config import parameters, plan

COMMANDS = ("plan", "networks", "site")  # stages that run no notebook
DVC = [sys.executable, "-m", "dvc"]
# What a notebook reaches and its stage does not depend on, with the reason.
GLUE = (
    "__init__.py",
    "app",  # opens and runs notebooks
    "base/code.py",  # says what caches depend on
    "base/errors.py",
    "base/paths.py",
    "base/progress.py",
    "base/workers.py",
    "border",  # reads files; what a dataset's reader uses of it is in its plan
    "config",  # reads the plan, which is a dependency
    "published",  # each entry's part is in its plan
    *(f"methods/{path.name}" for path in (PACKAGE / "methods").glob("*.py") if path.name != "base.py"),  # named by the plan
    *(f"plugins/{path.name}" for path in (PACKAGE / "plugins").glob("*.py") if path.name != "base.py"),
)
SPARED = {  # what a kind of stage imports without using it for its outputs
    "annotations": ("data", "detect", "features", "nn", "methods", "plugins"),
    "features": (
        "detect",
        "features/backbones",
        "features/pixels",
        "nn",
        "methods",
        "plugins",
        "report",
    ),
    "backbones": ("base", "features/pixels"),
    "speed": ("base",),
    "train": ("checks", "report"),  # checks what it reads; draws losses
    "results": (
        "base",
        "checks",
        "data",
        "detect",
        "features",
        "methods",
        "nn",
        "plugins",
        "training",
    ),  # judges what lies in runs/
    "ensemble": ("checks", "features", "plugins"),
    "lessons": ("checks", "features", "plugins"),
    "tables": (
        "base",
        "checks",
        "data",
        "detect",
        "evaluation",
        "features",
        "methods",
        "nn",
        "plugins",
        "training",
    ),  # reads metrics
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
    expected |= {f"{stage}@{entry}" for stage in ("train", "results") for entry in raw["entries"]}
    expected |= {f"ensemble@{entry}" for entry in raw["ensembles"]}
    expected |= {"lessons@00_tour", "lessons@00_localize"}
    assert set(stages) == expected | {"plan", "backbones", "networks", "speed", "tables", "site"}


def test_no_training_stage_can_see_segment_times(stages):
    """Neither a stage that trains nor any stage that makes what it reads depends on segments.json or a folder with it."""
    makers = {out: name for name, stage in stages.items() for out in stage["outs"]}
    times = [out for out in makers if out.endswith("segments.json")]
    upstream = [name for name in stages if name.startswith(("train@", "networks"))]
    assert upstream and times
    for name in upstream:
        for dep in stages[name]["deps"]:
            assert not any(path == dep or path.startswith(f"{dep}/") for path in times), (name, dep)
            if dep in makers and makers[dep] not in upstream:
                upstream.append(makers[dep])


def reached(stage) -> set[str]:
    """Files of the package, relative to it, that the notebook of a stage loads, with the methods that parameters name."""
    roots = set()
    for cell in nbformat.read(ROOT / stage["cmd"][0].split()[4], 4).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.ImportFrom) and node.module != "wstal.app":
                    roots |= {path for alias in node.names if (path := module(f"{node.module}.{alias.name}"))}
    files = closure([path.relative_to(PACKAGE).as_posix() for path in roots], top_level=True)
    named = [f"methods/{path.name}" for path in (PACKAGE / "methods").glob("*.py")]
    files += closure(named, top_level=True) if PACKAGE / "training/train.py" in files else []
    return {path.relative_to(PACKAGE).as_posix() for path in files}


def inside(name: str, folders) -> bool:
    return any(name == folder or name.startswith(f"{folder}/") for folder in folders)


def test_declared_code_is_what_notebooks_reach(stages):
    """A stage depends on every file of the package that its notebook reaches, and a kind of stage on no folder in vain."""
    spare = {}
    for name, stage in stages.items():
        if name in COMMANDS:
            continue
        kind, files = name.split("@")[0], reached(stage)
        declared = {dep.removeprefix("wstal/") for dep in stage["deps"] if dep.startswith("wstal/")}
        known = (*declared, *GLUE, *SPARED[kind])
        missing = {file for file in files if not inside(file, known) and not file.endswith("__init__.py")}
        assert missing == set(), name
        spare[kind] = spare.get(kind, declared) & {one for one in declared if not any(inside(file, [one]) for file in files)}
    assert {kind: parts for kind, parts in spare.items() if parts - {"published/backbones.yaml"}} == {}


def test_what_trains_ahead_depends_on_the_code_that_training_does_and_no_stage_waits_for_it(stages):
    ahead = stages["networks"]
    code = {dep for dep in ahead["deps"] if dep.startswith("wstal/")}
    assert code | {"wstal/detect"} == {dep for dep in stages["train@clips"]["deps"] if dep.startswith("wstal/")}
    assert not any(set(ahead["outs"]) & set(stage["deps"]) for stage in stages.values())


def changed_files(raw, change) -> list[str]:
    """Files of the plan that a change of params.yaml changes."""
    before, after = (plan.files(parameters.load(one)) for one in (raw, merge(raw, change)))
    return sorted(name for name in after if after[name] != before.get(name))


def test_a_change_of_one_method_changes_the_rows_that_use_it_and_nothing_else(raw):
    """Of all files of the plan, LGBM-Net's parameters are in five."""
    found = changed_files(raw, {"methods": {"lgbm": {"base": {"params": {"top": 9}}}}})
    rows = ("facnet_table1", "leaderboard", "leaderboard_activitynet", "lgbm_table1", "thumos14-sim")
    assert found == [f"rows/{name}.yaml" for name in rows]


@pytest.mark.parametrize(
    ("change", "files"),
    [
        ({"entries": {"metric_table4": {"rows": {"blocks": {"params": {"k": 4}}}}}}, ["rows/metric_table4.yaml"]),
        ({"entries": {"metric_table4": {"evaluation": {"tious": [0.5]}}}}, ["judging/metric_table4.yaml"]),
        ({"datasets": {"clips": {"evaluation": {"caption": "Films."}}}}, ["judging/clips.yaml"]),
        ({"datasets": {"clips": {"features": {"slack_s": 0.7}}}}, ["datasets/clips.yaml"]),
        ({"datasets": {"clips": {"overrides": {"um": {"params": {"margin": 9.0}}}}}}, []),
        ({"datasets": {"thumos14": {"features": {"slack_s": 0.7}}}}, []),
        ({"smoke": {"rows": 2}}, []),
    ],
)
def test_a_change_reaches_what_it_changes(raw, change, files):
    assert changed_files(raw, change) == files


def test_code_of_a_method_is_in_the_plans_that_name_it(raw):
    rows = {name: content for name, content in plan.files(parameters.load(raw)).items() if isinstance(content, plan.RowsPlan)}
    assert [name for name, content in rows.items() if "methods/lgbm.py" in content.code] == [
        "rows/thumos14-sim.yaml", "rows/facnet_table1.yaml", "rows/lgbm_table1.yaml", "rows/leaderboard.yaml",
        "rows/leaderboard_activitynet.yaml",
    ]  # fmt: skip
    assert [name for name, content in rows.items() if "plugins/cw.py" in content.code] == ["rows/facnet_table5.yaml"]


def test_executed_notebook_is_an_output(stages):
    for name, stage in stages.items():
        if name not in COMMANDS:
            out = stage["cmd"][0].split()[5]
            assert out.endswith(".ipynb") and out in stage["outs"], name


def test_every_notebook_of_results_writes_the_files_that_its_stage_promises(raw):
    promised = ("metrics.write(", "entry_summary.write(", "table.save(", "plots.save(")
    for entry in (raw["entries"] | raw["ensembles"]).values():
        text = (ROOT / f"notebooks/{entry['notebook']}.ipynb").read_text(encoding="utf-8")
        assert [call for call in promised if call not in text] == [], entry["notebook"]


def test_commands_name_no_absolute_path_and_no_interpreter(stages):
    for stage in stages.values():
        assert all(command.startswith("python -m wstal.") for command in stage["cmd"])
        assert str(ROOT) not in " ".join(stage["cmd"])


def test_every_stage_opens_the_pipeline_and_no_small_copy(stages):
    for name, stage in stages.items():
        if name.split("@")[0] not in (*COMMANDS, "lessons", "speed", "tables"):
            assert "smoke=false" in stage["cmd"][0].split(), name


def test_what_dvc_shows_is_small():
    """`dvc metrics show` reads few numbers a file; what `dvc plots show` draws by name is made by a stage."""
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())
    listed = [next(iter(one)) for stage in pipeline["stages"].values() for one in stage.get("do", stage).get("metrics", [])]
    assert listed and all(path.startswith("reports/summary/") for path in listed)
    drawn = [path for plot in pipeline["plots"] for section in plot.values() for path in section["y"]]
    assert drawn and set(drawn) <= {f"reports/summary/{entry}.csv" for entry in parameters.load().reported}


def test_lock_is_up_to_date():
    """What is committed is what the pipeline would make: nothing would run again, not even on a clone without any cache."""
    done = subprocess.run([*DVC, "repro", "--allow-missing", "--dry"], cwd=ROOT, capture_output=True, text=True)
    assert "Data and pipelines are up to date." in done.stdout, done.stdout + done.stderr


def test_lock_and_pipeline_agree(stages):
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text())
    assert set(lock["stages"]) == set(stages)


def test_the_lock_holds_no_parameters_and_stays_small():
    text = (ROOT / "dvc.lock").read_text()
    assert not any("params" in stage for stage in yaml.safe_load(text)["stages"].values())
    assert len(text) < 150_000


def test_every_reported_file_is_there(stages):
    for stage in stages.values():
        for out in stage["outs"]:
            if out.startswith("reports/"):
                assert (ROOT / out).exists(), out


def test_the_plan_depends_on_the_code_whose_hashes_it_holds(stages):
    declared = tuple(dep for dep in stages["plan"]["deps"] if dep.startswith("wstal/"))
    plans = [yaml.safe_load(path.read_text()) for path in (ROOT / "reports/plan").rglob("*.yaml")]
    held = {f"wstal/{name}" for plan in plans for name in plan.get("code") or ()}
    assert held and sorted(name for name in held if not name.startswith(declared)) == []


def test_recipes_quote_the_folder_of_the_project():
    """It may hold blanks."""
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("\t")]
    named = [line for line in recipes if "$(CURDIR)" in line]
    assert named and all('"$(CURDIR)' in line for line in named)
