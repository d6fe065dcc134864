"""The feature store as it is read: what was written comes back, however many videos; faults are told from damage."""

import errno
import json
import os
import pickle
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wstal.base import manifest
from wstal.base.conversion import merge
from wstal.base.errors import MachineError, UserError
from wstal.base.manifest import Format, Manifest, Rows
from wstal.base.paths import ROOT
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Video
from wstal.data.bags import Bags
from wstal.data.sampling import Snippets
from wstal.data.store import ArrayStore, FeatureStore
from wstal.detect import detections
from wstal.features.extraction.importer import import_features

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
STREAMS = {"rgb": GRID, "flow": GRID}
MANY = 40_000


def store(folder, features):
    """Import {video: {stream: (T, D)}}, then open the store."""
    videos = tuple(Video(v, "train", GRID.coverage_s(len(x["rgb"])), ("Wave",)) for v, x in features.items())
    annotations = Annotations(("Wave",), videos, ())
    import_features(iter(features.items()), STREAMS, annotations, folder / "store", backbone="i3d", slack_s=0.1)
    return FeatureStore(folder / "store")


@pytest.fixture
def features():
    rng = np.random.default_rng(0)
    return {
        video: {"rgb": rng.normal(size=(t, 4)).astype("f4"), "flow": rng.normal(size=(t, 3)).astype("f2")}
        for video, t in (("b", 3), ("a", 5), ("c", 1))
    }


def test_known_store(tmp_path, features):
    found = store(tmp_path, features)
    assert found.videos == ("a", "b", "c") and found.dim("rgb") == 4 and found.grid(["flow", "rgb"]) == GRID
    assert found.manifest.videos["a"]["rgb"].start == 3 and found.manifest.videos["c"]["flow"].start == 8
    for video, streams in features.items():
        for stream, x in streams.items():
            kept = found.features(stream, video)
            assert kept.dtype == x.dtype and np.array_equal(kept, x) and isinstance(kept.base, np.memmap)


def values(t, d):
    """(T, D) float16 or float32, finite, as bits: zeros have signs."""
    shape = (t, d)
    finite = {"allow_nan": False, "allow_infinity": False}
    return st.one_of(
        arrays(np.float16, shape, elements=st.floats(width=16, **finite)),
        arrays(np.float32, shape, elements=st.floats(width=32, **finite)),
    )


@given(st.lists(st.integers(1, 4).flatmap(lambda t: st.tuples(values(t, 2), values(t, 3))), min_size=1, max_size=5))
def test_what_is_stored_comes_back(tmp_path_factory, videos):
    features = {f"v{i}": {"rgb": rgb, "flow": flow} for i, (rgb, flow) in enumerate(videos)}
    found = store(tmp_path_factory.mktemp("round"), features)
    for stream in STREAMS:
        wide = any(streams[stream].dtype == np.float32 for streams in features.values())
        assert found.manifest.streams[stream].dtype == ("float32" if wide else "float16")
        for video, streams in features.items():
            kept = found.features(stream, video)
            assert kept.tobytes() == streams[stream].astype(kept.dtype).tobytes()


def test_bags_of_arrays_in_memory_are_those_of_the_store(tmp_path, features):
    labels = np.eye(3, dtype=np.float32)
    stores = (store(tmp_path, features), ArrayStore(features, STREAMS))
    both = [Bags(one, ["rgb", "flow"], list("abc"), labels) for one in stores]
    assert both[0].dim == both[1].dim == 7 and both[0].grid == both[1].grid
    for how in (Snippets(kind="full", count=0), Snippets(kind="perturb", count=4), Snippets(kind="subset", count=2)):
        one, two = (bags.batch([1, 0, 2], how, np.random.default_rng(0)) for bags in both)
        assert all(np.array_equal(x, y) for x, y in zip(one, two, strict=True))


def test_batches_are_rows_of_the_joined_streams(tmp_path, features):
    bags = Bags(store(tmp_path, features), ["flow", "rgb"], list("ab"), np.zeros((2, 1), np.float32))
    x = bags.batch([0], Snippets(kind="subset", count=2), np.random.default_rng(0)).x
    joint = np.concatenate([features["a"]["flow"].astype("f4"), features["a"]["rgb"]], axis=1)
    drawn = np.sort(np.random.default_rng(0).choice(5, 2, replace=False))
    assert drawn.tolist() != [0, 1] and np.array_equal(x[0], joint[drawn])


def test_a_store_is_opened_again_in_another_process(tmp_path, features):
    found = store(tmp_path, features)
    found.features("rgb", "a")
    data = pickle.dumps(found)
    assert len(data) < 1000 and np.array_equal(pickle.loads(data).features("rgb", "a"), features["a"]["rgb"])


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A store of MANY videos in sparse files."""
    folder, dim = tmp_path_factory.mktemp("many"), 1024
    rng = np.random.default_rng(0)
    ends = np.cumsum(rng.integers(100, 300, MANY)).tolist()
    rows = [Rows(start=start, length=end - start, sha256="0" * 64) for start, end in zip([0, *ends], ends, strict=False)]
    for stream in STREAMS:
        np.lib.format.open_memmap(folder / f"{stream}.npy", "w+", np.float16, (ends[-1], dim))
    of_video = {f"video_{i:05d}": dict.fromkeys(STREAMS, one) for i, one in enumerate(rows)}
    streams = dict.fromkeys(STREAMS, Format(dim=dim, dtype="float16"))
    manifest.write(Manifest(backbone="i3d", grids=STREAMS, streams=streams, videos=of_video), folder)
    return folder


def descriptors():
    """How many this process holds."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_a_big_store_opens_at_once_with_a_descriptor_a_stream(many):
    before, start = descriptors(), time.process_time()
    found = FeatureStore(many)
    shapes = [found.features(stream, video).shape for stream in STREAMS for video in (found.videos[0], found.videos[-1])]
    assert time.process_time() - start < 1.0
    tracemalloc.start()
    for video in found.videos:
        found.features("rgb", video)
    assert tracemalloc.get_traced_memory()[1] < 1e6  # bytes: memory does not grow with what was read
    tracemalloc.stop()
    assert len(found.videos) == MANY and all(100 <= t < 300 and d == 1024 for t, d in shapes)
    assert descriptors() - before == len(STREAMS)


def wide(folder):
    np.save(folder / "rgb.npy", np.zeros((9, 4), np.float64))


def longer(folder):
    np.save(folder / "rgb.npy", np.zeros((10, 4), np.float32))


def cut(folder):
    path = folder / "rgb.npy"
    path.write_bytes(path.read_bytes()[:-1])


def trailing(folder):
    path = folder / "rgb.npy"
    path.write_bytes(path.read_bytes() + b"\0")


def noise(folder):
    (folder / "rgb.npy").write_bytes(b"\x93NUMPY\x01\x00\x0a\x00{'a': (((((")


def none(folder):
    (folder / "rgb.npy").unlink()


DAMAGE = {
    wide: "rgb.npy holds float64 of shape .*, its manifest says float32",
    longer: r"rgb.npy holds .* \(10, 4\) .*, its manifest says float32 of shape \(9, 4\)",
    cut: "rgb.npy is damaged",
    trailing: "rgb.npy is damaged",
    noise: "rgb.npy is damaged",
    none: "rgb.npy is missing",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda one: one.__name__)
def test_damaged_arrays_are_a_sentence(tmp_path, features, damage):
    found = store(tmp_path, features)
    damage(found.folder)
    with pytest.raises(UserError, match=DAMAGE[damage] + r"[^\n]*; make the features again with `dvc repro features`\.$"):
        found.features("rgb", "a")


def test_unknown_videos_and_streams_are_a_sentence(tmp_path, features):
    found = store(tmp_path, features)
    for stream, video in (("rgb", "d"), ("rgbd", "a")):
        with pytest.raises(UserError, match=rf"manifest\.json lists no {stream} features of video {video}; make"):
            found.features(stream, video)


OLD = {
    "videos": {"a": {"rgb": {"shape": [5, 4], "dtype": "float32", "sha256": ""}}},
    "streams": {"rgb": 4}, "grids": {"rgb": {"fps": 25.0, "stride_f": 16, "window_f": 16}}, "backbone": "i3d",
}  # fmt: skip


@pytest.mark.parametrize("text", ["{", "[]", "", "\xff", json.dumps(OLD)])
def test_a_damaged_or_old_manifest_is_a_sentence(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text.encode("latin1"))
    with pytest.raises(
        UserError, match=r"manifest\.json is damaged or of an older version \([^\n]*\); .*`dvc repro features`\.$"
    ):
        FeatureStore(tmp_path)


@pytest.mark.parametrize(
    ("number", "kind", "cure"),
    [
        (errno.EMFILE, MachineError, "`ulimit -n"),
        (errno.EACCES, UserError, "`chmod`"),
        (errno.EIO, UserError, "check the drive"),
    ],
)
def test_errors_of_the_system_are_not_called_damage(tmp_path, features, monkeypatch, number, kind, cure):
    found = store(tmp_path, features)

    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(np.lib.format, "open_memmap", refuse)
    with pytest.raises(kind, match=cure) as raised:
        found.features("rgb", "a")
    assert type(raised.value) is kind and "damaged" not in str(raised.value) and "rgb.npy" in str(raised.value)


TRAIN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from pathlib import Path
import yaml
from wstal.base.paths import Tree
from wstal.config import parameters, plan
from wstal.datasets import prepare
from wstal.training import experiment

tree = Tree(Path(sys.argv[1]))
params = parameters.load(yaml.safe_load((tree.root / "params.yaml").read_text()))
dataset = plan.of_dataset(params, "tiny")
prepare.annotate(dataset, tree)
prepare.extract(dataset, tree)
run = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]
weights = {network: tree.root / f"{network}.safetensors" for network in run.networks}
for network, path in weights.items():
    experiment.train_one(run, network, path)
experiment.localize_one(run, weights)
"""


def test_a_table_of_many_videos_trains_with_few_open_files(small, tmp_path):
    """300 videos of two streams where a process may hold 256 files open."""
    dataset = {"features": {"source": {"train_videos": 240, "test_videos": 60}}}
    rows = {"full": {"training": {"epochs": 1, "checkpoints": 0}}}
    raw = merge(small, {"datasets": {"tiny": dataset}, "entries": {"tiny_table": {"rows": rows}}})
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path)], cwd=ROOT, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = detections.read_json(tmp_path / "runs" / "tiny_table" / "full" / "0" / "predictions.json")
    assert len(found.videos) == 60
