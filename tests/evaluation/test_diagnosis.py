"""Kinds of errors by hand and against a plain walk, identities with the evaluator, tables, figure, time and memory."""

import runpy
import time
import tracemalloc
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from tests.made import make_detections, make_truth
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.evaluation.diagnosis import ERRORS, KINDS, LOWER, diagnose, recall_by_length
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.report import error_tables, figure_errors

SECONDS = PROTOCOLS["activitynet"]
TRUTH = make_truth([(0, 0, 0, 10), (0, 1, 20, 30), (1, 0, 0, 10), (1, 0, 50, 60)])
KNOWN = {  # kind -> a detection of class x; scores fall
    "true positive": (0, 0, 0, 9, 0.9),
    "double detection": (0, 0, 1, 10, 0.8),
    "localization": (1, 0, 6, 14, 0.7),
    "wrong label": (0, 0, 20, 29, 0.6),
    "confusion": (0, 0, 26, 34, 0.5),
    "background": (0, 0, 9.5, 19, 0.4),
}


def names(found):
    return [KINDS[kind] for kind in found.kind]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_by_hand(kind):
    """Alone, but for the detection that takes the instance before a double one."""
    rows = [KNOWN["true positive"], KNOWN[kind]] if kind == "double detection" else [KNOWN[kind]]
    assert names(diagnose(TRUTH, make_detections(rows), SECONDS, 0.5))[-1] == kind


def test_shares_gains_and_recall_by_hand():
    """x has three instances, so its three best detections count; y has one instance and one detection."""
    found = diagnose(TRUTH, make_detections([*KNOWN.values(), (1, 0, 50, 60, 0.3), (0, 1, 20, 30, 0.1)]), SECONDS, 0.5)
    assert names(found) == [*KNOWN, "true positive", "true positive"]
    expected = {"true positive": 1 / 2, "double detection": 1 / 4, "localization": 1 / 4}
    assert found.share == dict.fromkeys(KINDS, 0.0) | expected
    assert found.mAP == pytest.approx(((1 + 2 / 7) / 3 + 1) / 2)  # hits of x at ranks 1 and 7 for three instances
    assert found.gain == pytest.approx(dict.fromkeys(ERRORS, (2 / 6 - 2 / 7) / 3 / 2))  # each error once, so rank 6
    assert found.recall == 3 / 4


def test_bounds_belong_to_the_upper_kind():
    """tIoU 0.5 is a hit or a wrong label, 0.1 a localization error or a confusion."""
    rows = make_detections([(0, 0, 0, 5, 0.9), (0, 0, 20, 25, 0.8), (1, 0, 0, 1, 0.7), (0, 0, 29, 30, 0.6)])
    assert names(diagnose(TRUTH, rows, SECONDS, 0.5)) == ["true positive", "wrong label", "localization", "confusion"]


def test_a_threshold_below_the_lower_bound_leaves_no_room_between():
    rows = make_detections([(0, 0, 0, 0.6, 0.9), (0, 0, 20, 20.6, 0.8), (0, 0, 20, 20.4, 0.8)])
    assert names(diagnose(TRUTH, rows, SECONDS, 0.05)) == ["true positive", "background", "wrong label"]


def test_the_instance_with_the_highest_tiou_decides_and_of_equals_the_own():
    truth = make_truth([(0, 1, 0, 10), (0, 0, 4, 14), (1, 1, 0, 10), (1, 0, 0, 10)])
    rows = make_detections([(0, 0, 0, 9, 0.9), (0, 0, 0, 7, 0.8), (1, 0, 0, 4, 0.7)])
    assert names(diagnose(truth, rows, SECONDS, 0.6)) == ["wrong label", "wrong label", "localization"]
    assert names(diagnose(truth, rows, SECONDS, 0.95)) == ["confusion", "confusion", "localization"]


def test_a_hit_stays_one_where_another_class_fits_better():
    truth = make_truth([(0, 0, 0, 10), (0, 1, 0, 9)])
    assert names(diagnose(truth, make_detections([(0, 0, 0, 9, 0.9)]), SECONDS, 0.5)) == ["true positive"]


def test_a_video_without_instances_is_background():
    rows = make_detections([(2, 0, 0, 10, 0.9), (3, 0, 0, 10, 0.8)], videos=("a", "b", "c", "foreign"))
    found = diagnose(TRUTH, rows, SECONDS, 0.5)
    assert names(found) == ["background", "background"] and found.recall == 0


def test_without_detections_every_share_is_zero():
    found = diagnose(TRUTH, make_detections([]), SECONDS, 0.5)
    assert set(found.share.values()) | set(found.gain.values()) == {0.0} and found.mAP == found.recall == 0


def test_recall_by_length_by_hand():
    found, length = np.array([False, True, True, False, True, True, True, False]), np.arange(1.0, 9.0)
    quartiles, recall = recall_by_length(found, length)
    assert quartiles == (2.75, 4.5, 6.25) and recall == (0.5, 0.5, 1.0, 0.5)


def test_recall_of_equal_lengths_is_that_of_the_shortest_group():
    quartiles, recall = recall_by_length(np.array([True, False]), np.array([3.0, 3.0]))
    assert quartiles == (3, 3, 3) and recall[0] == 0.5 and np.isnan(recall[1:]).all()


# Identities on small problems full of ties ------------------------------------------------------------------------

TIMES = st.integers(0, 12), st.integers(0, 8)
INSTANCES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), *TIMES), min_size=1, max_size=10).map(
    lambda rows: make_truth([(v, c, s, s + n) for v, c, s, n in rows])
)
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), *TIMES, st.integers(0, 9)), max_size=20).map(
    lambda rows: make_detections([(v, c, s, s + n, x) for v, c, s, n, x in rows])
)
TIOU = st.sampled_from([0.05, 0.1, 0.3, 0.5, 1.0])


def walk(truth, detections, tiou):
    """Counts of kinds, one detection at a time from the highest score down, the later of equals first, as ActivityNet's."""
    free, counts = set(range(len(truth.label))), Counter()
    for i in np.argsort(detections.score, kind="stable")[::-1]:
        if detections.label[i] not in truth.label:
            continue
        start, end, best = detections.start_s[i], detections.end_s[i], []
        for m in np.flatnonzero(truth.video == detections.video[i]):
            inter = max(min(end, truth.end_s[m]) - max(start, truth.start_s[m]), 0)
            union = truth.end_s[m] - truth.start_s[m] + end - start - inter
            best.append((inter / union if union else np.inf, truth.label[m] == detections.label[i], m))
        hits = [(overlap, m) for overlap, own, m in best if own and overlap >= tiou and m in free]
        overlap, own, _ = max(best, default=(0, False, None))
        if hits:
            free.remove(max(hits)[1])
            counts["true positive"] += 1
        elif overlap >= tiou:
            counts["double detection" if own else "wrong label"] += 1
        elif overlap >= LOWER:
            counts["localization" if own else "confusion"] += 1
        else:
            counts["background"] += 1
    return counts


@given(INSTANCES, ROWS, TIOU)
def test_equals_a_plain_walk(truth, detections, tiou):
    assert Counter(names(diagnose(truth, detections, SECONDS, tiou))) == walk(truth, detections, tiou)


@pytest.mark.parametrize("name", PROTOCOLS)
@given(truth=INSTANCES, detections=ROWS, tiou=TIOU)
def test_agrees_with_the_evaluator(name, truth, detections, tiou):
    """True positives give its mAP; each detection that counts has a kind; removing errors never hurts."""
    protocol = replace(PROTOCOLS[name], zero_if_undetected=False)
    found, result = diagnose(truth, detections, protocol, tiou), evaluate(truth, detections, protocol, [tiou])
    assert found.mAP == result.mAP[0]
    assert len(found.kind) == np.isin(detections.label, truth.label).sum() - left_out(truth, detections, protocol)
    assert np.isin(found.kind, range(len(KINDS))).all()
    hits = np.count_nonzero(found.kind == 0)
    assert found.recall == hits / len(truth.label)
    assert sum(found.share.values()) == pytest.approx(1 if len(found.kind) else 0)
    for error, gain in found.gain.items():
        assert gain >= 0 and (gain == 0 or error in names(found))


def left_out(truth, detections, protocol):
    """Detections of known classes in videos that the protocol drops."""
    known = np.isin(detections.label, truth.label) & ~np.isin(detections.video, truth.video)
    return known.sum() if protocol.drop_empty_videos else 0


@given(INSTANCES, ROWS, TIOU)
def test_precision_at_the_true_positives_is_the_evaluators(truth, detections, tiou):
    """One class, a rank for each detection: the mean precision at the true positives is the AP."""
    one = replace(truth, label=np.zeros_like(truth.label))
    rows = replace(detections, label=np.zeros_like(detections.label), score=-np.arange(len(detections), dtype=float))
    plain = replace(SECONDS, interpolated=False)
    hits = np.flatnonzero(diagnose(one, rows, plain, tiou).kind == 0)
    assert evaluate(one, rows, plain, [tiou]).ap[0, 0] == pytest.approx(
        sum((k + 1) / (hit + 1) for k, hit in enumerate(hits)) / len(one.label)
    )


def test_a_removed_class_does_not_turn_a_gain_into_a_loss():
    """All detections of y are errors: without them y has none, which some protocols punish with mAP 0."""
    rows = make_detections([(0, 0, 0, 10, 0.9), (0, 1, 50, 60, 0.8)])
    found = diagnose(TRUTH, rows, PROTOCOLS["thumos-facnet"], 0.5)
    assert PROTOCOLS["thumos-facnet"].zero_if_undetected and found.mAP > 0 and found.gain["background"] == 0


@pytest.mark.parametrize("tiou", [0.0, 1.1, np.nan])
def test_impossible_thresholds_are_a_sentence(tiou):
    with pytest.raises(UserError, match="tIoU"):
        diagnose(TRUTH, make_detections([]), SECONDS, tiou)


def test_a_truth_without_instances_is_a_sentence():
    with pytest.raises(UserError, match="no action instance"):
        diagnose(make_truth([]), make_detections([]), SECONDS, 0.5)


# Tables and figure ------------------------------------------------------------------------------------------------


@pytest.fixture
def diagnoses():
    """Two rows of facnet_table1: in one the two seeds differ."""
    good, bad = make_detections([KNOWN["true positive"]]), make_detections([KNOWN["background"], KNOWN["localization"]])
    seeds = {"um": (good, bad), "full": (good,)}
    yield {row: [diagnose(TRUTH, one, SECONDS, 0.5) for one in found] for row, found in seeds.items()}
    plt.close("all")


def test_tables_are_means_over_the_seeds(diagnoses):
    table = error_tables.gains("facnet_table1", diagnoses)
    assert table.header == ("row", "mAP@0.5", *ERRORS) and [row[0] for row in table.rows] == ["UM", "FAC-Net"]
    assert table.rows[0][1:3] == ("8.3 ± 11.8", "0.0 ± 0.0") and table.rows[1][1] == "16.7"
    table = error_tables.recalls("facnet_table1", diagnoses)
    assert table.header == ("row", "up to 10.0 s", "10.0–10.0 s", "10.0–10.0 s", "over 10.0 s", "missed")
    assert table.rows == (
        ("UM", "12.5 ± 17.7", "–", "–", "–", "87.5 ± 17.7"), ("FAC-Net", "25.0", "–", "–", "–", "75.0")
    )  # fmt: skip


def test_bars_are_mean_shares_and_fill_the_row(diagnoses):
    figure = figure_errors.error_kinds("facnet_table1", diagnoses).draw()
    (axis,) = figure.axes
    widths = np.array([bar.get_width() for bar in axis.patches]).reshape(2, len(KINDS))
    np.testing.assert_allclose(widths, [[50, 0, 0, 25, 0, 25], [100, 0, 0, 0, 0, 0]])
    np.testing.assert_allclose([bar.get_x() for bar in axis.patches[:6]], [0, 50, 50, 50, 75, 75])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(KINDS)
    assert [text.get_text() for text in axis.texts] == ["50", "25", "25", "100"]


# Speed ------------------------------------------------------------------------------------------------------------


def test_two_hundred_thousand_detections_take_seconds_and_little_memory():
    truth, detections = runpy.run_path(str(ROOT / "scripts" / "benchmark_evaluate.py"))["problem"](
        200_000, videos=200, classes=20, seed=0
    )
    begin = time.perf_counter()
    diagnose(truth, detections, SECONDS, 0.5)
    assert time.perf_counter() - begin < 5
    tracemalloc.start()
    diagnose(truth, detections, SECONDS, 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6  # 200,000 detections x 400 instances would be 640 MB a float array
