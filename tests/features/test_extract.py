"""Videos to features through a network that says which frames it saw: batches, resuming, failures, the finished store."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.features.films import LEVEL, grey, write
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.data.store import FeatureStore
from wstal.features.extraction.extract import Extractor, extract, finished, make_store
from wstal.features.extraction.partfiles import Parts
from wstal.features.pixels.decode import Footage

GRID = TimeGrid(fps=25.0, stride_f=4, window_f=8)
FRAMES = {"a": 40, "b": 8, "c": 23, "d": 5, "e": 31}  # d is shorter than a window
SNIPPETS = {"a": 9, "b": 1, "c": 4, "d": 1, "e": 6}


@dataclass
class Network:
    """A network whose feature is the first and last frame of a clip, and its crop."""

    fps: float = 25.0
    window_f: int = 8
    offsets: tuple[int, ...] = (0, 2, 4, 7)
    short_side: int = 32
    size: int = 24
    fails_after: int = 10**9
    batches: tuple = ()

    def embed(self, clips):
        self.batches = (*self.batches, clips.shape)
        if len(self.batches) > self.fails_after:
            raise KeyboardInterrupt
        levels = (clips.mean((2, 3, 4)) - 4) / LEVEL
        return np.round(levels[:, [0, -1]]).astype(np.float32)


def stream(network, **changes):
    return replace(Extractor(network, lambda: network.embed, iter, GRID, "a test network"), **changes)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return {video: write(folder / f"{video}.mp4", grey(count)) for video, count in FRAMES.items()}


def run(videos, parts, network, **options):
    return extract(videos, {"rgb": stream(network)}, parts, **{"batch": 4, "workers": 2} | options)


def features(videos, parts):
    return {video: arrays["rgb"] for video, arrays in finished(videos, {"rgb": stream(Network())}, parts)}


def expected(video):
    last = FRAMES[video] - 1
    return [[min(first, last), min(first + 7, last)] for first in range(0, 4 * SNIPPETS[video], 4)]


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_every_snippet_of_every_video_once(videos, tmp_path, workers):
    network = Network()
    summary = run(videos, tmp_path, network, workers=workers)
    assert {video: x.tolist() for video, x in features(videos, tmp_path).items()} == {v: expected(v) for v in FRAMES}
    assert (summary.computed, summary.reused, summary.warnings, summary.failures) == (5, 0, {}, {})
    assert set(network.batches) == {(4, 4, 24, 24, 3)} and len(network.batches) == 6  # 21 snippets in full batches of 4


def test_batches_go_across_videos_and_the_last_one_is_filled_up(videos, tmp_path):
    network = Network()
    run(videos, tmp_path, network, batch=16)
    assert network.batches == ((16, 4, 24, 24, 3),) * 2


def test_flow_takes_the_place_of_frames(videos, tmp_path):
    def brighter(frames):
        for frame in frames:
            yield frame[..., :2] + LEVEL

    network = Network()
    extract({"b": videos["b"]}, {"flow": stream(network, prepare=brighter)}, tmp_path, batch=1, workers=1)
    assert network.batches == ((1, 4, 24, 24, 2),)
    part = Parts(tmp_path / "flow", "a test network", GRID).load("b", videos["b"])
    assert part.features.tolist() == [[1, 8]]


def tree(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("after", range(6))
def test_stopped_and_resumed_leaves_the_same_bytes(videos, tmp_path, after):
    """Whatever batch it stops in, what is there is whole, and the rest follows without computing a video twice."""
    run(videos, tmp_path / "whole", Network())
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "parts", Network(fails_after=after))
    before = tree(tmp_path / "parts")
    assert all(tree(tmp_path / "whole")[name] == data for name, data in before.items())
    summary = run(videos, tmp_path / "parts", Network())
    assert summary.reused == len(before) and summary.computed == 5 - len(before)
    assert tree(tmp_path / "parts") == tree(tmp_path / "whole")


def test_nothing_is_done_twice(videos, tmp_path):
    run(videos, tmp_path, Network())
    unloadable = stream(Network(), load=lambda: pytest.fail("the network was loaded in vain"))
    assert extract(videos, {"rgb": unloadable}, tmp_path, batch=4, workers=2).reused == 5


def test_what_has_changed_is_done_again(videos, tmp_path):
    mine = dict(videos) | {"b": write(tmp_path / "b.mp4", grey(8))}
    parts = tmp_path / "parts"
    run(mine, parts, Network())
    write(mine["b"], grey(12))
    assert run(mine, parts, Network()).computed == 1 and len(features(mine, parts)["b"]) == 2
    other = {"rgb": stream(Network(), origin="another network")}
    assert extract(mine, other, parts, batch=4, workers=2).computed == 5
    finer = {"rgb": replace(other["rgb"], grid=TimeGrid(25.0, 2, 8))}
    assert extract(mine, finer, parts, batch=4, workers=2).computed == 5


def test_a_damaged_part_is_made_again(videos, tmp_path):
    run(videos, tmp_path, Network())
    (path,) = (tmp_path / "rgb").glob("a-*.safetensors")
    path.write_bytes(path.read_bytes()[:-10])
    assert run(videos, tmp_path, Network()).computed == 1 and features(videos, tmp_path)["a"].tolist() == expected("a")


def test_files_of_one_name_in_two_places_and_files_that_move(videos, tmp_path):
    """Neither are their parts mixed up, nor is one made again."""
    others = {"a": tmp_path / "other" / "a.mp4"}
    others["a"].parent.mkdir()
    write(others["a"], grey(9))
    for some, computed in (({"a": videos["a"]}, 1), (others, 1), ({"a": videos["a"]}, 0)):
        assert run(some, tmp_path, Network()).computed == computed
    moved = {"a": others["a"].rename(tmp_path / "moved.mp4")}
    assert run(moved, tmp_path, Network()).computed == 0 and len(features(moved, tmp_path)["a"]) != len(expected("a"))


def test_a_part_is_never_seen_half_written(videos, tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "write_bytes", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError):
        run(videos, tmp_path, Network())
    assert tree(tmp_path) == {}


def test_a_part_with_a_flipped_bit_is_made_again(videos, tmp_path):
    one = {"a": videos["a"]}
    run(one, tmp_path, Network())
    (part,) = tmp_path.rglob("a-*.safetensors")
    whole = part.read_bytes()
    for damaged in (whole[:-4], whole[:-1] + bytes([whole[-1] ^ 1])):
        part.write_bytes(damaged)
        assert run(one, tmp_path, Network()).computed == 1 and part.read_bytes() == whole
    assert run(one, tmp_path, Network()).computed == 0


@pytest.mark.parametrize("threads", [1, 3])
def test_batches_side_by_side_come_in_their_order(videos, tmp_path, threads, monkeypatch):
    """However many threads there are, each network works in one."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    run(videos, tmp_path, Network())
    assert set(asked) == {1}
    for video in videos:
        np.testing.assert_array_equal(features(videos, tmp_path)[video], expected(video))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_share_the_videos(videos, tmp_path, count):
    shares = [run(videos, tmp_path, Network(), shard=(i, count)) for i in range(1, count + 1)]
    assert sum(share.computed for share in shares) == 5 and all(share.reused == 0 for share in shares)
    assert set(features(videos, tmp_path)) == set(FRAMES)


def broken(videos, tmp_path):
    """The videos, a file that is no video, one that is not there, and one that was cut short."""
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(b"noise" * 100)
    film = [np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8) for i in range(60)]
    cut = write(tmp_path / "cut.mp4", film, options={"bf": "0"}, muxer={"movflags": "faststart"})
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 3])
    return dict(videos) | {"noise": noise, "absent": tmp_path / "absent.mp4", "cut": cut}


def test_the_run_goes_on_past_files_that_fail(videos, tmp_path):
    mine = broken(videos, tmp_path)
    for repeat in range(2):
        summary = run(mine, tmp_path / "parts", Network())
        assert set(summary.failures) == {"noise", "absent"} and set(summary.warnings) == {"cut"}
        assert "noise.mp4 cannot be decoded" in summary.failures["noise"] and "is missing" in summary.failures["absent"]
        assert any("pictures end at" in warning for warning in summary.warnings["cut"])
        assert (summary.computed, summary.reused) == ((6, 0) if repeat == 0 else (0, 6))
    assert set(features(mine, tmp_path / "parts")) == {*FRAMES, "cut"}


def test_features_that_are_no_numbers_are_a_failure_and_no_part(videos, tmp_path):
    network = Network()
    sick = stream(network, load=lambda: lambda clips: network.embed(clips) * np.nan)
    summary = extract(videos, {"rgb": sick}, tmp_path, batch=4, workers=1)
    assert set(summary.failures) == set(FRAMES) and "NaN or infinite" in summary.failures["a"] and not tree(tmp_path)


@pytest.mark.parametrize(("key", "value"), [("fps", 30.0), ("window_f", 16)])
def test_another_grid_than_the_networks_is_one_sentence(videos, tmp_path, key, value):
    network = replace(Network(), **{key: value})
    with pytest.raises(UserError, match=rf"`grid` has {key} .* stream 'rgb' was trained with {value}; set {key} to {value}\."):
        run(videos, tmp_path, network)


def annotations(names, duration_s=None):
    """`duration_s` is that of a, where not the true one."""
    lengths_s = {v: FRAMES[v] / 25 for v in names} | ({"a": duration_s} if duration_s else {})
    labelled = tuple(Video(v, "test" if v == "a" else "train", lengths_s[v], ("Wave",)) for v in names)
    return Annotations(("Wave",), labelled, (Segment("a", "Wave", 0.2, 1.0),))


def store(videos, tmp_path, duration_s=None, slack_s=1.0):
    """Extract, then make the store; -> the summary of extraction."""
    streams = {"rgb": stream(Network()), "flow": stream(Network(), origin="the same again")}
    listed = annotations([v for v in videos if v in FRAMES], duration_s)
    summary = extract(videos, streams, tmp_path / "parts", batch=4, workers=2)
    make_store(videos, streams, listed, tmp_path / "store", tmp_path / "parts", summary=summary, slack_s=slack_s, overrun=())
    return summary


def test_the_store_is_what_training_reads(videos, tmp_path):
    store(videos, tmp_path)
    found = FeatureStore(tmp_path / "store")
    assert found.videos == tuple(FRAMES) and found.grid(["rgb"]) == GRID and found.dim("flow") == 2
    assert {video: found.features("rgb", video).tolist() for video in FRAMES} == {v: expected(v) for v in FRAMES}
    manifest = json.loads((tmp_path / "store" / "manifest.json").read_text())
    assert manifest["backbone"] == "flow: the same again; rgb: a test network"


def test_no_store_while_a_video_has_no_features(videos, tmp_path):
    mine = broken(videos, tmp_path)
    sentence = r"^2 of 8 videos have no features \(absent: [^\n]* is missing;.* \| noise: .* cannot be decoded: .*\); mend them"
    with pytest.raises(UserError, match=sentence + r".*`exclude: \[absent, noise\]`[^\n]*\.$"):
        store(mine, tmp_path)
    assert not (tmp_path / "store").exists()
    assert store(videos, tmp_path).reused == 2 * len(FRAMES)


def test_of_many_failures_five_are_quoted_and_all_counted(videos, tmp_path):
    absent = {f"x{i}": tmp_path / f"x{i}.mp4" for i in range(7)}
    with pytest.raises(UserError) as raised:
        store(dict(videos) | absent, tmp_path)
    sentence = str(raised.value)
    assert sentence.startswith("7 of 12 videos have no features (x0: ") and sentence.count("is missing") == 5
    assert " | and 2 more); " in sentence and f"[{', '.join(absent)}]" in sentence


def test_the_store_notes_damaged_files(videos, tmp_path):
    """Those that cover enough of their length pass with a warning, also when their parts are there from before."""
    mine = {"a": broken(videos, tmp_path)["cut"]} | {video: videos[video] for video in "bcd"}
    for _ in range(2):
        store(mine, tmp_path, duration_s=1.0)
        manifest = json.loads((tmp_path / "store" / "manifest.json").read_text())
        assert set(manifest["warnings"]) == {"a"} and any("pictures end at" in line for line in manifest["warnings"]["a"])
    store(videos, tmp_path)
    assert "warnings" not in json.loads((tmp_path / "store" / "manifest.json").read_text())


@pytest.mark.parametrize(("duration_s", "slack_s"), [(10.0, 1.0), (1.0, 0.01)], ids=["length", "segment"])
def test_a_file_that_ends_early_is_said_to_do_so(videos, tmp_path, duration_s, slack_s):
    mine = {"a": broken(videos, tmp_path)["cut"]}
    sentence = r"^features of a, stream rgb: \d+ snippets cover .*; its file ends early or is damaged: .*pictures end at"
    with pytest.raises(UserError, match=sentence + r".* of 2\.40 s; replace it or `exclude` the video\.$"):
        store(mine, tmp_path, duration_s=duration_s, slack_s=slack_s)


def test_memory_does_not_grow_with_length(tmp_path, monkeypatch):
    """Frames that are alive at once, of a video of 60 and of one of 600 frames: as many."""
    alive, most = set(), []

    def counted(self, fps, short_side):
        length = int(self.path.stem)
        for _ in range(length):
            frame = np.zeros((32, 32, 3), np.uint8).view(Counted)
            alive.add(id(frame))
            most[-1] = max(most[-1], len(alive))
            yield frame

    class Counted(np.ndarray):
        def __del__(self):
            alive.discard(id(self))

    monkeypatch.setattr(Footage, "frames", counted)
    for length in (60, 600):
        most.append(0)
        path = tmp_path / f"{length}.mp4"
        path.touch()
        assert run({"v": path}, tmp_path / "parts", Network()).computed == 1
    assert most[0] == most[1] <= 10
