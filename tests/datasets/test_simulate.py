"""The simulator: published statistics, bit stability, and difficulty of the kind that the papers describe."""

import dataclasses

import msgspec
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wstal import published
from wstal.base.conversion import convert
from wstal.base.paths import Tree
from wstal.base.types import VideoScores
from wstal.config import parameters, plan, resolve
from wstal.datasets import prepare
from wstal.datasets.readers import simulated
from wstal.datasets.simulation import features, timelines
from wstal.detect.localize import localize
from wstal.evaluation import truth
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.report import statistics


@pytest.fixture(scope="module")
def full(raw):
    """(dataset section, Source) of the embedded default."""
    dataset = parameters.load(raw).dataset("thumos14-sim")
    return dataset, convert(dataset.features.source, features.Source, "source")


@pytest.fixture(scope="module")
def videos(full):
    return list(timelines.timelines(full[1]))


@pytest.fixture(scope="module")
def snippets(full, videos):
    """{video id: (features of both streams (T, 2 D), share of each class and kind (T, C, K))}"""
    dataset, source = full
    found, grid, streams = {}, dataset.features.grid, features.streams(source, 0)
    for video in videos:
        x = np.concatenate([features.of_video(video, one, grid) for one in streams.values()], axis=1).astype(np.float64)
        weights = timelines.overlap(video.pieces, len(x), grid)
        labels = np.zeros((len(video.pieces), len(source.names), len(timelines.KINDS)))
        for i, piece in enumerate(video.pieces):
            if piece.label >= 0:
                labels[i, piece.label, timelines.KINDS.index(piece.kind)] = 1
        found[video.id] = (x, np.einsum("tp,pck->tck", weights, labels))
    return found


def test_statistics_are_those_of_thumos14(full):
    """At published rates; video length alone is scaled down, and stated so."""
    dataset, source = full
    annotations, known = simulated.annotations(source, dataset.features.grid), published.statistics()["thumos14"]
    for subset in ("train", "test"):
        own, theirs = statistics.of_videos(annotations, subset), getattr(known, subset)
        assert own["instance length (s)"].mean() == pytest.approx(theirs.mean_instance_s, rel=0.12)
        assert own["background"].mean() == pytest.approx(theirs.background, abs=0.05)
        rate = own["instances a video"].sum() / own["video length (s)"].sum()
        assert rate == pytest.approx(theirs.instances_a_video / theirs.mean_video_s, rel=0.15)
        assert (own["classes a video"] > 1).mean() == pytest.approx(known.two_classes, abs=0.1)
    assert len(annotations.classes) == 20
    for subset in ("train", "test"):
        shown = {label for video in annotations.videos if video.subset == subset for label in video.labels}
        assert shown == set(annotations.classes)


def test_pieces_tile_the_video(videos):
    for video in videos:
        ends = [piece.end_s for piece in video.pieces]
        starts = [piece.start_s for piece in video.pieces]
        assert starts[0] == 0 and ends[-1] == pytest.approx(video.duration_s)
        np.testing.assert_allclose(starts[1:], ends[:-1], atol=1e-9)
        assert all(a.end_s <= b.start_s + 1e-9 for a, b in zip(video.instances, video.instances[1:], strict=False))


@pytest.fixture
def score(raw, full, videos, tmp_path):
    """score(activation, thresholds): average mAP in percent of frame scores {video: (T, C)} on the test videos."""
    dataset, source = full
    params, tree = parameters.load(raw), Tree(tmp_path)
    prepare.annotate(plan.of_dataset(params, "thumos14-sim"), tree)
    table = truth.read(tree.annotations("thumos14-sim") / "segments.json", subset="test", preferred=(), ambiguous_label=None)
    localization = resolve.rows(params, "thumos14-sim")["facnet"].localize
    protocol = dataclasses.replace(PROTOCOLS[dataset.evaluation.protocol], **dataset.evaluation.protocol_set)
    durations_s = {video.id: video.duration_s for video in videos if video.subset == "test"}

    def score(activation, thresholds):
        how = msgspec.structs.replace(
            localization, thresholds=msgspec.structs.replace(localization.thresholds, values=tuple(thresholds))
        )
        scores = {id: VideoScores(activation[id], activation[id].max(0), activation[id].max(1)) for id in durations_s}
        found = localize({"flow": scores}, source.names, durations_s, dataset.features.grid, how)
        return 100 * evaluate(table, found, protocol, dataset.evaluation.tious).average_mAP

    return score


KINDS = {"whole": ("weak", "core"), "peak": ("core",), "context": ("weak", "core", "context")}


def evidence(item, names):
    """(T, C) share of a snippet that shows the named kinds of each class."""
    return item[1][:, :, [timelines.KINDS.index(name) for name in names]].sum(-1)


def test_peak_finders_and_context_labellers_lose_even_with_perfect_scores(snippets, score):
    scores = {name: score({id: evidence(item, kinds) for id, item in snippets.items()}, [0.5]) for name, kinds in KINDS.items()}
    assert scores["whole"] > scores["peak"] + 20
    assert scores["whole"] > scores["context"] + 10


def test_peak_finders_and_context_labellers_lose_on_features(full, videos, snippets, score):
    """Snippet classifiers trained on the hidden kinds: one that sees whole actions beats one that sees only their peak and
    one that takes context for action, and leaves head-room, since snippets are noisy."""
    source = full[1]
    train = [video.id for video in videos if video.subset == "train"]
    x = np.concatenate([snippets[id][0] for id in train])
    scores = {}
    for name, kinds in KINDS.items():
        shares = np.concatenate([evidence(snippets[id], kinds) for id in train])
        target = np.where(shares.max(1) > 0.5, shares.argmax(1), len(source.names))
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=400)).fit(x, target)
        chance = {id: model.predict_proba(item[0])[:, :-1] for id, item in snippets.items()}
        scores[name] = score(chance, [0.3, 0.4, 0.5])
    assert scores["whole"] > scores["peak"] + 20
    assert scores["whole"] > scores["context"] + 10
    assert scores["whole"] < 85
