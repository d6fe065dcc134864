"""Statistics of features against arrays whose statistics are known."""

import numpy as np
import pytest

from wstal import published
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.report import feature_measures as measures
from wstal.report.feature_sample import Sample, sample

GRID = TimeGrid(25.0, 16, 16)  # a snippet is 0.64 s


def made(x, **known):
    """A sample of one training video in the background, but for what is given."""
    many = len(x)
    nothing = np.zeros(many, int)
    usual = {
        "step_s": 0.64, "video": nothing, "train": nothing == 0, "label": nothing - 1, "piece": nothing,
        "place": np.full(many, np.nan), "unedited": nothing == 0,
    }  # fmt: skip
    return Sample(x=np.asarray(x, np.float32), **(usual | known))


def test_a_sample_by_hand():
    """Two videos of six and two snippets; of the first, snippets 1 and 2 are Dive, 2 to 4 Swing, and 4.5 is a cut."""
    step = 0.64
    videos = (Video("a", "train", 6 * step, ("Dive", "Swing")), Video("b", "test", 2 * step, ("Dive",)))
    segments = (
        Segment("a", "Swing", 2 * step, 4 * step), Segment("a", "Dive", 1 * step, 3 * step), Segment("b", "Dive", 0, 2 * step)
    )  # fmt: skip
    features = {"a": np.arange(12).reshape(6, 2), "b": np.arange(4).reshape(2, 2)}
    found = sample(Annotations(("Dive", "Swing"), videos, segments), features, GRID, {"a": [5 * step]})
    np.testing.assert_array_equal(found.label, [-1, 0, 1, 1, -1, -1, 0, 0])
    np.testing.assert_array_equal(found.piece, [0, 1, 2, 2, 3, 4, 5, 5])
    np.testing.assert_array_equal(found.train, [True] * 6 + [False] * 2)
    np.testing.assert_array_equal(found.unedited, [False] * 6 + [True] * 2)
    np.testing.assert_allclose(found.place, [np.nan, 0.25, 0.25, 0.75, np.nan, np.nan, 0.25, 0.75])
    np.testing.assert_array_equal(found.x, [*features["a"], *features["b"]])


def test_marginals_of_an_exponential_distribution():
    """Coefficient of variation 1, skewness 2, excess kurtosis 6; a tenth of the values is zero in the second case."""
    x = np.random.default_rng(0).exponential(3.0, size=(100_000, 5))
    found = measures.marginals(made(x))
    assert found["mean"] == pytest.approx(3.0, rel=0.01) and found["spread"] == pytest.approx(1.0, rel=0.01)
    assert found["skew"] == pytest.approx(2.0, rel=0.05) and found["kurtosis"] == pytest.approx(6.0, rel=0.15)
    assert found["dimensions"] < 0.01 and found["zeros"] == 0
    x[:10_000] = 0
    assert measures.marginals(made(x))["zeros"] == pytest.approx(10.0)


def test_spectrum_of_a_power_law():
    power = np.arange(1, 129.0) ** -1.5
    x = np.random.default_rng(0).normal(size=(50_000, 128)) * np.sqrt(power)
    found = measures.spectrum(made(x))
    assert found["exponent"] == pytest.approx(1.5, abs=0.03)
    assert found["participation"] == pytest.approx(power.sum() ** 2 / (power**2).sum(), rel=0.03)
    assert found["within"] == pytest.approx(1.0)


def test_variance_within_pieces():
    """Pieces differ with variance 3, snippets within with variance 1."""
    rng = np.random.default_rng(0)
    piece = np.repeat(np.arange(500), 20)
    x = np.sqrt(3) * rng.normal(size=(500, 8))[piece] + rng.normal(size=(10_000, 8))
    assert measures.spectrum(made(x, piece=piece))["within"] == pytest.approx(0.25 * 19 / 20, rel=0.05)


def test_what_all_snippets_share():
    """A mean of length 3 and noise of length 4 in many dimensions: 3 / 5, and a cosine of 9 / 25."""
    x = np.full((4000, 400), 3 / 20) + np.random.default_rng(0).normal(size=(4000, 400)) * 4 / 20
    found = measures.common(made(x, video=np.arange(4000)), np.random.default_rng(0))
    assert found["mean_norm"] == pytest.approx(0.6, abs=0.01) and found["cosine"] == pytest.approx(0.36, abs=0.01)


def test_persistence_of_videos_and_snippets():
    """Logs share 3 / 4 of their variance in a video at any distance; spliced videos and other labels do not count."""
    rng = np.random.default_rng(0)
    video = np.repeat(np.arange(300), 30)
    logs = np.sqrt(0.75) * rng.normal(size=(300, 16))[video] + 0.5 * rng.normal(size=(9000, 16))
    x = np.exp(0.1 * logs)
    found = measures.persistence(made(x, video=video))
    assert found["neighbours"] == pytest.approx(0.75, abs=0.03) and found["persistence"] == pytest.approx(0.75, abs=0.03)
    x[video >= 150] = rng.exponential(size=(4500, 16))
    spliced = measures.persistence(made(x, video=video, unedited=video < 150))
    assert spliced["neighbours"] > 0.6
    alternating = measures.persistence(made(x, video=video, label=np.arange(9000)))
    assert alternating == {"neighbours": 0.0, "persistence": 0.0}


def test_separability_of_what_can_be_told_apart_and_what_cannot():
    rng = np.random.default_rng(0)
    label = np.tile(np.repeat([-1, 0, 1], 4), 200)
    known = {
        "label": label, "train": np.arange(2400) < 1200, "piece": np.repeat(np.arange(600), 4),
        "place": np.where(label < 0, np.nan, np.tile([0.1, 0.4, 0.6, 0.9], 600)),
    }  # fmt: skip
    noise = rng.normal(size=(2400, 3))
    told = measures.separability(made(10 * np.eye(3)[label] + noise, **known))
    assert told["accuracy"] == 100 and told["actionness"] == 1 and min(told["middle"], told["outer"]) > 0.9
    assert told["instances"] < 0.05
    blind = measures.separability(made(noise, **known))
    assert blind["accuracy"] == pytest.approx(50, abs=6) and blind["actionness"] == pytest.approx(0.5, abs=0.06)
    assert blind["middle"] == pytest.approx(1 / 3, abs=0.03)


def test_cosines_of_classes():
    """About their mean, two of three equal classes are alike, and the third is opposite to both."""
    label = np.repeat([0, 1, 2], 10)
    found = measures.classes(made(np.array([[1.0, 0], [1, 0], [0, 1]])[label], label=label))
    cosines = np.array([1, -1, 1, -1, -1, -1])
    assert found["class_top"] == pytest.approx(1) and found["class_spread"] == pytest.approx(cosines.std())


def test_every_measure_has_a_real_number():
    known = published.i3d_features()
    assert list(known.full) == list(known.narrow) == list(measures.MEASURES)
