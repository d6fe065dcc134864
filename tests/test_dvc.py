"""DVC as docs/dvc.md shows it, in a clone: what it prints is small, an experiment runs, and a folder is a remote."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from wstal.base.paths import ROOT, Tree
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.report import entry_summary

PREPARED = "annotations@activitynet12-sim"  # a stage that takes seconds and makes what DVC keeps
BIN = Path(sys.executable).parent


def lines(word):
    """Commands of the shell block of docs/dvc.md in which this word stands."""
    (block,) = (b for b in re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs/dvc.md").read_text(), re.M | re.S) if word in b)
    return [shlex.split(line, comments=True) for line in block.splitlines()]


def run(words, folder):
    """What a command prints; it must succeed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DVC_STAGE")}
    environment |= {"PATH": f"{BIN}{os.pathsep}{environment['PATH']}", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The last commit with the working tree's files over it, and the summaries of the results that it has, committed."""
    folder = tmp_path_factory.mktemp("dvc") / "clone"
    run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder], tmp_path_factory.getbasetemp())
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    for entry in parameters.load().reported:
        entry_summary.write(metrics.read(entry, Tree(folder)), Tree(folder))
    for key, value in (("user.name", "test"), ("user.email", "test@example.org")):
        run(["git", "config", key, value], folder)
    run(["git", "add", "--all"], folder)
    run(["git", "commit", "--quiet", "--allow-empty", "-m", "as it is"], folder)
    return folder


def test_what_dvc_prints_and_an_experiment(clone):
    said = {" ".join(words[1:3]): run(words, clone) for words in lines("dvc metrics show")}
    shown = said["metrics show"].splitlines()
    assert shown[0].split() == ["Path", "best_mAP", "fails", "holds", "mean_mAP", "no_difference", "seeds", "undecided"]
    assert max(map(len, shown)) < 130
    page = (clone / "dvc_plots/index.html").read_text()
    assert "FAC-Net: average mAP on simulated features" in page and '"row": "BaS-Net"' in page
    plan = yaml.safe_load((clone / "reports/plan/rows/metric_table4.yaml").read_text())
    assert plan["seeds"] == [0, 1, 2, 3, 4]
    assert max(map(len, said["exp show"].splitlines())) < 200


def test_a_folder_is_a_remote(clone, tmp_path):
    """Push, clone elsewhere, pull: what was made is there, and nothing is computed again."""
    run(["git", "checkout", "--quiet", "--force", "."], clone)
    run(["dvc", "repro", PREPARED], clone)
    run(["git", "commit", "--quiet", "--all", "--allow-empty", "-m", "made"], clone)
    run(["dvc", "remote", "add", "--default", "store", tmp_path / "store"], clone)
    run(["git", "commit", "--quiet", "--all", "-m", "remote"], clone)
    run(["dvc", "push", PREPARED], clone)
    run(["git", "clone", "--quiet", clone, tmp_path / "elsewhere"], tmp_path)
    run(["dvc", "pull", PREPARED], tmp_path / "elsewhere")
    made = "data/annotations/activitynet12-sim/videos.json"
    assert (tmp_path / "elsewhere" / made).read_bytes() == (clone / made).read_bytes()
    assert "Data and pipelines are up to date." in run(["dvc", "repro", PREPARED], tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/reports/index.html").is_file()
