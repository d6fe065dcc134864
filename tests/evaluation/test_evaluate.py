"""The evaluator against a plain walk through the detections, known answers, identities, and its speed."""

import runpy
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.made import make_detections, make_truth
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.base.types import Detections
from wstal.evaluation.evaluate import PROTOCOLS, _detection_times, evaluate
from wstal.evaluation.matching import PAIRS, pairs

SECONDS = replace(PROTOCOLS["activitynet"], tious=())


# A plain walk, written from the definitions: lists of integers for snippets, one detection at a time ----------------


def walk(truth, detections, protocol, threshold):
    """{class: AP} and mAP."""
    gt = list(zip(truth.video, truth.label, map(float, truth.start_s), map(float, truth.end_s), strict=True))
    ambiguous = zip(truth.ambiguous_video, truth.ambiguous_start_s, truth.ambiguous_end_s, strict=True)
    d = detections
    rows = list(zip(d.video, d.label, map(float, d.start_s), map(float, d.end_s), map(float, d.score), strict=True))
    if protocol.snippets_per_s is not None:
        gt = [(v, c, round(s * 25 / 16), round(e * 25 / 16)) for v, c, s, e in gt]
        rows = [(v, c, int(round(s * 25 / 16, 6)), int(round(e * 25 / 16, 6)), score) for v, c, s, e, score in rows]
        ambiguous = [(v, set(range(round(s * 25 / 16), round(e * 25 / 16)))) for v, s, e in ambiguous]
    if protocol.drop_empty_videos:
        rows = [row for row in rows if row[0] in {v for v, *_ in gt}]
    if protocol.ambiguity_filter:
        rows = [r for r in rows if not any(r[0] == v and times & set(range(r[2], r[3])) for v, times in ambiguous)]
    ap = {c: walk_class(gt, rows, c, protocol, threshold) for c in sorted({c for _, c, *_ in gt})}
    undetected = set(ap) - {row[1] for row in rows}
    return ap, 0.0 if protocol.zero_if_undetected and undetected else np.mean(list(ap.values()))


def walk_class(gt, rows, label, protocol, threshold):
    gt = [(v, s, e) for v, c, s, e in gt if c == label]
    rows = [row for row in rows if row[1] == label]
    rows = sorted(reversed(rows) if protocol.later_row_first else rows, key=lambda row: -row[4])
    free, hits = dict(enumerate(gt)), []
    for v, _, s, e, _ in rows:
        tious = {i: walk_tiou(s, e, g_s, g_e, protocol) for i, (g_v, g_s, g_e) in free.items() if g_v == v}
        fitting = [i for i in tious if tious[i] >= threshold]
        sign = 1 if protocol.later_instance_first else -1
        choice = (min if protocol.first_in_file else max)(
            fitting, key=lambda i: i if protocol.first_in_file else (tious[i], sign * i), default=None
        )
        free.pop(choice, None)
        hits.append(choice is not None)
    precision = [sum(hits[: i + 1]) / (i + 1) for i in range(len(hits))]
    if protocol.interpolated:
        precision = [max(precision[i:]) for i in range(len(hits))]
    return sum(p for p, hit in zip(precision, hits, strict=True) if hit) / len(gt)


def walk_tiou(s, e, g_s, g_e, protocol):
    if protocol.snippets_per_s is not None:
        p, g = set(range(s, e)), set(range(g_s, g_e))
        return len(p & g) / len(p | g) if p | g else 0.0
    inter = max(min(e, g_e) - max(s, g_s), 0)
    union = (g_e - g_s) + (e - s) - inter
    return inter / union if union else np.inf


# Small problems full of ties, duplicates, overlapping instances and segments that last nothing ---------------------

times = st.sampled_from([0.0, 0.32, 0.64, 1.0, 1.28, 1.6, 1.92, 2.2, 2.56, 3.2, 5.0])
index = st.integers(0, 2)
segment = st.tuples(times, times).map(sorted)
instance = st.tuples(index, index, times, times)  # some end before they start
ambiguity = st.tuples(index, segment).map(lambda x: (x[0], *x[1]))
detection = st.tuples(index, index, segment, st.sampled_from([0.1, 0.2, 0.3, 0.9])).map(lambda x: (*x[:2], *x[2], x[3]))


@pytest.mark.parametrize("name", PROTOCOLS)
@settings(max_examples=300, deadline=None)
@given(
    st.lists(instance, min_size=1, max_size=12),
    st.lists(detection, max_size=25),
    st.lists(ambiguity, max_size=3),
    st.lists(st.sampled_from([0.01, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0]), min_size=1, max_size=4),
)
def test_equals_a_plain_walk(name, instances, rows, ambiguous, tious):
    truth, detections = make_truth(instances, ambiguous=ambiguous), make_detections(rows)
    result = evaluate(truth, detections, PROTOCOLS[name], tious)
    for k, threshold in enumerate(tious):
        ap, mean = walk(truth, detections, PROTOCOLS[name], threshold)
        expected = [ap.get(c, np.nan) for c in range(3)]
        np.testing.assert_allclose(result.ap[k], expected, rtol=0, atol=1e-9)
        assert result.mAP[k] == pytest.approx(mean, abs=1e-9)
    assert result.average_mAP == pytest.approx(result.mAP.mean(), abs=1e-12)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_equals_a_plain_walk_when_many_compete(name):
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 40, 60)
    instances = [(0, i % 2, s, s + 8) for i, s in enumerate(start)]
    start = rng.uniform(0, 40, 400)
    rows = [(0, i % 2, s, s + 8, score) for i, (s, score) in enumerate(zip(start, rng.random(400), strict=True))]
    truth, detections = make_truth(instances), make_detections(rows)
    result = evaluate(truth, detections, PROTOCOLS[name], [0.3, 0.6])
    for k, threshold in enumerate([0.3, 0.6]):
        assert result.mAP[k] == pytest.approx(walk(truth, detections, PROTOCOLS[name], threshold)[1], abs=1e-9)


# Identities -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROTOCOLS)
def test_perfect_detections(name):
    truth = make_truth([(0, 0, 0, 6.4), (0, 1, 3.2, 12.8), (1, 2, 0, 3.2), (2, 0, 6.4, 12.8), (0, 0, 19.2, 25.6)])
    columns = (truth.video, truth.label, truth.start_s, truth.end_s, np.linspace(0.1, 0.9, 5))
    result = evaluate(truth, Detections(truth.videos, truth.labels, *columns), PROTOCOLS[name], [0.1, 1.0])
    assert result.ap.tolist() == np.ones((2, 3)).tolist() and result.average_mAP == 1 and result.notes == ()


@pytest.fixture(scope="module")
def benchmark():
    return runpy.run_path(str(ROOT / "scripts" / "benchmark_evaluate.py"))


def test_row_order_is_nothing_without_ties_and_thresholds_only_hurt(benchmark):
    truth, d = benchmark["problem"](3000, videos=60, classes=7, seed=1)
    tious = np.linspace(0.1, 0.9, 9)
    for protocol in PROTOCOLS.values():
        result = evaluate(truth, d, protocol, tious)
        rows = np.random.default_rng(2).permutation(len(d))
        shuffled = (column[rows] for column in (d.video, d.label, d.start_s, d.end_s, d.score))
        again = evaluate(truth, Detections(d.videos, d.labels, *shuffled), protocol, tious)
        np.testing.assert_array_equal(result.ap, again.ap)
        assert (np.diff(result.mAP) <= 0).all() and result.mAP[0] > result.mAP[-1] > 0
        backwards = evaluate(truth, d, protocol, tious[::-1])
        np.testing.assert_array_equal(result.ap, backwards.ap[::-1])


def test_names_decide_not_indices():
    truth = make_truth([(0, 0, 0, 10), (1, 1, 0, 10)])
    rows = [(2, 2, 0, 10, 0.9), (1, 1, 0, 10, 0.8)]
    detections = make_detections(rows, videos=("c", "b", "a"), labels=("z", "y", "x"))
    assert evaluate(truth, detections, SECONDS, [0.5]).mAP.tolist() == [1.0]


def test_pairs_come_in_bounded_chunks():
    left, right = np.arange(1000) % 10, np.arange(PAIRS // 50) % 10
    chunks = list(pairs(left, right))
    assert len(chunks) > 1 and all(len(i) <= PAIRS + len(right) for i, _ in chunks)
    i, j = map(np.concatenate, zip(*chunks, strict=True))
    assert (left[i] == right[j]).all() and len(i) == sum((right == key).sum() for key in left)
    assert (np.diff(i * len(right) + j) > 0).all()


# Known answers ----------------------------------------------------------------------------------------------------


def test_known_average_precision():
    truth = make_truth([(0, 0, 0, 10), (0, 0, 20, 30), (1, 0, 0, 10), (1, 0, 20, 30)])
    rows = [(0, 0, 0, 10, 0.9), (0, 0, 50, 60, 0.8), (0, 0, 20, 30, 0.7), (1, 0, 50, 60, 0.6), (1, 0, 0, 10, 0.5)]
    rows += [(1, 0, 20, 29, 0.4)]
    plain = replace(SECONDS, interpolated=False)
    assert evaluate(truth, make_detections(rows), plain, [0.5]).mAP[0] == pytest.approx((1 + 2 / 3 + 3 / 5 + 4 / 6) / 4)
    result = evaluate(truth, make_detections(rows), SECONDS, [0.5, 0.95])
    np.testing.assert_allclose(result.mAP, [(1 + 2 / 3 + 2 / 3 + 2 / 3) / 4, (1 + 2 / 3 + 3 / 5) / 4])
    assert np.isnan(result.ap[:, 1:]).all() and result.classes == ("x", "y", "z")


def test_first_in_file_and_best_tiou_differ():
    truth = make_truth([(0, 0, 0, 6.4), (0, 0, 3.2, 9.6)])
    rows = [(0, 0, 3.2, 9.6, 0.9), (0, 0, 0.0, 6.4, 0.8)]
    assert evaluate(truth, make_detections(rows), PROTOCOLS["thumos-facnet"], [0.3]).mAP[0] == 1
    assert evaluate(truth, make_detections(rows), PROTOCOLS["thumos-wtalc"], [0.3]).mAP[0] == 1
    rows[1] = (0, 0, 0.0, 3.2, 0.8)  # fits the first instance only, which the first match took
    assert evaluate(truth, make_detections(rows), PROTOCOLS["thumos-facnet"], [0.3]).mAP[0] == 1
    assert evaluate(truth, make_detections(rows), PROTOCOLS["thumos-wtalc"], [0.3]).mAP[0] == 0.5


def test_snippets_survive_the_way_through_seconds():
    k = np.arange(20000)
    truth = make_truth([(0, 0, 0, 6.4)])
    np.testing.assert_array_equal(_detection_times(k * 0.64, PROTOCOLS["thumos-facnet"]), k)
    np.testing.assert_array_equal(_detection_times(np.round(k * 16 / 25, 6), PROTOCOLS["thumos-facnet"]), k)
    assert evaluate(truth, make_detections([(0, 0, 0.0, 7.03, 1)]), PROTOCOLS["thumos-facnet"], [1.0]).mAP[0] == 1


def test_tie_orders():
    truth = make_truth([(0, 0, 0, 10)])
    rows = [(0, 0, 0, 10, 0.5), (0, 0, 50, 60, 0.5)]
    assert evaluate(truth, make_detections(rows), PROTOCOLS["activitynet"], [0.5]).mAP[0] == 0.5
    assert evaluate(truth, make_detections(rows), PROTOCOLS["thumos-facnet"], [0.5]).mAP[0] == 1


# Unusual input ----------------------------------------------------------------------------------------------------

ONE = [(0, 0, 0, 10)]
HIT = (0, 0, 0, 10, 0.5)


def test_labels_without_truth_are_ignored_with_a_note():
    rows = [HIT, (0, 1, 0, 10, 0.9), (0, 2, 0, 10, 0.9)]
    result = evaluate(make_truth(ONE, labels=("x", "y")), make_detections(rows), SECONDS, [0.5])
    assert result.mAP[0] == 1
    assert result.notes == ("Ignored 2 detections of 2 labels without a ground-truth instance: 'y', 'z'.",)


@pytest.mark.parametrize(
    "name, mean, fate", [("activitynet", 0.5, "counted as false positives"), ("thumos-facnet", 1, "left out")]
)
def test_videos_outside_the_truth(name, mean, fate):
    rows = [HIT, (1, 0, 0, 10, 0.9)]
    result = evaluate(make_truth(ONE, videos=("a",)), make_detections(rows), PROTOCOLS[name], [0.5])
    assert result.mAP[0] == mean
    assert result.notes == (f"Found 1 detection in 1 video outside the ground truth, {fate}: 'b'.",)
    unnoted = evaluate(make_truth(ONE), make_detections(rows), PROTOCOLS[name], [0.5])
    assert unnoted.mAP[0] == mean and unnoted.notes == ()


def test_a_foreign_video_is_no_video_of_another_class():
    truth = make_truth([(0, 0, 0, 10), (0, 1, 20, 30)], videos=("a",))
    assert evaluate(truth, make_detections([(1, 1, 0, 10, 0.9)]), SECONDS, [0.5]).ap[0].tolist()[:2] == [0, 0]


@pytest.mark.parametrize("name", PROTOCOLS)
def test_no_detections(name):
    result = evaluate(make_truth(ONE), make_detections([]), PROTOCOLS[name], [0.5])
    assert result.mAP.tolist() == [0.0] and result.notes == ("There are no detections, so mAP is 0.",)


@pytest.mark.parametrize("name, mean", [("activitynet", 0.5), ("thumos-facnet", 0), ("thumos-wsad", 0.5)])
def test_a_class_without_detections(name, mean):
    result = evaluate(make_truth([*ONE, (1, 1, 0, 10)]), make_detections([HIT]), PROTOCOLS[name], [0.5])
    assert result.mAP[0] == mean and result.notes[0].startswith("Found 1 class without a detection")


def test_instances_that_do_not_last_count_but_are_not_matched():
    result = evaluate(make_truth([*ONE, (0, 0, 20, 20), (0, 0, 40, 30)]), make_detections([HIT]), SECONDS, [0.5])
    assert result.mAP[0] == pytest.approx(1 / 3) and result.notes[0].startswith("Counted 2 ground-truth instances")


@pytest.mark.parametrize(
    "row, words",
    [
        ((1, 0, 0, 10, np.nan), ["detection 1 ", "'b'", "score nan"]),
        ((1, 0, np.inf, np.inf, 0.5), ["detection 1 ", "'b'", "segment [inf, inf]"]),
        ((1, 0, 10, 9.5, 0.5), ["detection 1 ", "'b'", "ends at 9.5 s before it starts at 10.0 s"]),
    ],
)
def test_broken_detections(row, words):
    with pytest.raises(UserError) as error:
        evaluate(make_truth(ONE), make_detections([HIT, (1, 0, 0, 1, 0.3), row]), SECONDS, [0.5])
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("tious", [[], [0.0], [1.1], [np.nan], [[0.5]]])
def test_broken_thresholds(tious):
    with pytest.raises(UserError, match="thresholds"):
        evaluate(make_truth(ONE), make_detections([HIT]), SECONDS, tious)


def test_truth_without_instances():
    with pytest.raises(UserError, match="no action instance"):
        evaluate(make_truth([]), make_detections([HIT]), SECONDS, [0.5])


# Speed ------------------------------------------------------------------------------------------------------------


def test_far_faster_than_a_loop(benchmark):
    tious = PROTOCOLS["activitynet"].tious
    truth, detections = benchmark["problem"](50_000, videos=2000, classes=50, seed=0)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        result = evaluate(truth, detections, PROTOCOLS["activitynet"], tious)
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    loop = benchmark["plain_loop"](truth, detections, tious)
    loop_s = time.perf_counter() - begin
    np.testing.assert_allclose(result.mAP, loop, rtol=0, atol=1e-9)
    assert loop_s > 8 * min(seconds), (loop_s, seconds)


@pytest.mark.parametrize(
    ("factor", "unit"), [(25, "frames or milliseconds"), (1000, "frames or milliseconds"), (0.01, "shares")]
)
def test_times_in_another_unit_are_noted(factor, unit):
    truth = make_truth([(0, 0, 10, 20), (1, 0, 50, 60), (2, 0, 5, 30)])
    found = [(0, 0, 11, 19, 0.9), (1, 0, 51, 59, 0.8), (1, 0, 1, 2, 0.7), (2, 0, 7, 29, 0.6)]
    scaled = [(video, label, start * factor, end * factor, score) for video, label, start, end, score in found]
    noted = [evaluate(truth, make_detections(rows), PROTOCOLS["activitynet"], [0.5]).notes for rows in (found, scaled)]
    assert not noted[0] and "last instance of their video" in noted[1][-1] and unit in noted[1][-1]
