"""One video step by step: the scores are those of the trained networks, the pictures carry what the steps give."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from tests.made import make_truth
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.detect.localize import Proposals
from wstal.report import lessons_video
from wstal.report.lessons_video import OpenVideo
from wstal.report.plots import ACTION, PALE, TRUTH

GRID = TimeGrid(fps=1.0, stride_f=2, window_f=2)  # two seconds a snippet
SCORES = VideoScores(np.array([[0.1, 0.2], [0.3, 0.8], [0.2, 0.1]]), np.array([0.1, 0.9]), np.array([0.2, 0.9, 0.1]))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def video():
    return OpenVideo("b", ("x", "y"), 1, {"flow": SCORES}, np.array([[2.0, 3.5]]), GRID)


def test_a_video_is_opened_with_the_scores_of_every_network(monkeypatch):
    """Instances of other classes and of other videos are not its truth."""

    class Bags:
        grid = GRID

    class Run:
        row = "a"
        networks = {"rgb": ("rgb",), "flow": ("flow",)}

    truth = make_truth([(0, 1, 0, 1), (1, 0, 2, 3), (1, 1, 2, 3.5), (1, 1, 4, 5)])
    monkeypatch.setattr(lessons_video, "choose", lambda judging, label, rule: "b")
    monkeypatch.setattr(lessons_video, "one_video", lambda run, network, video: Bags())
    monkeypatch.setattr(lessons_video.experiment, "load", lambda run, network: network)
    monkeypatch.setattr(lessons_video, "predict", lambda model, bags: {"b": model})
    video = lessons_video.open_video(SimpleNamespace(truth_of=lambda run: truth, runs=[Run()]), "a", "y", "densest")
    assert video.scores == {"rgb": "rgb", "flow": "flow"} and (video.id, video.label, video.grid) == ("b", 1, GRID)
    assert video.truth.tolist() == [[2, 3.5], [4, 5]]


def test_edges_are_boundaries_in_seconds(video):
    assert video.edges(1).tolist() == [0, 2, 4, 6] and video.edges(2).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_kept_classes_are_coloured_and_the_best_come_first():
    score = np.array([0.1, 0.9, 0.4, 0.3])
    axis = lessons_video.draw_classes(score, ["a", "b", "c", "d"], np.array([1, 2]), 0.35, most=3).axes[0]
    assert [bar.get_width() for bar in axis.patches] == [0.9, 0.4, 0.3]
    assert [to_hex(bar.get_facecolor()) for bar in axis.patches] == [ACTION, ACTION, PALE]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["b", "c", "d"]
    assert axis.lines[0].get_xdata()[0] == 0.35


def test_curves_of_different_density_share_the_time_line(video):
    rough, fine = SCORES.activation[:, 1], np.linspace(0, 1, 6)
    figure = lessons_video.draw_curves({"rough": rough, "fine": fine}, video)
    for axis, curve, factor in zip(figure.axes, (rough, fine), (1, 2), strict=True):
        band, stairs = axis.patches
        assert (band.get_x(), band.get_width(), to_hex(band.get_facecolor())) == (2, 1.5, TRUTH)
        np.testing.assert_array_equal(stairs.get_data().values, curve)
        np.testing.assert_array_equal(stairs.get_data().edges, video.edges(factor))


def test_each_stream_has_a_row_with_its_best_detection_on_top(video):
    found = Proposals(np.array([1.0, 0.0]), np.array([2.0, 3.0]), np.array([0.9, 0.2]))
    none = Proposals(*np.zeros((3, 0)))
    axis = lessons_video.draw_streams({"flow": found, "rgb": none}, video).axes[0]
    bars = axis.patches[1:]
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(0, 6), (2, 2)]
    assert bars[0].get_facecolor()[1] > bars[1].get_facecolor()[1]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["flow: 2", "rgb: 0"]


def test_the_table_has_the_best_detections_in_seconds(video):
    found = Proposals(np.array([1.0, 0.0, 1.5]), np.array([2.0, 3.0, 2.0]), np.array([0.2, 0.9, 0.4]))
    table = lessons_video.table(found, video, most=2)
    assert table.rows == (("1", "0.00", "6.00", "0.90"), ("2", "3.00", "4.00", "0.40"))
    assert table.caption == "2 of 3 detections of y in b."
