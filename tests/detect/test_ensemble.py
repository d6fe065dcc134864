"""Ensembles by hand, their identities, and what each parameter does."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.made import make_detections, rows_of
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, VideoScores
from wstal.detect.ensemble import DetectionUnion, ScoreMean, average, covered, fuse, minmax, resample, rescaled, softmax

GRID = TimeGrid(25.0, 16, 16)
GRIDS = st.builds(TimeGrid, st.sampled_from([10.0, 25.0, 29.97]), st.integers(4, 32), st.sampled_from([8, 16, 32]))
VALUES = st.floats(-100, 100)


def mean_of(grid=GRID, activation="none", actionness="none", video_score="none", **weights):
    return ScoreMean(weights=weights, grid=grid, activation=activation, actionness=actionness, video_score=video_score)


def union_of(score="none", overlap="iou", threshold=0.5, **weights):
    return DetectionUnion(weights=weights, score=score, overlap=overlap, threshold=threshold)


def scores_of(seed, length=6, classes=3):
    rng = np.random.default_rng(seed)
    return VideoScores(rng.normal(size=(length, classes)), rng.normal(size=classes), rng.random(length))


def equal(one: VideoScores, other: VideoScores, **tolerance):
    for name in ("activation", "video_score", "actionness"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), **{"rtol": 0, "atol": 0} | tolerance)


# Scores ---------------------------------------------------------------------------------------------------------------


def test_the_section_of_params_chooses_its_kind():
    kinds = ScoreMean | DetectionUnion
    scores = {"combine": "scores", "weights": {"a": 1}, "grid": {"fps": 25.0, "stride_f": 16, "window_f": 16}}
    scores |= {"activation": "minmax", "actionness": "none", "video_score": "softmax"}
    assert msgspec.convert(scores, kinds) == mean_of(a=1, activation="minmax", video_score="softmax")
    detections = {"combine": "detections", "weights": {"a": 1}, "score": "rank", "overlap": "iou", "threshold": 0.5}
    assert msgspec.convert(detections, kinds) == union_of(a=1, score="rank")
    with pytest.raises(msgspec.ValidationError, match="combine"):
        msgspec.convert(scores | {"combine": "models"}, kinds)
    with pytest.raises(msgspec.ValidationError, match="score"):
        msgspec.convert(scores | {"score": "rank"}, kinds)


def test_a_weighted_mean_by_hand():
    one = VideoScores(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    other = VideoScores(np.array([[5.0, 4.0], [4.0, 2.0]]), np.array([0.0, 4.0]), np.array([1.0, 1.0]))
    found = average({"a": {"v": one}, "b": {"v": other}}, {"a": GRID, "b": GRID}, mean_of(a=3, b=1))["v"]
    np.testing.assert_allclose(found.activation, [[2, 1], [1, 2]])
    np.testing.assert_allclose(found.video_score, [0.75, 1])
    np.testing.assert_allclose(found.actionness, [0.25, 1])


@given(GRIDS, st.integers(0, 9), st.integers(1, 40), st.floats(0.1, 9))
def test_one_model_is_itself(grid, seed, length, weight):
    scores = {"v": scores_of(seed, length), "w": scores_of(seed + 1, length + 3)}
    found = average({"a": scores}, {"a": grid}, mean_of(grid, a=weight))
    assert list(found) == ["v", "w"]
    for video in scores:
        equal(found[video], scores[video])


@given(st.integers(0, 9), st.floats(0.1, 9), st.floats(0.1, 9))
def test_two_equal_models_are_one(seed, one, other):
    scores = {"v": scores_of(seed)}
    found = average({"a": scores, "b": scores}, {"a": GRID, "b": GRID}, mean_of(a=one, b=other))["v"]
    equal(found, scores["v"], atol=1e-12)


def test_weight_zero_leaves_a_model_out():
    """Not even its grid, its videos or its classes count."""
    models = {"a": {"v": scores_of(0)}, "b": {"w": scores_of(1, 60, 9)}}
    equal(average(models, {"a": GRID, "b": TimeGrid(25.0, 4, 4)}, mean_of(a=2, b=0))["v"], models["a"]["v"])


@given(st.integers(0, 9), st.floats(0.1, 9))
def test_only_proportions_and_names_matter(seed, factor):
    models = {"a": {"v": scores_of(seed)}, "b": {"v": scores_of(seed + 1)}}
    grids = {"a": GRID, "b": GRID}
    turned = dict(reversed(models.items()))
    one, other = average(models, grids, mean_of(a=1, b=2)), average(turned, grids, mean_of(b=2 * factor, a=factor))
    equal(one["v"], other["v"], atol=1e-12)


@given(GRIDS, hnp.arrays(np.float64, st.tuples(st.integers(1, 50), st.integers(1, 3)), elements=VALUES))
def test_resampling_to_the_own_grid_is_the_identity(grid, values):
    length = covered(len(values), grid, grid)
    assert length == len(values)
    np.testing.assert_array_equal(resample(values, grid, grid, length), values)


@given(GRIDS, GRIDS, hnp.arrays(np.float64, st.integers(1, 50), elements=VALUES))
def test_resampling_stays_between_the_extremes(source, target, values):
    found = resample(values, source, target, covered(len(values), source, target))
    assert values.min() <= found.min() and found.max() <= values.max()


@given(GRIDS, GRIDS, st.integers(2, 50), VALUES, VALUES)
def test_a_line_stays_a_line_in_seconds(source, target, length, slope, start):
    def line(grid, count):
        return start + slope * grid.seconds(np.arange(count) + 0.5)

    count = covered(length, source, target)
    found, exact = resample(line(source, length), source, target, count), line(target, count)
    low, high = np.sort(line(source, length)[[0, -1]])
    np.testing.assert_allclose(found, np.clip(exact, low, high), atol=1e-8)


def test_half_the_stride_is_twice_the_snippets():
    """Centres at 0.16, 0.48, ... between those at 0.32, 0.96, ...; outside them the outer values."""
    fine = TimeGrid(25.0, 8, 8)
    assert covered(3, GRID, fine) == 6
    np.testing.assert_allclose(resample(np.array([0.0, 4.0, 8.0]), GRID, fine, 6), [0, 1, 3, 5, 7, 8])


def test_models_on_different_grids_meet_in_time():
    """An action from 1.92 s to 3.84 s, seen by a coarse and by a fine model."""
    fine = TimeGrid(25.0, 8, 8)
    coarse_scores, fine_scores = (
        VideoScores(((t > 1.92) & (t < 3.84)).astype(float)[:, None], np.ones(1), np.zeros(len(t)))
        for t in (GRID.seconds(np.arange(10) + 0.5), fine.seconds(np.arange(20) + 0.5))
    )
    models = {"coarse": {"v": coarse_scores}, "fine": {"v": fine_scores}}
    grids = {"coarse": GRID, "fine": fine}
    found = average(models, grids, mean_of(coarse=1, fine=1))["v"].activation[:, 0]
    np.testing.assert_array_equal(found > 0.5, coarse_scores.activation[:, 0] > 0)
    found = average(models, grids, mean_of(fine, coarse=1, fine=1))["v"].activation[:, 0]
    np.testing.assert_array_equal(found > 0.5, fine_scores.activation[:, 0] > 0)


def test_the_longest_model_gives_the_length():
    models = {"a": {"v": scores_of(0, 4)}, "b": {"v": scores_of(1, 6)}}
    found = average(models, {"a": GRID, "b": GRID}, mean_of(a=1, b=1))["v"]
    assert found.activation.shape == (6, 3)
    np.testing.assert_allclose(found.activation[5], (models["a"]["v"].activation[3] + models["b"]["v"].activation[5]) / 2)


@given(st.integers(0, 9), st.floats(0.01, 100), VALUES)
def test_scales_of_models_do_not_matter_after_minmax(seed, factor, shift):
    def stretched(v):
        return VideoScores(factor * v.activation + shift, factor * v.video_score + shift, factor * v.actionness + shift)

    combination = mean_of(a=1, b=1, activation="minmax", actionness="minmax", video_score="minmax")
    grids = {"a": GRID, "b": GRID}
    one, other = scores_of(seed), scores_of(seed + 1)
    plain = average({"a": {"v": one}, "b": {"v": other}}, grids, combination)["v"]
    equal(average({"a": {"v": one}, "b": {"v": stretched(other)}}, grids, combination)["v"], plain, atol=1e-9)


def test_scales_by_hand():
    np.testing.assert_allclose(minmax(np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0]])), [[0, 0], [1, 0], [0.5, 0]])
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0], [2.0, 2.0]])), [[0.25, 0.75], [0.5, 0.5]])
    assert np.isfinite(softmax(np.array([1e4, -1e4]))).all()


def test_each_part_has_a_scale_of_its_own():
    scores = scores_of(3)
    combination = mean_of(a=1, activation="softmax", actionness="minmax", video_score="minmax")
    found = average({"a": {"v": scores}}, {"a": GRID}, combination)["v"]
    np.testing.assert_allclose(found.activation.sum(1), 1)
    assert (found.video_score.min(), found.video_score.max()) == (0, 1)
    assert (found.actionness.min(), found.actionness.max()) == (0, 1)
    equal(average({"a": {"v": scores}}, {"a": GRID}, mean_of(a=1))["v"], scores)


@pytest.mark.parametrize(
    ("models", "weights", "words"),
    [
        ({"a": {"v": scores_of(0)}}, {"b": 1}, "weighs b, but its models are a"),
        ({"a": {"v": scores_of(0)}}, {"a": 0}, "all 0"),
        ({"a": {"v": scores_of(0)}, "b": {"w": scores_of(0)}}, {"a": 1, "b": 1}, "video 'v'"),
        ({"a": {"v": scores_of(0)}, "b": {"v": scores_of(0, classes=4)}}, {"a": 1, "b": 1}, "3 and 4 classes"),
    ],
)
def test_models_that_do_not_fit_are_a_sentence(models, weights, words):
    with pytest.raises(UserError, match=words):
        average(models, dict.fromkeys(models, GRID), mean_of(**weights))


# Detections -----------------------------------------------------------------------------------------------------------


def detections(rows, videos=("v", "w"), labels=("x", "y")):
    """Made of rows in the total order."""
    return make_detections(sorted(rows, key=lambda row: (-row[4], row[0], row[1], row[2])), videos, labels)


ROWS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 30), st.integers(1, 9), st.integers(1, 99)),
    max_size=12,
    unique_by=lambda row: row[4],
).map(lambda rows: detections([(v, c, s, s + n, x / 100) for v, c, s, n, x in rows]))


def test_a_union_by_hand():
    """The better of two detections of one time and class stays; another class and another video are apart."""
    one = detections([(0, 0, 0, 10, 0.9), (0, 1, 0, 10, 0.1), (1, 0, 0, 10, 0.3)])
    other = detections([(0, 0, 1, 10, 0.8), (0, 0, 20, 30, 0.7)])
    found = fuse({"a": one, "b": other}, union_of(a=1, b=1))
    assert rows_of(found) == [
        ("v", "x", 0, 10, 0.9), ("v", "x", 20, 30, 0.7), ("w", "x", 0, 10, 0.3), ("v", "y", 0, 10, 0.1),
    ]  # fmt: skip
    found = fuse({"a": one, "b": other}, union_of(a=1, b=2, threshold=1.0))
    assert rows_of(found)[:3] == [("v", "x", 1, 10, 0.8), ("v", "x", 20, 30, 0.7), ("v", "x", 0, 10, 0.45)]
    assert len(found) == 5


def test_names_not_indices_say_what_is_meant():
    one = detections([(0, 0, 0, 10, 0.9)], videos=("v",), labels=("x",))
    other = detections([(0, 0, 0, 10, 0.8), (1, 1, 0, 10, 0.7)], videos=("u", "v"), labels=("y", "x"))
    found = fuse({"a": one, "b": other}, union_of(a=1, b=1))
    assert rows_of(found) == [("v", "x", 0, 10, 0.9), ("u", "y", 0, 10, 0.8)]
    assert found.videos == ("v", "u") and found.labels == ("x", "y")


@given(ROWS, st.floats(0.1, 9), st.sampled_from([0.0, 0.3, 0.9]))
def test_one_model_of_suppressed_detections_is_itself(found, weight, threshold):
    combination = union_of(a=weight, threshold=threshold)
    once = fuse({"a": found}, combination)
    assert rows_of(fuse({"a": once}, combination)) == rows_of(once)
    assert rows_of(fuse({"a": once, "b": once}, union_of(a=weight, b=weight, threshold=threshold))) == rows_of(once)
    assert set(rows_of(once)) <= set(rows_of(found))


@given(ROWS, ROWS)
def test_weight_zero_leaves_detections_out(one, other):
    assert rows_of(fuse({"a": one, "b": other}, union_of(a=1, b=0))) == rows_of(fuse({"a": one}, union_of(a=1)))


@given(ROWS, ROWS)
def test_order_is_total_and_models_are_equal(one, other):
    found = fuse({"a": one, "b": other}, union_of(a=1, b=1, threshold=1.0))
    key = list(zip(-found.score, found.video, found.label, found.start_s, strict=True))
    assert key == sorted(key) and len(found) == len(one) + len(other)
    turned = fuse({"b": other, "a": one}, union_of(a=1, b=1, threshold=1.0))
    assert sorted(rows_of(turned)) == sorted(rows_of(found))


@given(hnp.arrays(np.float64, st.integers(0, 30), elements=st.integers(-5, 5)), st.sampled_from(["none", "minmax", "rank"]))
def test_scaling_keeps_the_order_of_scores(score, scale):
    scaled = rescaled(score, scale)
    for one, other in ((score, scaled), (scaled, score)):
        assert (np.sign(one[:, None] - one) == np.sign(other[:, None] - other)).all()
    assert scale == "none" or ((scaled >= 0) & (scaled <= 1)).all()


def test_ranks_by_hand():
    np.testing.assert_allclose(rescaled(np.array([7.0, -1.0, 7.0, 3.0]), "rank"), [1, 0.25, 1, 0.5])


@given(ROWS, ROWS, st.sampled_from(["minmax", "rank"]), st.sampled_from([0.5, 4.0]))
def test_scale_of_a_model_does_not_matter(one, other, score, factor):
    stretched = Detections(
        other.videos, other.labels, other.video, other.label, other.start_s, other.end_s, factor * other.score
    )
    combination = union_of(a=1, b=1, score=score)
    plain, found = (fuse({"a": one, "b": two}, combination) for two in (other, stretched))
    np.testing.assert_allclose(found.score, plain.score, atol=1e-12)
    assert [row[:4] for row in rows_of(found)] == [row[:4] for row in rows_of(plain)]


def test_overlap_is_a_parameter():
    """[0, 10] and [0, 4]: 0.4 of the union, all of the lower-scored."""
    found = detections([(0, 0, 0, 10, 0.9), (0, 0, 0, 4, 0.5)])
    assert len(fuse({"a": found}, union_of(a=1, overlap="iou"))) == 2
    assert len(fuse({"a": found}, union_of(a=1, overlap="lower"))) == 1


def test_no_detection_at_all():
    assert len(fuse({"a": detections([]), "b": detections([])}, union_of(a=1, b=1, score="rank"))) == 0


def test_unknown_models_are_a_sentence():
    with pytest.raises(UserError, match="weighs a, but its models are b"):
        fuse({"b": detections([])}, union_of(a=1))
