"""The timeline of a video: what it shows by hand, and that the drawing shows it."""

import matplotlib
import numpy as np
import pytest

from tests.report.drawn import legend, points, ticks
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.report import figure_video, plots
from wstal.report.plots import ACTION, FOREGROUND, FOUND, TRUTH

GRID = TimeGrid(25.0, 16, 16)  # a snippet is 0.64 s
CENTRES_S = [0.32, 0.96, 1.6, 2.24]
ACTIVATION = np.array([[9.0, 2.0, 0.0], [9.0, 4.0, 1.0], [9.0, 3.0, 0.0], [9.0, 2.0, 1.0]])
SCORES = VideoScores(ACTIVATION, np.zeros(3), np.array([0.1, 0.2, 0.5, 0.4]))
TRUTH_S = np.array([[0.5, 1.0], [1.5, 2.5]])
FOUND_S = np.array([[0.0, 2.0, 0.1], [0.4, 1.2, 0.3], [0.5, 1.0, 0.9]])


@pytest.fixture
def timeline():
    """Two models; the second found nothing."""
    found = {"one": FOUND_S, "other": np.zeros((0, 3))}
    panels = tuple(figure_video.panel(name, SCORES, 1, detections, GRID) for name, detections in found.items())
    return figure_video.VideoPanels("Wave, a", TRUTH_S, panels)


def test_a_timeline_by_hand(timeline):
    assert timeline.title == "Wave, a" and timeline.truth_s.tolist() == TRUTH_S.tolist()
    one, other = timeline.panels
    assert (one.name, other.name) == ("one", "other") and one.end_s == pytest.approx(4 * 0.64)
    np.testing.assert_allclose(one.centres_s, CENTRES_S)
    np.testing.assert_allclose(one.foreground, [0, 0.25, 1, 0.75])
    np.testing.assert_allclose(one.action, [0, 1, 0.5, 0])  # of class 1
    np.testing.assert_allclose(one.detections_s, FOUND_S[:, :2])
    np.testing.assert_allclose(one.strength, [0, 0.25, 1])
    assert other.detections_s.shape == (0, 2) and len(other.strength) == 0


def test_a_timeline_as_drawn(timeline):
    figure = timeline.draw()
    for axis, panel in zip(figure.axes, timeline.panels, strict=True):
        foreground, action = points(axis)
        np.testing.assert_allclose(foreground, np.stack([CENTRES_S, panel.foreground], 1))
        np.testing.assert_allclose(action, np.stack([CENTRES_S, panel.action], 1))
        assert [line.get_color() for line in axis.lines] == [FOREGROUND, ACTION]
        assert axis.get_title("left") == panel.name and axis.get_xlim() == pytest.approx((0, 2.56))
        spans = [bar for bar in axis.patches if bar.get_facecolor()[:3] == matplotlib.colors.to_rgb(TRUTH)]
        np.testing.assert_allclose([(bar.get_x(), bar.get_x() + bar.get_width()) for bar in spans], TRUTH_S)
    assert legend(figure) == ["ground truth", "foreground score", "action score", "detections, darker for a higher score"]
    key = figure.legends[0].legend_handles
    assert [matplotlib.colors.to_rgb(one.get_color()) for one in key[1:]] == [
        matplotlib.colors.to_rgb(colour) for colour in (FOREGROUND, ACTION, FOUND)
    ]
    assert figure.axes[-1].get_xlabel() == "time (s)" and figure.get_suptitle() == "Wave, a"
    assert ticks(figure.axes[0], "y") == ["0", "1"]


def test_detections_are_drawn_in_their_order_darker_for_a_higher_score(timeline):
    one, other = timeline.draw().axes
    bars = [bar for bar in one.patches if bar.get_y() < 0 and bar.get_height() < 0.5]
    np.testing.assert_allclose([(bar.get_x(), bar.get_width()) for bar in bars], [(0, 2), (0.4, 0.8), (0.5, 0.5)])
    colours = [bar.get_facecolor() for bar in bars]
    assert colours == [pytest.approx((*plots.blend(FOUND, share), 1)) for share in (0.08, 0.31, 1)]
    assert colours[-1] == pytest.approx((*matplotlib.colors.to_rgb(FOUND), 1)) and bars[0].get_alpha() is None
    assert not [bar for bar in other.patches if bar.get_y() < 0 and bar.get_height() < 0.5]


def test_small_things():
    assert plots.rescale(np.array([2.0, 4.0, 3.0])).tolist() == [0, 1, 0.5]
    assert plots.rescale(np.ones(2)).tolist() == [1, 1] and plots.rescale(np.zeros(0)).tolist() == []
    assert plots.blend("#000000", 0.25) == pytest.approx((0.75, 0.75, 0.75))
