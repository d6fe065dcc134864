"""Extraction on a cluster of two machines, one of which dies: the same parts, byte for byte, as on one machine."""

import sys
import time
from dataclasses import dataclass, replace

import numpy as np
import pytest

from tests.features.films import LEVEL, grey, write
from wstal.base.timegrid import TimeGrid
from wstal.features.extraction import extract as local
from wstal.features.extraction import scaleout
from wstal.features.extraction.extract import Extractor, VideoJob
from wstal.features.pixels.decode import Footage

pytestmark = pytest.mark.filterwarnings("default")  # what Ray does inside is not ours
GRID = TimeGrid(fps=25.0, stride_f=2, window_f=8)
PAUSE_S = 0.1


@dataclass(frozen=True)
class Network:
    """Tells the first and the last frame of a clip, slowly."""

    fps: float = 25.0
    window_f: int = 8
    offsets: tuple[int, ...] = (0, 7)
    short_side: int = 32
    size: int = 24

    def embed(self, clips):
        time.sleep(PAUSE_S)
        return np.round((clips.mean((2, 3, 4)) - 4) / LEVEL).astype(np.float32)

    def load(self):
        return self.embed


STREAM = Extractor(Network(), Network().load, iter, GRID, "a test network")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    films = {f"v{i:02d}": write(folder / f"v{i:02d}.mp4", grey(5 + 4 * i)) for i in range(12)}
    (folder / "noise.mp4").write_bytes(b"noise" * 1000)
    return films | {"noise": folder / "noise.mp4"}


@pytest.fixture(scope="module")
def cluster():
    """A head that computes nothing and two machines with two CPUs each, and a GPU each by name only."""
    ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
    pytest.importorskip("ray.data", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster

    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])  # machines cannot import this file
    memory = {"object_store_memory": 200 * 2**20}
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **memory})
    made.workers = [made.add_node(num_cpus=2, num_gpus=1, **memory) for _ in range(2)]
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_machine_dies_and_nothing_is_lost_or_doubled(videos, cluster, tmp_path, monkeypatch):
    local.extract(videos, {"rgb": STREAM}, tmp_path / "local", batch=4, workers=2)
    settled = []

    def settle(job, store, summary):
        settled.append(job.video)
        if len(settled) == 3:
            cluster.remove_node(cluster.workers.pop(), allow_graceful=False)
        local.settle(job, store, summary)

    monkeypatch.setattr(scaleout, "settle", settle)
    summary = scaleout.extract(videos, {"rgb": STREAM}, tmp_path / "cluster", batch=4, networks=2, gpus=0)
    assert sorted(settled) == sorted(videos) and len(cluster.workers) == 1
    assert (summary.computed, set(summary.failures)) == (12, {"noise"})
    assert tree(tmp_path / "cluster") == tree(tmp_path / "local")


def test_it_resumes(videos, cluster, tmp_path):
    some = {video: videos[video] for video in ("v00", "v05")}
    local.extract(some, {"rgb": STREAM}, tmp_path, batch=4, workers=1)
    summary = scaleout.extract(
        {v: videos[v] for v in ("v00", "v03", "v05")}, {"rgb": STREAM}, tmp_path, batch=4, networks=1, gpus=0
    )
    assert (summary.computed, summary.reused) == (1, 2)


def test_optical_flow_and_network_share_gpus(videos, cluster, tmp_path):
    """More networks than GPUs are left with would wait for each other for ever."""
    some = {video: videos[video] for video in ("v02", "v04", "v06")}
    stream = replace(STREAM, prepare=list)
    local.extract(some, {"flow": stream}, tmp_path / "local", batch=4, workers=1)
    assert scaleout.extract(some, {"flow": stream}, tmp_path / "cluster", batch=4, networks=1, gpus=1.0).computed == 3
    assert tree(tmp_path / "cluster") == tree(tmp_path / "local")


def test_decoding_and_network_are_steps_of_their_own(videos, cluster):
    jobs = {"v03": VideoJob("v03", Footage(videos["v03"]), [])}
    stats = scaleout._pipeline(jobs, STREAM, 4, 1, 0).materialize().stats()
    assert "MapBatches(decode)" in stats and "MapBatches(decode)->" not in stats


def test_rows_may_come_in_any_order_and_twice(videos):
    jobs = {v: VideoJob(v, Footage(videos[v]), []) for v in ("v03", "v04", "noise")}
    network = scaleout.Networks(STREAM, 4)
    tables = []
    for job in jobs.values():
        item = {"video": np.array([job.video]), "file": np.array([str(job.footage.path)])}
        tables += [network(table) for table in scaleout.decode(item, STREAM, 4)]
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(tables)), 2))
    found = list(scaleout.assemble(iter([tables[i] for i in order]), jobs))
    assert sorted(job.video for job in found) == ["noise", "v03", "v04"]
    rows = {job.video: [row.tolist() for row in job.rows] for job in found}
    assert rows["v03"] == [[t, t + 7] for t in range(0, 10, 2)] and rows["noise"] == []
    assert "cannot be decoded" in jobs["noise"].failure
