"""Detections x truth -> cells: which protocol, classes and videos each number is of."""

import dataclasses

import msgspec
import numpy as np
import pytest

from tests.made import make_detections, make_truth
from wstal.base.errors import UserError
from wstal.config import parameters
from wstal.evaluation import metrics
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.evaluation.judging import Judging
from wstal.evaluation.metrics import Cell, Metrics, Undetected

TRUTH = make_truth([(0, 0, 0, 10), (1, 1, 0, 10), (1, 2, 20, 30)])  # classes x, y, z in videos a, b, b; c is empty
FOUND = make_detections([(0, 0, 0, 10, 0.9), (1, 1, 3, 10, 0.8), (2, 1, 0, 10, 0.7), (1, 2, 26, 36, 0.6)])
SECTION = parameters.EvaluationSection(
    protocol="thumos-facnet",
    protocol_set={},
    tious=(0.5, 0.7),
    caption="",
    class_groups={"one": ("x",), "two": ("y", "z")},
    video_groups={"a": ("a",), "b": ("b",)},
)


def judging(section=SECTION, runs=(), tree=None):
    """How runs are judged on TRUTH."""
    return Judging("e", "d", section, PROTOCOLS[section.protocol], {0: TRUTH}, runs, tree)


def test_every_cell_of_a_run_by_hand():
    """x is found, z is not; y has tIoU 7 / 10 in seconds, and 11 / 16 in snippets, as FAC-Net's evaluator counts."""
    cells = metrics.judge(judging(), TRUTH, FOUND)
    assert cells == {
        "all": Cell([0.666667, 0.333333], 0.5),
        "one": Cell([1, 1], 1),
        "two": Cell([0.5, 0], 0.25),
        "a": Cell([1, 1], 1),
        "b": Cell([0.5, 0], 0.25),
        "unified": Cell([0.666667, 0.666667], 0.666667),
    }
    assert list(cells) == ["all", "one", "two", "a", "b", "unified"]


def test_the_unified_cell_does_not_depend_on_the_papers_protocol():
    late = make_detections([(0, 0, 0, 10, 0.9), (1, 1, 3, 10, 0.8), (2, 1, 0, 10, 0.9)])
    cells = metrics.judge(judging(), TRUTH, late)
    assert cells["all"] == Cell([0, 0], 0)  # FAC-Net's evaluator: class z has no detection
    assert cells["unified"] == Cell([0.5, 0.5], 0.5)  # x whole, y behind a false alarm in the empty video c


def test_fractions_have_six_digits():
    third = evaluate(TRUTH, make_detections([(0, 0, 0, 10, 0.9)]), PROTOCOLS["activitynet"], (0.5,))
    assert metrics.cell(third, ("x", "y", "z")) == Cell([0.333333], 0.333333)


def test_a_group_is_a_mean_over_its_classes_with_an_instance():
    truth = make_truth([(0, 0, 0, 10), (1, 1, 0, 10)])  # none of z
    result = evaluate(truth, make_detections([(0, 0, 0, 10, 0.9)]), PROTOCOLS["activitynet"], (0.5,))
    assert metrics.cell(result, ("x", "z")) == Cell([1], 1) and metrics.cell(result, ("y", "z")) == Cell([0], 0)
    with pytest.raises(UserError, match="'w', which is no class"):
        metrics.cell(result, ("x", "w"))
    with pytest.raises(UserError, match="a group without classes"):
        metrics.cell(result, ())


def test_among_keeps_truth_and_detections_of_the_videos_alone():
    truth = make_truth([(0, 0, 0, 10), (1, 1, 0, 10), (1, 2, 20, 30)], ambiguous=[(0, 1, 2), (1, 3, 4)])
    kept, left = metrics.among(truth, FOUND, {"b"})
    assert kept.video.tolist() == [1, 1] and kept.label.tolist() == [1, 2] and kept.start_s.tolist() == [0, 20]
    assert kept.ambiguous_video.tolist() == [1] and kept.ambiguous_end_s.tolist() == [4]
    assert left.video.tolist() == [1, 1] and left.score.tolist() == [0.8, 0.6] and left.end_s.tolist() == [10, 36]


def test_a_group_of_videos_that_are_not_there_is_a_sentence():
    section = msgspec.structs.replace(SECTION, video_groups={"some": ("a", "w")})
    with pytest.raises(UserError, match="'w', which is no test video"):
        metrics.judge(judging(section), TRUTH, FOUND)


def test_a_star_stands_for_the_numbers_of_draws_and_other_signs_for_themselves():
    truth = make_truth([(0, 0, 0, 10)], videos=("sim3_test_0000", "sim3_test_0001", "a[b]", "why?", "whys"))
    assert metrics.named(["sim*_test_0000", "a[b]", "why?"], truth) == {"sim3_test_0000", "a[b]", "why?"}
    with pytest.raises(UserError, match=r"names 'sim\*_test_0002', which is no test video of the dataset; mend it"):
        metrics.named(["sim*_test_0002"], truth)


def test_what_is_asked_of_metrics_by_hand():
    cells = [{"all": Cell([0.5, 0.25], 0.375), "unified": Cell([0.25, 0.125], 0.1875)}, {"all": Cell([1, 0], 0.5)}]
    rows = {"full": {str(seed): groups for seed, groups in enumerate(cells)}, "other": {"0": {"all": Cell([0.1, 0.2], 0.15)}}}
    found = Metrics("e", "d", "", "p", [0.5, 0.7], {}, rows)
    assert found.average("full").tolist() == [37.5, 50] and found.at("full", 0.7).tolist() == [25, 0]
    np.testing.assert_array_equal(found.curve("full"), [[50, 25], [100, 0]])
    assert found.average("other").tolist() == pytest.approx([15])
    one = Metrics("e", "d", "", "p", [0.5, 0.7], {}, {"full": {"0": cells[0]}})
    assert one.average("full", "unified").tolist() == [18.75] and one.curve("full", "unified").tolist() == [[25, 12.5]]


def test_a_class_without_a_detection_is_kept_with_what_mAP_is_without_the_rule():
    """Only where the rule is in force: `protocol_set` may take it away, and the official evaluator lacks it."""
    late = make_detections([(0, 0, 0, 10, 0.9), (1, 1, 3, 10, 0.8)])
    plain = dataclasses.replace(PROTOCOLS["thumos-facnet"], zero_if_undetected=False)
    expected = Undetected(["z"], 0.5)  # x is found; y at tIoU 0.5 only: (2/3 + 1/3) / 2
    assert metrics.undetected(judging(), TRUTH, late) == expected
    assert metrics.undetected(dataclasses.replace(judging(), protocol=plain), TRUTH, late) is None
    assert metrics.undetected(judging(), TRUTH, FOUND) is None
    official = msgspec.structs.replace(SECTION, protocol="activitynet")
    assert metrics.undetected(judging(official), TRUTH, late) is None
