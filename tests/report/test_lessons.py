"""Lessons: their numbers are known answers, and their pictures carry them."""

import msgspec
import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from matplotlib.colors import to_hex

from wstal.base.timegrid import TimeGrid
from wstal.data.bags import Batch
from wstal.detect.localize import Proposals, Suppression
from wstal.report import lessons, lessons_detect, lessons_judge
from wstal.report.plots import ACTION, FOUND, PALE, TRUTH

SECONDS = TimeGrid(fps=1.0, stride_f=1, window_f=1)
CURVE = np.array([0.0, 0.2, 0.8, 0.6, 0.0, 0.4])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def colors(bars):
    return [to_hex(bar.get_facecolor()) for bar in bars]


def texts(axis):
    return [text.get_text() for text in axis.texts]


def test_a_bag_shows_real_snippets_and_labels():
    x = torch.tensor([[[3.0, 4.0], [0.0, 2.0], [0.0, 0.0]], [[1.0, 0.0], [9.0, 9.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    bag = lessons.bag(Batch(x, mask, torch.tensor([[1.0, 1.0], [0.0, 1.0]])), ["Dive", "Swing"])
    np.testing.assert_array_equal(bag.norm, [[5, 2, np.nan], [1, np.nan, np.nan]])
    assert bag.snippets.tolist() == [2, 1]
    axis = lessons.draw_bag(bag).axes[0]
    np.testing.assert_array_equal(axis.images[0].get_array().filled(-1), [[5, 2, -1], [1, -1, -1]])
    padding = [bar for bar in axis.patches if bar.get_hatch()]
    assert [(bar.get_x(), bar.get_width()) for bar in padding] == [(2, 1), (1, 2)]
    assert texts(axis) == ["Dive\nSwing", "Swing"]


def test_pooling_takes_the_largest_real_snippets():
    scores, mask = np.array([[0.1, 0.7, 0.5, 0.1, 0.9], [0.3, 0.3, 0.2, 0.2, 0.9]]), np.array([1, 1, 1, 1, 0], dtype=bool)
    pooled = lessons.pool(scores, mask, ratio=2)
    assert pooled.k == 2
    assert pooled.chosen.tolist() == [[False, True, True, False, False], [True, True, False, False, False]]
    np.testing.assert_allclose(pooled.top, [0.6, 0.3])
    np.testing.assert_allclose(pooled.mean, [0.35, 0.25])
    first, second = lessons.draw_pool(pooled, ["Dive", "Swing"]).axes
    bars = [bar for bar in first.patches if not bar.get_hatch()]
    assert colors(bars) == [PALE, ACTION, ACTION, PALE, PALE] and [bar.get_height() for bar in bars] == scores[0].tolist()
    assert [line.get_ydata()[0] for line in second.lines] == pytest.approx([0.3, 0.25])


def test_attention_is_a_softmax_over_time():
    foreground, scores = np.log([1.0, 1.0, 2.0]), np.array([[0.0, 0.4, 1.0]])
    attended = lessons.attend(foreground, scores, [1, 2])
    np.testing.assert_allclose(attended.weight, [[1 / 4, 1 / 4, 1 / 2], [1 / 6, 1 / 6, 2 / 3]], rtol=1e-6)
    np.testing.assert_allclose(attended.score, [[0.6], [0.4 / 6 + 2 / 3]], rtol=1e-6)
    above, below = lessons.draw_attend(attended, ["Swing"]).axes
    np.testing.assert_array_equal(above.patches[0].get_data().values, foreground)
    np.testing.assert_allclose([stairs.get_data().values for stairs in below.patches], attended.weight)
    assert [stairs.get_label() for stairs in below.patches] == ["τ = 1: Swing 0.60", "τ = 2: Swing 0.73"]


def test_the_background_class_is_asked_for_in_one_branch_only():
    """Two snippets, k = 1: the best of each class; λ = 0 for the second leaves scores (log 4, 0, 0)."""
    cas = np.array([[np.log(4), 0.0, 0.0], [0.0, 0.0, np.log(4)]])
    found = lessons.background(cas, np.array([1.0, 0.0]), np.array([1.0, 0.0]), top=2)
    np.testing.assert_allclose(found.base, [4 / 9, 1 / 9, 4 / 9])
    np.testing.assert_allclose(found.supp, [4 / 6, 1 / 6, 1 / 6])
    assert found.target_base.tolist() == [0.5, 0, 0.5] and found.target_supp.tolist() == [1, 0, 0]
    assert found.losses == pytest.approx({"base": np.log(9 / 4), "supp": np.log(6 / 4), "norm": 1.0})
    above, base, supp = lessons.draw_background(found, ["Dive", "Swing"]).axes
    np.testing.assert_array_equal(above.patches[2].get_data().values, cas[:, 2])
    np.testing.assert_allclose([bar.get_width() for bar in base.patches], found.base)
    np.testing.assert_allclose([bar.get_width() for bar in supp.patches], found.supp)
    assert base.lines[0].get_xdata().tolist() == [0.5, 0, 0.5] and supp.lines[0].get_xdata().tolist() == [1, 0, 0]
    assert supp.get_title(loc="left") == "filtered video: loss supp 0.41"


def test_stretches_lie_strictly_above_each_threshold():
    found = lessons_detect.threshold(CURVE, [0.1, 0.6])
    assert [stretches.tolist() for stretches in found.stretches] == [[[1, 4], [5, 6]], [[2, 3]]]
    above, below = lessons_detect.draw_threshold(found, edges=10.0 * np.arange(7)).axes
    assert [line.get_ydata()[0] for line in above.lines] == [0.1, 0.6]
    assert [(bar.get_x(), bar.get_width()) for bar in below.patches] == [(10, 30), (50, 10), (20, 10)]
    assert [label.get_text() for label in below.get_yticklabels()] == ["> 0.1", "> 0.6"]


def test_contrast_weighs_inside_against_outside():
    """Proposal [2, 4): inside (0.8 + 0.6) / 2, outside one snippet on each side, (0.2 + 0) / 2, counted half."""
    found = lessons_detect.contrast(CURVE, [2, 5], [4, 6], lessons_detect.scoring(outer_ratio=0.5, outer_weight=0.5))
    np.testing.assert_allclose(found.weight[0], [0, -0.25, 0.5, 0.5, -0.25, 0])
    np.testing.assert_allclose([found.inner[0], found.outer[0], found.score[0]], [0.7, 0.05, 0.65])
    np.testing.assert_allclose(found.inner - found.outer + found.video, found.score)
    axis = lessons_detect.draw_contrast(found).axes[0]
    curve, inside, outside = (stairs.get_data().values for stairs in axis.patches)
    np.testing.assert_array_equal(curve, CURVE)
    np.testing.assert_array_equal(inside, [0, 0, 0.8, 0.6, 0, 0])
    assert (outside > 0).tolist() == [False, True, False, False, True, False]
    assert axis.get_title(loc="left") == "proposal [2, 4): 0.70 inside − 0.05 outside = 0.65"


def test_what_the_video_level_score_adds_is_said_apart():
    how = msgspec.structs.replace(lessons_detect.scoring(outer_ratio=0.5, outer_weight=0.5), video_weight=0.5)
    found = lessons_detect.contrast(CURVE, [2], [4], how, video_score=0.4)
    np.testing.assert_allclose([found.inner, found.outer, found.video, found.score], [[0.7], [0.05], [0.2], [0.85]])
    assert lessons_detect.terms(found) == ["0.70 inside − 0.05 outside + 0.20 video = 0.85"]


@pytest.fixture
def suppressed():
    """Best first: [0, 4); [0, 3) overlaps it by 3/4; [8, 9) is alone; [8, 9.25) overlaps that by 4/5; [6, 8) overlaps none."""
    rows = np.array([[6.0, 8.0, 0.1], [0.0, 3.0, 0.5], [0.0, 4.0, 0.9], [8.0, 9.25, 0.2], [8.0, 9.0, 0.3]])
    proposals = Proposals(*rows.T)
    return lessons_detect.suppress(proposals, SECONDS, Suppression(overlap="iou", threshold=0.5, plus=0.0, unit="snippet"))


def test_suppression_names_what_removed_a_proposal(suppressed):
    assert suppressed.proposals.score.tolist() == [0.9, 0.5, 0.3, 0.2, 0.1]
    assert suppressed.kept.tolist() == [True, False, True, False, True]
    assert suppressed.by.tolist() == [0, 0, 2, 2, 4] and suppressed.tiou.tolist() == [1, 0.75, 1, 0.8, 1]


def test_suppressed_proposals_are_hollow(suppressed):
    axis = lessons_detect.draw_suppress(suppressed, TimeGrid(fps=1.0, stride_f=2, window_f=2), most=3).axes[0]
    assert [(bar.get_x(), bar.get_width()) for bar in axis.patches] == [(0, 8), (0, 6), (16, 2)]
    assert [color == "#ffffff" for color in colors(axis.patches)] == [False, True, False] and colors(axis.patches)[0] == FOUND
    assert texts(axis) == ["0.90 kept", "removed by 1, tIoU 0.75", "0.30 kept"]
    assert axis.get_title(loc="left") == "3 of 5 proposals are kept"


def test_without_proposals_there_is_nothing_to_suppress():
    none = Proposals(*np.zeros((3, 0)))
    found = lessons_detect.suppress(none, SECONDS, Suppression(overlap="iou", threshold=0.5, plus=0.0, unit="snippet"))
    assert lessons_detect.draw_suppress(found).axes[0].get_title(loc="left") == "0 of 0 proposals are kept"


def test_tiou_is_intersection_over_union():
    found = lessons_judge.overlaps([4, 8], [[4, 8], [6, 10], [4, 6], [0, 8], [8, 9]])
    np.testing.assert_allclose(found.tiou, [1, 1 / 3, 0.5, 0.5, 0])
    axis = lessons_judge.draw_overlaps(found).axes[0]
    band, *bars = axis.patches
    assert (band.get_x(), band.get_width(), to_hex(band.get_facecolor())) == (4, 4, TRUTH)
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(4, 4), (6, 4), (4, 2), (0, 8), (8, 1)]
    assert texts(axis)[1] == "tIoU 0.33"


RANKED = [[20, 24, 0.2], [0, 10, 0.9], [0, 9, 0.8], [12, 14, 0.6]]  # by score: hit, double detection, hit, false alarm


def test_average_precision_of_ranked_detections():
    """Hits at ranks 1 and 3 of two instances: (1 + 2/3) / 2. At tIoU 0.95 the third, of tIoU 0.8, misses: 1/2."""
    ranked = lessons_judge.rank([[0, 10], [12, 14.5]], RANKED, [0.5, 0.95])
    assert ranked.score.tolist() == [0.9, 0.8, 0.6, 0.2]
    assert ranked.hit.tolist() == [[True, False, True, False], [True, False, False, False]]
    np.testing.assert_allclose(ranked.precision[0], [1, 1 / 2, 2 / 3, 2 / 4])
    np.testing.assert_allclose(ranked.recall[0], [0.5, 0.5, 1, 1])
    np.testing.assert_allclose(ranked.ap, [5 / 6, 1 / 2])


def test_the_area_below_the_drawn_envelope_is_the_average_precision():
    ranked = lessons_judge.rank([[0, 10], [12, 14.5]], RANKED, [0.5, 0.95])
    above, below = lessons_judge.draw_rank(ranked).axes
    hits, misses = above.lines[:2]
    assert hits.get_xdata().tolist() == [1, 3] and misses.get_xdata().tolist() == [2, 4]
    areas = [(data.values * np.diff(data.edges)).sum() for data in (stairs.get_data() for stairs in below.patches)]
    np.testing.assert_allclose(areas, ranked.ap)
    np.testing.assert_allclose(below.lines[0].get_xydata().T, [ranked.recall[0], ranked.precision[0]])


def test_detections_that_all_miss_have_no_envelope():
    ranked = lessons_judge.rank([[0, 1]], [[5, 6, 0.5]], [0.5])
    assert ranked.ap.tolist() == [0] and not ranked.hit.any()
    assert lessons_judge.draw_rank(ranked).axes[1].lines[0].get_ydata().tolist() == [0]
