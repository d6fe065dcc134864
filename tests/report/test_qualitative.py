"""Looking into models: videos chosen by the stated rule, detections of one class, snippets inside instances, purity."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.made import make_detections, make_truth
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.config import plan
from wstal.detect import detections
from wstal.report import qualitative
from wstal.training import experiment

# video: instances as class indices; a and b show class 0 alone, c shows it most often but with class 1
SHOWN = {"a": [0], "b": [0, 0, 0], "c": [0, 0, 0, 0, 0, 1], "d": [1]}
DURATIONS_S = {"a": 10.0, "b": 10.0, "c": 10.0, "d": 10.0}
GRID = TimeGrid(1.0, 1, 1)  # a snippet a second


def truth(shown):
    instances = [(v, c) for v, classes in enumerate(shown.values()) for c in classes]
    times = [(v, c, t, t + 1) for t, (v, c) in enumerate(instances)]
    return make_truth(times, videos=tuple(shown), labels=("Dive", "CliffDive", "Run"))


def judging(table, durations_s=None, runs=()):
    """A stand-in for an entry of facnet_table1 with this truth."""
    first = SimpleNamespace(data=SimpleNamespace(durations_s=lambda: durations_s))
    return SimpleNamespace(entry="facnet_table1", truth_of=lambda run: table, runs=list(runs) or [first])


@pytest.fixture
def shown():
    """An entry whose truth is SHOWN."""
    return judging(truth(SHOWN), DURATIONS_S)


def run(tmp_path, name, seed, rows, videos=("a", "b"), labels=("x", "y")):
    """A stand-in for a run that detected rows (video, label, start_s, end_s, score)."""
    path = tmp_path / f"{name}{seed}.json"
    detections.write_json(make_detections(rows, videos, labels), path)
    data = SimpleNamespace(durations_s=lambda: {"a": 10.0, "b": 4.4})
    return SimpleNamespace(row=name, seed=seed, data=data, predictions=lambda: path)


def test_videos_of_one_class_come_first(shown):
    assert qualitative.choose(shown, "Dive", "sparsest") == "a"
    assert qualitative.choose(shown, "Dive", "densest") == "b"


def test_a_class_that_never_stands_alone_has_a_video_too():
    some = judging(truth({video: SHOWN[video] for video in "abc"}), DURATIONS_S)
    assert qualitative.choose(some, "CliffDive", "median") == "c"


def test_a_class_that_no_video_shows_is_a_sentence(shown):
    with pytest.raises(UserError, match="Run"):
        qualitative.choose(shown, "Run", "median")


def test_the_run_of_a_row_is_that_of_its_first_seed(tmp_path):
    runs = [run(tmp_path, name, seed, []) for name in ("full", "um") for seed in (0, 1)]
    assert qualitative.row(judging(None, runs=runs), "um") is runs[2]
    with pytest.raises(UserError, match=r"no row 'xy' here; name one of .*um"):
        qualitative.row(judging(None, runs=runs), "xy")


def test_detections_of_one_video_and_class_lowest_score_first(tmp_path):
    rows = [(0, 0, 1, 2, 0.9), (0, 1, 3, 4, 0.8), (1, 0, 5, 6, 0.7), (0, 0, 7, 8, 0.1), (1, 1, 9, 10, 0.5)]
    one = run(tmp_path, "full", 0, rows)
    assert qualitative.detected(one, "a", "x").tolist() == [[7, 8, 0.1], [1, 2, 0.9]]
    assert qualitative.detected(one, "b", "y").tolist() == [[9, 10, 0.5]]
    assert qualitative.detected(one, "c", "x").shape == qualitative.detected(one, "a", "z").shape == (0, 3)


def test_one_video_is_a_bag_of_its_own(prepared):
    params, tree = prepared
    one = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]
    test = one.data.bags(("rgb",), "test")
    cut = qualitative.one_video(one, "rgb", test.videos[2])
    assert cut.videos == (test.videos[2],) and cut.labels.tolist() == test.labels[2:3].tolist()
    np.testing.assert_array_equal(cut.features(0), test.features(2))


def test_compared_models_by_hand(tmp_path, monkeypatch):
    """Video a shows y, b shows x twice and y once: curves, detections and truth are those of x in b."""
    table = make_truth([(0, 1, 0, 1), (1, 0, 1, 2), (1, 1, 0, 4), (1, 0, 3, 4)], videos=("a", "b"), labels=("x", "y"))
    rows = {"full": [(1, 0, 1, 2, 0.5), (1, 1, 0, 3, 0.9)], "um": [(0, 0, 0, 1, 0.5)]}
    runs = [run(tmp_path, name, seed, found) for name, found in rows.items() for seed in (0, 1)]
    activation = {"full": [[0, 9], [2, 9], [1, 0], [2, 0]], "um": [[4, 0], [0, 0], [0, 9], [0, 9]]}
    scores = {
        name: VideoScores(np.array(values, dtype=float), np.zeros(2), np.arange(4.0)) for name, values in activation.items()
    }
    monkeypatch.setattr(qualitative.experiment, "load", lambda run, network: (run.row, run.seed, network))
    monkeypatch.setattr(qualitative, "one_video", lambda run, network, video: SimpleNamespace(grid=GRID, video=video))
    loaded = []
    monkeypatch.setattr(
        qualitative, "predict", lambda model, bags: loaded.append(model) or {bags.video: scores[model[0]]}
    )  # fmt: skip
    found = qualitative.compared(judging(table, runs=runs), {"um": "UM", "full": "FAC-Net"}, "x", "densest", "flow")
    assert found.title == "x, b: 2 instances in 4 s; curves of the flow stream"
    assert loaded == [("um", 0, "flow"), ("full", 0, "flow")]
    assert found.truth_s.tolist() == [[1, 2], [3, 4]]
    um, full = found.panels
    assert (um.name, full.name) == ("UM", "FAC-Net") and um.action.tolist() == [1, 0, 0, 0]
    assert full.action.tolist() == [0, 1, 0.5, 1] and full.foreground.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert full.centres_s.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert full.detections_s.tolist() == [[1, 2]] and len(um.detections_s) == 0
    assert len(qualitative.compare(judging(table, runs=runs), {"um": "UM"}, "x", "densest", "flow").axes) == 1


EMBEDDED = {"a": [[0.0, 1], [2, 3], [4, 5]], "b": [[6.0, 7], [8, 9]]}  # snippets by video


INSIDE = make_truth([(0, 0, 1.4, 2.5), (1, 1, 0.5, 1.6)], videos=("a", "b"), labels=("x", "y"))


@pytest.fixture
def embedding(monkeypatch):
    """A run with the embeddings of two videos: in a, snippet 1 (its centre at 1.5 s) lies INSIDE, in b both do."""
    monkeypatch.setattr(qualitative.experiment, "load", lambda run, network: network)
    monkeypatch.setattr(
        qualitative, "forward",
        lambda model, bags: ((v, SimpleNamespace(embedding=torch.tensor([x]))) for v, x in EMBEDDED.items()),
    )  # fmt: skip
    data = SimpleNamespace(bags=lambda streams, subset: SimpleNamespace(grid=GRID, subset=subset))
    return SimpleNamespace(data=data, networks={"rgb": ("rgb",)})


def test_a_snippet_is_foreground_where_its_centre_lies_in_an_instance(embedding):
    """The end of an instance is outside it: snippet 2 of a has its centre at 2.5 s."""
    points, foreground = qualitative.embed(embedding, INSIDE, "rgb", every=1)
    assert points.tolist() == EMBEDDED["a"] + EMBEDDED["b"]
    assert foreground.tolist() == [False, True, False, True, True]


def test_every_second_snippet(embedding):
    points, foreground = qualitative.embed(embedding, INSIDE, "rgb", every=2)
    assert points.tolist() == [[0, 1], [4, 5], [8, 9]] and foreground.tolist() == [False, False, True]


def test_purity_is_full_for_separated_and_half_for_mixed_clouds():
    rng = np.random.default_rng(0)
    foreground = np.arange(200) % 2 == 0
    apart = np.where(foreground[:, None], [1.0, 0.0], [0.0, 1.0]) + 0.01 * rng.normal(size=(200, 2))
    assert qualitative.purity(apart, foreground) == pytest.approx(100)
    assert qualitative.purity(rng.normal(size=(200, 8)), foreground) == pytest.approx(53, abs=6)


def test_separation_is_better_minus_worse_seed_by_seed(monkeypatch):
    purity = {("full", 0): 90.0, ("um", 0): 80.0, ("full", 1): 70.0, ("um", 1): 65.0}
    runs = [SimpleNamespace(row=row, seed=seed) for row, seed in purity]
    monkeypatch.setattr(qualitative, "embed", lambda run, table, network, every: (run.row, run.seed))
    monkeypatch.setattr(qualitative, "purity", lambda row, seed: purity[row, seed])
    claim = qualitative.separation(judging(None, runs=runs), "full", "um", "rgb", every=4)
    assert claim.text == "FAC-Net separates better than UM: 80.0 against 72.5" and claim.measure == "purity"
    assert claim.differences.tolist() == [10, 5]


def test_a_map_depends_on_directions_alone():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(40, 3))
    longer = points * rng.uniform(1, 9, size=(40, 1))
    found = qualitative.tsne(points, seed=0)
    assert found.shape == (40, 2)
    np.testing.assert_allclose(found, qualitative.tsne(longer, seed=0), atol=1e-2 * np.abs(found).max())
