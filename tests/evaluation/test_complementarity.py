"""Who finds what: by hand, against a plain walk, and what must hold of any models."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made import make_detections, make_truth
from wstal.base.errors import UserError
from wstal.detect.ensemble import DetectionUnion, fuse
from wstal.evaluation.complementarity import Complementarity, compare, found
from wstal.report import error_tables

TIMES = st.integers(0, 12), st.integers(1, 8)
INSTANCES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), *TIMES), min_size=1, max_size=10).map(
    lambda rows: make_truth([(v, c, s, s + n) for v, c, s, n in rows])
)
ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), *TIMES, st.integers(0, 9)), max_size=15).map(
    lambda rows: make_detections([(v, c, s, s + n, x) for v, c, s, n, x in rows])
)
TIOU = st.sampled_from([0.1, 0.5, 1.0])

TRUTH = make_truth([(0, 0, 0, 10), (0, 0, 20, 30), (1, 0, 0, 10), (1, 1, 0, 10)])
ONE = make_detections([(0, 0, 0, 10, 0.9), (0, 0, 20, 30, 0.8), (1, 1, 5, 40, 0.7)])
OTHER = make_detections([(0, 0, 1, 10, 0.9), (1, 0, 0, 9, 0.5), (1, 2, 0, 10, 0.4)])


def walk(truth, detections, tiou, per_instance):
    """One instance and one detection at a time."""
    hits = np.zeros(len(truth.label), dtype=bool)
    for c in set(truth.label):
        rows = [i for i in np.argsort(-detections.score, kind="stable") if detections.label[i] == c]
        rows = rows[: int(min(np.ceil(per_instance * sum(truth.label == c)), len(rows)))]
        for m in np.flatnonzero(truth.label == c):
            for i in rows:
                if detections.video[i] == truth.video[m]:
                    inter = min(detections.end_s[i], truth.end_s[m]) - max(detections.start_s[i], truth.start_s[m])
                    lengths = detections.end_s[i] - detections.start_s[i] + truth.end_s[m] - truth.start_s[m]
                    hits[m] |= max(inter, 0) / (lengths - max(inter, 0)) >= tiou
    return hits


def test_by_hand():
    result = compare(TRUTH, {"one": ONE, "other": OTHER}, 0.5, np.inf)
    assert result.found.tolist() == [[True, True, False, False], [True, False, True, False]]
    np.testing.assert_allclose(result.recall, [0.5, 0.5])
    np.testing.assert_allclose(result.only, [[0, 0.25], [0.25, 0]])
    assert result.union == 0.75
    np.testing.assert_allclose(result.shared_errors, [[1, 1 / 3], [1 / 3, 1]])


def test_only_the_best_detections_count():
    """Two instances of the class: the third detection is one too many at 1 an instance, not at 1.5."""
    truth = make_truth([(0, 0, 0, 10), (0, 0, 20, 30)])
    rows = make_detections([(2, 0, 0, 10, 0.9), (0, 0, 0, 10, 0.8), (0, 0, 20, 30, 0.7)])
    assert found(truth, rows, 0.5, 1.0).tolist() == [True, False]
    assert found(truth, rows, 0.5, 1.5).tolist() == [True, True]


def test_names_not_indices_say_what_is_meant():
    rows = make_detections([(0, 0, 0, 10, 0.9), (1, 1, 0, 10, 0.9)], videos=("b", "unknown"), labels=("y", "strange"))
    assert found(TRUTH, rows, 0.5, 1.0).tolist() == [False, False, False, True]


@given(INSTANCES, ROWS, TIOU, st.sampled_from([0.5, 1.0, 2.0, np.inf]))
def test_equals_a_plain_walk(truth, rows, tiou, per_instance):
    assert found(truth, rows, tiou, per_instance).tolist() == walk(truth, rows, tiou, per_instance).tolist()


@given(INSTANCES, ROWS, ROWS, TIOU)
def test_the_oracle_is_the_union_of_detections(truth, one, other, tiou):
    """All detections of both models together find what either finds."""
    both = fuse({"a": one, "b": other}, DetectionUnion(weights={"a": 1, "b": 1}, score="none", overlap="iou", threshold=1.0))
    result = compare(truth, {"a": one, "b": other}, tiou, np.inf)
    assert result.union == found(truth, both, tiou, np.inf).mean()


@given(st.integers(1, 4), st.integers(1, 9), st.integers(0, 99))
def test_shares_add_up(models, instances, seed):
    hits = np.random.default_rng(seed).random((models, instances)) < 0.5
    result = Complementarity(tuple("abcd"[:models]), hits)
    assert (np.diag(result.only) == 0).all()
    np.testing.assert_allclose(result.recall[:, None] - result.only, (result.recall[:, None] - result.only).T)  # found by both
    assert result.union >= result.recall.max()
    shared = result.shared_errors
    np.testing.assert_array_equal(shared, shared.T)
    assert np.isnan(np.diag(shared)).tolist() == (result.recall == 1).tolist()


def test_equal_models_share_all_errors():
    result = compare(TRUTH, {"a": ONE, "b": ONE}, 0.5, 1.0)
    assert (result.only == 0).all() and (result.shared_errors == 1).all() and result.union == result.recall[0]


def test_the_table_holds_percent():
    rows = error_tables.overlap(compare(TRUTH, {"one": ONE, "other": OTHER}, 0.5, np.inf), "Title", "Caption.").rows
    assert rows == (
        ("one", "50.0", "–", "25.0"), ("other", "50.0", "25.0", "–"), ("any model", "75.0", "25.0", "25.0"),
    )  # fmt: skip


@pytest.mark.parametrize(("tiou", "per_instance"), [(0.0, 1.0), (1.1, 1.0), (0.5, 0.0)])
def test_impossible_settings_are_a_sentence(tiou, per_instance):
    with pytest.raises(UserError, match="tIoU"):
        found(TRUTH, ONE, tiou, per_instance)


def test_nothing_to_compare_is_a_sentence():
    with pytest.raises(UserError, match="at least one"):
        compare(TRUTH, {}, 0.5, 1.0)
    with pytest.raises(UserError, match="no action instance"):
        found(make_truth([]), ONE, 0.5, 1.0)
