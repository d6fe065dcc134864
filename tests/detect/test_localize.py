"""Localization by hand, by properties, and what each option does."""

from functools import partial

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from wstal.base.conversion import merge
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.detect import localize as steps
from wstal.detect.localize import Classes, Proposals, Suppression, detect, fuse, keep_classes, localize, nms, propose, stretches

GRID = TimeGrid(25.0, 16, 16)


@pytest.fixture(scope="session")
def settings(released):
    """settings(**changes): the released post-processing of FAC-Net with changes."""
    return partial(released, "facnet")


PLAIN = {
    "min_length": 1, "extend_end": 0,
    "thresholds": {"kind": "absolute", "values": [0.5]},
    "scoring": {"inner_extra": 0, "outer_weight": 1.0, "outer_last": True},
    "suppression": {"overlap": "iou", "threshold": 1.0, "plus": 0.0},
}  # fmt: skip


def test_a_proposal_by_hand(settings):
    """Stretch [4, 8) of ones among 0.25: inner 1, outer one snippet on each side, score 0.75."""
    sequence = np.full(12, 0.25)
    sequence[4:8] = 1.0
    proposals = propose(sequence, 0.9, settings(**PLAIN))
    assert (proposals.start.tolist(), proposals.end.tolist()) == ([4], [8])
    assert proposals.score[0] == pytest.approx(0.75)
    weighted = propose(sequence, 0.9, settings(**merge(PLAIN, {"scoring": {"video_weight": 0.2}})))
    assert weighted.score[0] == pytest.approx(0.75 + 0.18)
    binary = propose(sequence, 0.9, settings(**merge(PLAIN, {"scoring": {"video_weight": 0.2, "video_binary": True}})))
    assert binary.score[0] == pytest.approx(0.95)


def test_maximum_score_and_relative_threshold(settings):
    """W-TALC and WSAD: halfway between minimum and maximum, score is the maximum plus 0.7 of the video score."""
    changes = {
        "thresholds": {"kind": "range", "values": [0.5]},
        "scoring": {"inner": "max", "outer_weight": 0.0, "video_weight": 0.7},
    }
    sequence = np.array([-2.0, 0.0, 3.0, 4.0, 0.5, 1.5, 0.9])
    proposals = propose(sequence, 2.0, settings(**merge(PLAIN, changes)))
    assert list(zip(proposals.start, proposals.end, strict=True)) == [(2, 4), (5, 6)]
    np.testing.assert_allclose(proposals.score, [4 + 1.4, 1.5 + 1.4])


def test_proposals_of_the_actionness_by_hand(settings):
    """UM: the same proposals for every kept class, each scored on its own activation, zeros below a threshold or not."""
    actionness = np.zeros(12)
    actionness[4:8] = 1.0
    activation = np.stack([np.full(12, 0.2), np.full(12, 0.4)], axis=1)
    activation[4:8, 1] = 1.0
    scores = VideoScores(activation, np.array([0.9, 0.8]), actionness)
    changes = {"thresholds": {"values": [9.0]}, "scoring": {"outer_zeroed": True}, "actionness_thresholds": [0.3, 0.5]}
    found = detect(scores, GRID, settings(**merge(PLAIN, changes)))
    for label, expected in ((0, 0.0), (1, 0.6)):
        assert (found[label].start.tolist(), found[label].end.tolist()) == ([4, 4], [8, 8])
        np.testing.assert_allclose(found[label].score, expected, atol=1e-12)
    assert detect(scores, GRID, settings(**merge(PLAIN, {**changes, "actionness_thresholds": []}))) == {}
    assert detect(scores, GRID, settings(**merge(PLAIN, {**changes, "min_length": 5}))) == {}


def test_proposals_of_a_stream_scored_on_the_logits_of_both_by_hand(settings):
    """STPN: proposals are where the stream's own activation is high; they score its actionness times the mean of the logits."""
    activation = np.array([0.0, 0.9, 0.9, 0.0])[:, None]
    shared = {"video_score": np.ones(1), "actionness": np.array([0.5, 0.5, 1.0, 0.5])}
    rgb = VideoScores(activation, logits=np.full((4, 1), 2.0), **shared)
    flow = VideoScores(np.zeros((4, 1)), logits=np.array([9.0, 4.0, 6.0, 9.0])[:, None], **shared)
    weighted = merge(PLAIN, {"scoring": {"track": "weighted_logits", "outer_weight": 0.0}, "stream_scale": {"rgb": 1.0}})
    found = localize({"rgb": {"v": rgb}, "flow": {"v": flow}}, ["a"], {"v": 2.56}, GRID, settings(**weighted))
    assert found.score.tolist() == [pytest.approx((0.5 * 3 + 1.0 * 4) / 2)]  # means of 2 and 4, of 2 and 6
    alone = localize({"rgb": {"v": rgb}}, ["a"], {"v": 2.56}, GRID, settings(**weighted))
    assert alone.score.tolist() == [pytest.approx((0.5 * 2 + 1.0 * 2) / 2)]
    own = localize({"rgb": {"v": rgb}}, ["a"], {"v": 2.56}, GRID, settings(**merge(PLAIN, {"scoring": {"outer_weight": 0.0}})))
    assert own.score.tolist() == [pytest.approx(0.9)] and own.start_s.tolist() == alone.start_s.tolist() == [0.64]


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1)), st.floats(0, 1))
def test_stretches_are_the_positions_above(sequence, threshold):
    starts, ends = stretches(sequence > threshold)
    mark = np.zeros(len(sequence), dtype=bool)
    for s, e in zip(starts, ends, strict=True):
        assert s < e
        mark[s:e] = True
    np.testing.assert_array_equal(mark, sequence > threshold)
    assert (starts[1:] > ends[:-1]).all()


@given(hnp.arrays(np.float64, st.integers(4, 60), elements=st.floats(0, 1)))
def test_means_by_prefix_sums_are_means(settings, sequence):
    proposals = propose(sequence, 0.0, settings(thresholds={"values": [0.5]}))
    for start, end, score in zip(proposals.start.astype(int), proposals.end.astype(int) - 1, proposals.score, strict=True):
        n, last = end - start, len(sequence) - 1
        left = sequence[max(0, int(start - n / 4)) : start]
        right = sequence[end + 1 : min(last, int(end + n / 4 + 1))]
        outer = np.concatenate([left, right])
        expected = sequence[start : end + 1].mean() - 0.6 * (outer.mean() if len(outer) else 0)
        assert score == pytest.approx(expected, abs=1e-9)


def test_classes_below_the_threshold_are_left_out_or_the_best_one_stays():
    score = np.array([0.05, 0.3, 0.1])
    assert keep_classes(score, Classes(threshold=0.1, fallback="none")).tolist() == [1, 2]
    assert keep_classes(score, Classes(threshold=0.5, fallback="none")).tolist() == []
    assert keep_classes(score, Classes(threshold=0.5, fallback="argmax")).tolist() == [1]


def test_class_zero_alone_is_localized(settings):
    """BaS-Net's code asks whether the array [0] of kept classes is true, and so never finds class 0 alone."""
    scores = VideoScores(np.ones((10, 2)), np.array([1.0, 0.0]), np.ones(10))
    found = localize({"flow": {"v": scores}}, ["a", "b"], {"v": 6.4}, GRID, settings())
    assert set(found.label) == {0}


def brute_nms(start, end, score, threshold):
    order, kept = sorted(range(len(score)), key=lambda i: (-score[i], start[i], end[i])), []
    for i in order:

        def iou(j, i=i):
            shared = max(0, min(end[i], end[j]) - max(start[i], start[j]))
            return shared / ((end[i] - start[i]) + (end[j] - start[j]) - shared)

        if all(iou(j) <= threshold for j in kept):
            kept.append(i)
    return kept


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.integers(0, 5)), min_size=1, max_size=25),
    st.sampled_from([0.1, 0.5, 0.7]),
)
def test_suppression_equals_brute_force(segments, threshold):
    start = np.array([s for s, _, _ in segments], dtype=float)
    end = start + np.array([n for _, n, _ in segments])
    score = np.array([x for _, _, x in segments], dtype=float)
    assert nms(start, end, score, threshold, overlap="iou", plus=0.0).tolist() == brute_nms(start, end, score, threshold)


def test_one_second_is_no_pixel():
    """BaS-Net adds 1 to segments in seconds: 1.0 s and a half of it overlap by 0.75 there, by 0.5 in truth."""
    start, end, score = np.array([0.0, 0.0]), np.array([1.0, 0.5]), np.array([2.0, 1.0])
    assert len(nms(start, end, score, 0.6, overlap="iou", plus=0.0)) == 2
    assert len(nms(start, end, score, 0.6, overlap="iou", plus=1.0)) == 1


def test_fusion_scales_and_a_single_stream_passes(settings):
    one = Proposals(np.array([0.0]), np.array([4.0]), np.array([0.5]))
    other = Proposals(np.array([10.0]), np.array([14.0]), np.array([0.3]))
    fused = fuse({"rgb": {0: one}, "flow": {0: other}}, GRID, settings())[0]
    np.testing.assert_allclose(sorted(fused.score), [0.05, 0.3])
    alone = fuse({"rgb": {0: one}}, GRID, settings())[0]
    assert alone.score.tolist() == [0.5]


def test_order_is_total_and_clip_cuts(settings):
    rng = np.random.default_rng(0)
    scores = {f"v{i}": VideoScores(rng.random((20, 3)), np.ones(3), np.ones(20)) for i in range(4)}
    durations_s = dict.fromkeys(scores, 12.0)
    found = localize({"rgb": scores}, list("abc"), durations_s, GRID, settings(clip=True))
    rows = list(zip(-found.score, found.video, found.label, found.start_s, strict=True))
    assert rows == sorted(rows) and len(rows) > 10
    assert found.end_s.max() <= 12.0 < localize({"rgb": scores}, list("abc"), durations_s, GRID, settings()).end_s.max()


def test_no_detection_at_all(settings):
    scores = VideoScores(np.zeros((5, 2)), np.zeros(2), np.zeros(5))
    assert len(localize({"rgb": {"v": scores}}, ["a", "b"], {"v": 3.2}, GRID, settings())) == 0


def test_suppression_keeps_all_at_one():
    start = np.array([0.0, 0.0, 1.0])
    assert len(nms(start, start + 5, np.array([1.0, 1.0, 0.5]), 1.0, overlap="iou", plus=0.0)) == 3


SOFT = {"overlap": "iou", "threshold": 0.4, "plus": 0.0, "unit": "snippet", "sigma": 0.5}


def soft(mode, segments, **changes):
    """Rows [start, end, score] after suppression."""
    proposals = Proposals(*np.array(segments, dtype=np.float64).T)
    left, score = steps.suppress(proposals, GRID, Suppression(**(SOFT | {"mode": mode} | changes)))
    return [(proposals.start[i], proposals.end[i], s) for i, s in zip(left, score, strict=True)]


def test_gaussian_suppression_by_hand():
    """IoU with the best is 0.5 and 0; what is lowered falls behind, and lowers the third no more than it overlaps it."""
    found = soft("gaussian", [(0, 8, 1.0), (4, 8, 0.9), (6, 14, 0.8)])
    lowered = 0.8 * np.exp(-((2 / 14) ** 2) / 0.5)
    assert [row[:2] for row in found] == [(0, 8), (6, 14), (4, 8)]
    np.testing.assert_allclose(
        [row[2] for row in found], [1.0, lowered, 0.9 * np.exp(-(0.5**2) / 0.5) * np.exp(-((2 / 10) ** 2) / 0.5)]
    )


def test_demoted_segments_stay_and_remove_nothing():
    """The second overlaps the first by 0.5 and is lowered once; the third overlaps the second alone and stays as it is."""
    found = soft("demote", [(0, 8, 1.0), (4, 8, 0.9), (5, 11, 0.2)], threshold=0.3)
    assert [row[:2] for row in found] == [(0, 8), (4, 8), (5, 11)]
    np.testing.assert_allclose([row[2] for row in found], [1.0, 0.9 * np.exp(-(0.5**2) / 0.5), 0.2])


def test_soft_suppression_of_negative_scores_and_of_equals():
    """A factor below one lifts a negative score; of equal scores the earlier segment lowers the other."""
    ((_, _, first), (_, _, second)) = soft("gaussian", [(0, 4, -1.0), (0, 4, -2.0)])
    assert (first, second) == (-1.0, pytest.approx(-2.0 * np.exp(-2)))
    assert [row[:2] for row in soft("gaussian", [(2, 6, 1.0), (0, 4, 1.0)])] == [(0, 4), (2, 6)]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.integers(1, 5)), min_size=1, max_size=25))
def test_demotion_keeps_what_removal_keeps(segments):
    start, length, score = np.array(segments, dtype=float).T
    proposals = Proposals(start, start + length, score)
    kept, score = steps.suppress(proposals, GRID, Suppression(**SOFT))
    every, lowered = steps.suppress(proposals, GRID, Suppression(**SOFT, mode="demote"))
    assert sorted(every) == list(range(len(segments)))
    np.testing.assert_array_equal(proposals.score[kept], score)
    untouched = every[lowered == proposals.score[every]]
    assert set(untouched) == set(kept)


def test_seconds_of_soft_suppression():
    """One second added to segments of 5 and 2.5 snippets of 0.64 s."""
    ((_, _, _), (_, _, score)) = soft("gaussian", [(0, 5, 1.0), (0, 2.5, 1.0)], plus=1.0, unit="second")
    assert score == pytest.approx(np.exp(-(((1.6 + 1) / (3.2 + 1)) ** 2) / 0.5))


def test_short_segments_leave_after_suppression(settings):
    """They lower others first: here the proposal [4, 5) above 0.8 lowers [3, 6) above 0.5, and only that one stays."""
    sequence = np.array([0, 0, 0, 0.6, 1.0, 0.6, 0, 0])
    changes = {
        "thresholds": {"values": [0.5, 0.8]}, "scoring": {"outer_weight": 0.0},
        "suppression": {"mode": "gaussian", "sigma": 0.5, "unit": "snippet"}, "min_length_after": 2,
    }  # fmt: skip
    scores = VideoScores(sequence[:, None], np.array([0.9]), np.ones(8))
    found = detect(scores, GRID, settings(**merge(PLAIN, changes)))[0]
    assert (found.start.tolist(), found.end.tolist()) == ([3], [6])
    assert found.score[0] == pytest.approx(2.2 / 3 * np.exp(-((1 / 3) ** 2) / 0.5))


def test_what_changes_nothing_is_not_in_the_plan(settings):
    """So that files of the plan, and all that depends on them, stay as they were before these options."""
    written = msgspec.to_builtins(settings())
    assert not {"mode", "sigma", "min_length_after"} & {*written, *written["suppression"], *written["fusion"]}
