"""`wstal explain`: what dvc.lock, the plan and provenance.yaml know of a file, and what is said of one that was changed."""

import hashlib
import subprocess

import pytest
import yaml

from wstal.app import cli, provenance
from wstal.app.explain import explain, hashed
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.border import yamlfile


def git(folder, *words):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture
def pipeline(tmp_path):
    """A repository whose stage `results` judges what `train` has made."""
    plans = {
        "rows/t.yaml": {"seeds": [0, 1], "rows": {"um": {"preset": "released"}}},
        "judging/t.yaml": {"evaluation": {"protocol": "thumos-facnet", "tious": [0.1, 0.5]}},
    }
    for name, content in plans.items():
        (tmp_path / "reports/plan" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "reports/plan" / name).write_text(yaml.safe_dump(content))
    for name, text in (("reports/tables/t.md", "table"), ("wstal/nn/a.py", "x = 1"), ("requirements.lock", "a==1")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def stage(deps, outs):
        pairs = {"deps": deps, "outs": outs}
        return {"cmd": "python x"} | {k: [{"path": p, "md5": m} for p, m in v.items()] for k, v in pairs.items()}

    stages = {
        "train@t": stage(
            {"reports/plan/rows/t.yaml": "1", "wstal/nn/a.py": md5("x = 1"), "data/features/d": "2"}, {"runs/t": "3"}
        ),
        "results@t": stage({"runs/t": "3", "reports/plan/judging/t.yaml": "4"}, {"reports/tables/t.md": md5("table")}),
    }
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "a")
    return tmp_path


def test_a_table_is_explained_back_to_its_data(pipeline):
    text = explain(pipeline / "reports/tables/t.md", pipeline)
    head = git(pipeline, "rev-parse", "HEAD")
    for line in (
        "made by      stage results@t: python x", f"commit       {head} of ", f"as made      yes, md5 {md5('table')}",
        "presets      um released", "seeds        0, 1", "protocol     thumos-facnet at tIoU 0.1, 0.5",
        "data         data/features/d, md5 2\n", "data         runs/t, md5 3\n",
        f"code         wstal/nn/a.py, md5 {md5('x = 1')}\n",
        f"again        git checkout {head}; make setup; dvc repro results@t",
    ):  # fmt: skip
        assert line in text, line


def test_what_was_changed_since_is_said(pipeline):
    (pipeline / "reports/tables/t.md").write_text("other")
    (pipeline / "wstal/nn/a.py").write_text("x = 2")
    text = explain(pipeline / "reports/tables/t.md", pipeline)
    assert "as made      no: it was changed" in text and f"wstal/nn/a.py, md5 {md5('x = 1')} (changed since)" in text


def test_a_folder_is_hashed_as_dvc_does():
    lock = yamlfile.read(ROOT / "dvc.lock", "make it")
    outs = {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}
    assert hashed(ROOT / "reports/figures/facnet_table1") == outs["reports/figures/facnet_table1"]


def test_a_folder_beside_the_pipeline_is_explained_by_its_provenance(tmp_path, capsys):
    (tmp_path / "labels.csv").write_text("video,label\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/predictions.json").write_text("{}")
    arguments = ({"method": "um", "seed": "3"}, {"steps": 5}, {"labels.csv": tmp_path / "labels.csv"})
    origin = provenance.origin("wstal train labels.csv --out OUT", *arguments)
    provenance.write(tmp_path / "run", origin)
    before = (tmp_path / "run" / provenance.NAME).read_bytes()
    assert cli.main(["explain", str(tmp_path / "run/predictions.json")]) == 0
    text = capsys.readouterr().out
    digest = hashlib.sha256(b"{}").hexdigest()
    for line in (
        "made by      wstal train labels.csv --out OUT", f"as made      predictions.json: yes, sha256 {digest}",
        "settings     method um", "settings     seed 3", "data         labels.csv, sha256 ", "environment  python 3.",
    ):  # fmt: skip
        assert line in text, line
    assert str(tmp_path) not in before.decode()
    (tmp_path / "run" / provenance.NAME).unlink()
    provenance.write(tmp_path / "run", origin)
    assert (tmp_path / "run" / provenance.NAME).read_bytes() == before
    (tmp_path / "run/predictions.json").write_text("{ }")
    assert "as made      predictions.json: no: it was changed or added since" in explain(tmp_path / "run")


def test_a_file_of_nobody_is_a_sentence(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(UserError, match=r"a\.txt is no output of the pipeline, and no provenance\.yaml lies beside it"):
        explain(tmp_path / "a.txt")
    with pytest.raises(UserError, match=r"b\.txt is missing"):
        explain(tmp_path / "b.txt")
