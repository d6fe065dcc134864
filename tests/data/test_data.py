"""From files to bags: labels without times, memory-mapped features, padding and masks."""

import json

import numpy as np
import pytest
import torch

from tests.made import dataset_plan
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.data import labels
from wstal.data.bags import Bags
from wstal.data.prepared import Prepared
from wstal.data.sampling import Snippets
from wstal.data.store import FeatureStore
from wstal.datasets import prepare

FULL = Snippets(kind="full", count=0)


@pytest.fixture
def store(prepared):
    return FeatureStore(prepared[1].features("tiny"))


@pytest.fixture
def table(prepared):
    return labels.read(prepared[1].annotations("tiny") / "videos.json")


@pytest.fixture
def bags(store, table):
    videos = table.subset("train", 0)
    return Bags(store, ["flow"], [video.id for video in videos], table.multi_hot(videos))


def test_labels_are_all_that_training_reads(prepared, table):
    """Nothing in videos.json but the length of the video is a time."""
    content = json.loads((prepared[1].annotations("tiny") / "videos.json").read_text())
    assert set(content) == {"classes", "videos"}
    assert all(set(video) - {"draw"} == {"id", "subset", "duration_s", "labels"} for video in content["videos"])
    hot = table.multi_hot(table.subset("train", 0))
    assert hot.shape == (24, 6) and set(np.unique(hot)) == {0.0, 1.0} and hot.sum(1).min() >= 1


@pytest.mark.parametrize(("subset", "counts"), [("train", True), ("test", False)])
def test_trained_networks_depend_on_training_videos_alone(prepared, subset, counts):
    data = Prepared.of(prepared[1], "tiny", 0)
    before = data.content()
    del data.store.manifest.videos[data.videos(subset)[0].id]
    assert (data.content() != before) is counts


def test_a_file_with_times_is_refused(tmp_path):
    path = tmp_path / "videos.json"
    video = {"id": "v", "subset": "train", "duration_s": 1.0, "labels": ["a"]}
    path.write_text(json.dumps({"classes": ["a"], "videos": [video], "segments": [[0, 1]]}))
    with pytest.raises(UserError, match=r"videos\.json"):
        labels.read(path)
    path.write_text("{")
    with pytest.raises(UserError, match="damaged"):
        labels.read(path)
    with pytest.raises(UserError, match="missing"):
        labels.read(tmp_path / "none.json")


def test_features_stay_on_disk_until_used(store):
    array = store.features("rgb", store.videos[0])
    assert isinstance(array, np.memmap) and array.dtype == np.float16
    assert store.dim("rgb") == 16 == array.shape[1]


def test_batches_pad_and_mask(bags):
    batch = bags.batch([0, 3, 5], FULL, np.random.default_rng(0))
    lengths = [len(bags.features(i)) for i in (0, 3, 5)]
    assert batch.x.shape == (3, max(lengths), 16) and batch.mask.sum(1).tolist() == lengths
    assert batch.x[~batch.mask].abs().sum() == 0
    np.testing.assert_array_equal(batch.x[1, : lengths[1]], bags.features(3))
    assert torch.equal(batch.labels, bags.labels[[0, 3, 5]])


def test_early_fusion_concatenates(store, bags):
    joint = Bags(store, ["rgb", "flow"], bags.videos, bags.labels.numpy())
    assert joint.dim == 32
    np.testing.assert_array_equal(joint.features(2)[:, 16:], bags.features(2))
    batch = joint.batch([2, 4], FULL, np.random.default_rng(0))
    assert all(np.array_equal(x[mask], joint.features(i)) for x, mask, i in zip(batch.x, batch.mask, (2, 4), strict=True))
    assert torch.equal(joint.rows(2, np.array([1, 3])).float(), torch.from_numpy(joint.features(2)[[1, 3]]))


def test_samplers_reach_the_batch(bags):
    batch = bags.batch([0, 1], Snippets(kind="perturb", count=7), np.random.default_rng(0))
    assert batch.x.shape[1] == 7 and batch.mask.all()


def test_a_missing_store_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.json"):
        FeatureStore(tmp_path)


def test_streams_on_different_grids_are_not_joined(store, bags, monkeypatch):
    assert store.grid(["rgb", "flow"]) == bags.grid
    monkeypatch.setitem(store.grids, "flow", TimeGrid(fps=25.0, stride_f=32, window_f=32))
    sentence = (
        r"^[^\n]*features/tiny: streams 'rgb' and 'flow' lie on different time grids .*; set `streams` in params\.yaml .*\.$"
    )
    with pytest.raises(UserError, match=sentence):
        Bags(store, ["rgb", "flow"], bags.videos, bags.labels.numpy())
    assert Bags(store, ["flow"], bags.videos, bags.labels.numpy()).grid.stride_f == 32


def test_grids_of_params_yaml_reach_the_reader_and_the_store(small, tmp_path):
    features = small["datasets"]["tiny"]["features"] | {"grids": {"flow": {"fps": 25.0, "stride_f": 32, "window_f": 32}}}
    manifest = prepare.extract(dataset_plan("tiny", features), Tree(tmp_path))
    assert FeatureStore(Tree(tmp_path).features("tiny")).grid(["flow"]) == TimeGrid(fps=25.0, stride_f=32, window_f=32)
    for rows in manifest.videos.values():
        assert rows["flow"].length == rows["rgb"].length // 2
