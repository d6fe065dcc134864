"""Weak supervision by experiment: what training makes does not depend on when actions happen."""

import json
import random
import shutil

import pytest

from wstal.base import paths
from wstal.base.paths import Tree
from wstal.config import plan
from wstal.training import experiment


@pytest.fixture
def trained(prepared, tmp_path, monkeypatch):
    """trained(change) -> {file: bytes} of a run on a copy of the small dataset, after change(its segments.json)."""
    params, tree = prepared
    monkeypatch.setattr(experiment, "parallel", lambda function, jobs, what, sizes=(): [function(*job) for job in jobs])

    def trained(change):
        root = tmp_path / change.__name__
        shutil.copytree(tree.root / "data", root / "data")
        change(Tree(root).annotations("tiny") / "segments.json")
        monkeypatch.setattr(paths, "CACHE", root / "cache")
        run = experiment.runs(plan.of_rows(params, "tiny_table"), Tree(root))[0]
        experiment.train_all([run])
        return {path.name: path.read_bytes() for path in run.folder.iterdir()}

    return trained


def as_it_is(path):
    assert path.is_file()


def absent(path):
    path.unlink()


def at_random(path):
    content, rng = json.loads(path.read_text()), random.Random(0)
    for entry in content["database"].values():
        for one in entry["annotations"]:
            one["segment"] = sorted(rng.uniform(0, entry["duration"]) for _ in range(2))
    assert content != json.loads(path.read_text())
    path.write_text(json.dumps(content))


def test_training_makes_the_same_whatever_the_times_are(trained):
    whole = trained(as_it_is)
    assert {"rgb.safetensors", "predictions.json", "run.yaml"} <= set(whole)
    assert trained(absent) == whole
    assert trained(at_random) == whole


def test_other_labels_make_other_weights(trained):
    """The comparison sees what training does depend on."""

    def relabelled(path):
        videos = path.with_name("videos.json")
        content = json.loads(videos.read_text())
        labels = [video["labels"] for video in content["videos"] if video["subset"] == "train"]
        labels[0][:], labels[1][:] = labels[1] or content["classes"][:1], content["classes"][-1:]
        videos.write_text(json.dumps(content))

    assert trained(relabelled)["rgb.safetensors"] != trained(as_it_is)["rgb.safetensors"]
