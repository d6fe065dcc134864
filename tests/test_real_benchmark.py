"""The script for small real benchmarks: what it holds out and hides, how it chooses, that all its rows are well-formed."""

import json
import runpy
from types import SimpleNamespace

import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.paths import ROOT, Tree
from wstal.base.types import Detections, Video
from wstal.config import parameters, plan
from wstal.data.labels import Labels
from wstal.datasets.readers import _database

GIVEN = SimpleNamespace(seeds=[0, 1], rows=[], mode="reproducible", alone=["Fight"])


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "scripts" / "real_benchmark.py"))


@pytest.fixture
def root(tmp_path):
    """Twelve training videos and two of validation, with times."""
    one = [
        {"label": "Fight", "segment": [1.0, 2.0]},
        {"label": "Fight", "segment": [3.0, 4.0]},
        {"label": "Run", "segment": [5, 6]},
    ]
    videos = {f"t{i:02}": {"subset": "training", "duration": 32.0, "annotations": one} for i in range(12)}
    videos |= {f"v{i}": {"subset": "validation", "duration": 32.0, "annotations": one} for i in range(2)}
    (tmp_path / "annotations.json").write_text(json.dumps({"database": videos}))
    (tmp_path / "meta.json").write_text(json.dumps({"videos": {"v0": {"kind": "natural"}, "t01": {"kind": "natural"}}}))
    return tmp_path


@pytest.fixture
def benchmark(root):
    return _database.read(root / "annotations.json", "").entries


def test_a_fifth_is_held_out_and_no_time_is_written(script, benchmark, tmp_path):
    tree = Tree(tmp_path / "work")
    script["write_labels"](tree, benchmark)
    assert (tree.root / "test.txt").read_text().split() == script["held_out"](benchmark) == ["t00", "t05", "t10"]
    assert len((tree.root / "train.txt").read_text().split()) == 9
    written = json.loads((tree.root / "labels.json").read_text())["database"]
    assert set(written) == {video for video in benchmark if video.startswith("t")}
    assert all(video["annotations"] == [{"label": "Fight"}, {"label": "Run"}] for video in written.values())


def test_every_row_is_scaled_to_the_size_of_the_benchmark(script, root, benchmark):
    raw = script["raw_parameters"](GIVEN, root, Tree(root / "work"), benchmark)
    params = parameters.load(raw)
    rows = plan.of_rows(params, "real").rows
    assert {row.method for row in rows.values()} == set(params.methods)
    assert params.dataset("real").scaled.length_t == pytest.approx(100) and params.dataset("held").scaled.videos == 9
    assert params.dataset("real").evaluation.video_groups == {"natural": ("v0",)}
    assert params.dataset("real").evaluation.class_groups == {"Fight": ("Fight",)}
    assert rows["co2"].params.attention_hidden == 512 and rows["co2"].streams == ("rgb", "change")
    few = plan.of_rows(parameters.load(script["raw_parameters"](few_rows(), root, Tree(root), benchmark)), "held")
    assert list(few.rows) == ["co2", "sal"]


def few_rows():
    return SimpleNamespace(**GIVEN.__dict__ | {"rows": ["sal", "co2"]})


def test_average_precision_by_hand(script):
    """Shown, not, shown: (1 + 2/3) / 2; what has no detection is not found."""
    shown, score = np.array([True, False, True]), np.array([3.0, 2.0, 1.0])
    assert script["average_precision"](shown, score) == pytest.approx((1 + 2 / 3) / 2)
    assert script["average_precision"](shown, np.array([3.0, 2.0, -np.inf])) == 0.5


def test_videos_are_told_apart_by_their_best_detections(script):
    """a is shown by v and found best there; b by w, and found in v alone."""
    labels = Labels(("a", "b"), (Video("v", "test", 9.0, ("a",)), Video("w", "test", 9.0, ("b",))))
    index = np.array([[0, 1, 0], [0, 0, 1]], dtype=np.int32)
    found = Detections(("v", "w"), ("a", "b"), *index, np.zeros(3), np.ones(3), np.array([0.9, 0.8, 0.7]))
    assert script["told_apart"](found, labels) == pytest.approx(50)


def test_a_folder_without_annotations_is_a_sentence(script, tmp_path):
    with pytest.raises(UserError, match=r"annotations\.json is missing; name a folder"):
        _database.read(tmp_path / "annotations.json", script["CURE"])


def test_features_that_are_missing_are_a_sentence(script, root, benchmark):
    (root / "work").mkdir()
    with pytest.raises(UserError, match=r"t00\.npy \(and 13 more\) is missing; name a folder"):
        script["write_change"](root, Tree(root / "work"), benchmark)
