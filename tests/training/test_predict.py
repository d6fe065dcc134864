"""Prediction of many videos: one at a time, so that memory does not grow with their number."""

import gc
import weakref

from wstal.config import plan
from wstal.training import card, experiment, predict
from wstal.training.train import build


def test_scores_are_let_go_once_a_video_is_localized(prepared, monkeypatch):
    params, tree = prepared
    run = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]
    alive, most, made = weakref.WeakSet(), [], []

    class Counted(predict.VideoScores):
        __hash__ = object.__hash__

        def __init__(self, **fields):
            super().__init__(**fields)
            alive.add(self)
            made.append(1)
            most.append(len(alive))

    monkeypatch.setattr(predict, "VideoScores", Counted)
    networks = {name: build(run.settings, run.card.dim(name), len(run.card.classes)) for name in run.networks}
    bags = {name: run.data.bags(streams, "test") for name, streams in run.networks.items()}
    scores = {name: predict.predict(network, bags[name]) for name, network in networks.items()}
    gc.collect()
    assert len(card.detect(run.card, scores, run.data.durations_s()))
    assert len(made) == len(networks) * len(bags["rgb"]) > 2 * len(networks) >= max(most)


def test_predictions_are_a_mapping_of_all_videos(prepared):
    params, tree = prepared
    run = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]
    bags = run.data.bags(("rgb",), "test")
    found = predict.predict(build(run.settings, bags.dim, len(run.card.classes)), bags)
    assert tuple(found) == bags.videos and len(found) == len(bags) and "nobody" not in found
    assert found[bags.videos[0]].activation.shape == (bags.lengths[0], len(run.card.classes))
