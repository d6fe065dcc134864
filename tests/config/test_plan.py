"""The plan: every file comes back as it was, and one that does not is a sentence."""

import pytest

from wstal.app import opening
from wstal.app import write_plan as stage
from wstal.base import conversion
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.config import parameters, plan
from wstal.config.plan import DatasetPlan, EnsemblePlan, JudgingPlan, RowsPlan


@pytest.fixture(scope="module")
def written(raw, tmp_path_factory):
    """(tree with the whole plan, {file: its content})."""
    tree = Tree(tmp_path_factory.mktemp("plan"))
    stage.write(raw, tree)
    return tree, plan.files(parameters.load(raw))


def test_every_file_comes_back(written):
    tree, files = written
    for name, content in files.items():
        if not isinstance(content, JudgingPlan):  # what is written also holds what the paper prints
            assert plan.read(tree.plan() / name, type(content)) == content, name


def test_a_judging_plan_holds_what_the_paper_prints(written):
    tree, files = written
    found = plan.read(tree.plan() / "judging/facnet_table1.yaml", JudgingPlan)
    assert found.evaluation == files["judging/facnet_table1.yaml"].evaluation
    assert found.printed["rows"]["full"]["values"][-1] == 42.2
    assert {"text", "better", "worse"} <= set(found.printed["claims"][0])


def test_lessons_open_the_small_copy_that_the_plan_holds(written):
    rows = plan.read(written[0].plan() / "lessons/rows.yaml", RowsPlan)
    assert rows.entry == stage.LESSONS and rows.seeds == (0,) and len(rows.rows) == 6


@pytest.mark.parametrize(
    ("file", "kind", "text"),
    [
        ("rows/metric_table4.yaml", RowsPlan, "[1]"),
        ("rows/metric_table4.yaml", RowsPlan, "entry: a\nrows: 3\n"),
        ("rows/metric_table4.yaml", RowsPlan, "entry: a\nrows: {b: {method: um}}\n"),
        ("rows/lgbm_union.yaml", EnsemblePlan, "entry: a\n"),
        ("datasets/clips.yaml", DatasetPlan, "name: [\n"),
        ("judging/clips.yaml", JudgingPlan, ""),
    ],
)
def test_another_content_is_a_sentence(tmp_path, file, kind, text):
    path = tmp_path / file
    path.parent.mkdir()
    with pytest.raises(UserError, match=r"is missing; make it with `dvc repro plan`\.$"):
        plan.read(path, kind)
    path.write_text(text)
    with pytest.raises(UserError, match=path.name) as caught:
        plan.read(path, kind)
    assert "\n" not in str(caught.value)


def test_notebooks_open_the_pipelines_plan(written, prepared, small, monkeypatch):
    """What a stage opens is what the plan says, on the data that lie in the same tree."""
    params, tree = prepared
    stage_tree = Tree(tree.root)
    monkeypatch.setattr(opening, "PIPELINE", stage_tree)
    for name, content in plan.files(params).items():
        stage.files.write(stage_tree.plan() / name, conversion.text(content))
    found, where = opening.dataset("tiny", smoke=False)
    assert where is stage_tree and found == plan.of_dataset(params, "tiny")
    runs = opening.runs("tiny_table", smoke=False)
    assert [(run.row, run.seed) for run in runs] == [("full", 0), ("full", 1), ("no_background", 0), ("no_background", 1)]
    assert runs[0].settings == plan.of_rows(params, "tiny_table").rows["full"]
    judged = opening.judging("tiny_table", smoke=False)
    assert judged.evaluation == plan.of_judging(params, "tiny_table").evaluation and len(judged.runs) == 4
