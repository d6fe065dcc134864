"""STPN's detections against numbers of the code, from features on: networks, sampling, each stream, both fused."""

import numpy as np
import pytest
import torch

from tests.golden.post import in_order
from tests.golden.test_stpn_model import model
from wstal.base.timegrid import TimeGrid
from wstal.base.types import VideoScores
from wstal.detect.localize import detect, localize, mix
from wstal.training.predict import numpy

STREAMS = ("rgb", "flow")
SAMPLED = "post.sample_idx_"


@pytest.fixture(scope="module")
def gold(golden):
    return golden("stpn")


@pytest.fixture(scope="module")
def settings(gold, released):
    """The `released` preset of params.yaml, with the constants of the golden file."""
    threshold = float(gold["post.class_threshold"])
    return released("stpn", classes={"threshold": threshold}, upsample=int(gold["post.scale"]))


@pytest.fixture(scope="module")
def videos(gold):
    """Numbers of the videos in the file."""
    found = sorted(int(key.removeprefix(SAMPLED)) for key in gold if key.startswith(SAMPLED))
    assert found
    return found


def grid(gold, v):
    """The reference samples a video of 10 frames a second to a fixed number of snippets, which spans the whole video."""
    return TimeGrid(10 * len(gold[f"{SAMPLED}{v}"]) / len(gold[f"post.rgb_feat_{v}"]), 16, 16)


def scores(gold, v):
    """{stream: VideoScores} of video v, as `predict` makes them of a network's answers."""
    found = {}
    for stream in STREAMS:
        x = torch.as_tensor(gold[f"post.{stream}_feat_{v}"], dtype=torch.float64)[gold[f"{SAMPLED}{v}"]][None]
        with torch.no_grad():
            one = model(gold, stream)(x, torch.ones(x.shape[:2], dtype=torch.bool))
        parts = {name: numpy(getattr(one, name)) for name in ("activation", "video_score", "actionness", "logits")}
        found[stream] = VideoScores(**parts)
    return found


def test_scores_of_a_video(gold, videos):
    for v in videos:
        length, wanted = len(gold[f"post.rgb_feat_{v}"]), gold[f"{SAMPLED}{v}"]
        np.testing.assert_array_equal(np.arange(len(wanted)) * length // len(wanted), wanted)
        for stream, one in scores(gold, v).items():
            np.testing.assert_allclose(one.actionness, gold[f"post.{stream}_attention_{v}"], rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(one.video_score, gold[f"post.{stream}_class_prob_{v}"], rtol=1e-5, atol=1e-6)


def stream_rows(gold, settings, v):
    """{stream: rows [class, score, start, end]} of video v, every proposal scored on both streams."""
    rows = {}
    for stream, one in mix(scores(gold, v), settings.scoring).items():
        found = [np.empty((0, 4))]  # a video may have none
        for label, left in detect(one, grid(gold, v), settings).items():
            start_s, end_s = grid(gold, v).seconds(left.start), grid(gold, v).seconds(left.end)
            found.append(np.stack([np.full(len(left.score), label), left.score, start_s, end_s], axis=1))
        rows[stream] = np.concatenate(found)
    return rows


def test_detections_of_a_stream(gold, settings, videos):
    """Proposals of one stream carry the scores of both: the T-CAM is averaged over the streams (alpha = 0.5)."""
    assert gold["post.alpha"] == 0.5
    for v in videos:
        for stream, found in stream_rows(gold, settings, v).items():
            wanted = gold[f"post.{stream}_proposals_{v}"].reshape(-1, 4)
            np.testing.assert_allclose(in_order(found), in_order(wanted), rtol=0, atol=1e-5)


def test_fused_detections(gold, settings, videos):
    found, classes = [], [f"c{c}" for c in range(gold["param.rgb.cls.b"].size)]
    for v in videos:
        parts, length_s = {s: {"v": one} for s, one in scores(gold, v).items()}, len(gold[f"post.rgb_feat_{v}"]) * 1.6
        d = localize(parts, classes, {"v": length_s}, grid(gold, v), settings)
        found.append(np.stack([np.full(len(d), v), d.label, d.start_s, d.end_s, d.score], axis=1))
    wanted = gold["post.proposals"][:, [0, 1, 3, 4, 2]]
    np.testing.assert_allclose(in_order(np.concatenate(found)), in_order(wanted), rtol=0, atol=1e-5)


def test_a_stream_alone_would_score_otherwise(gold, settings, videos):
    """Without the other stream's T-CAM the scores are not those of the code: the option is what it does."""
    differ = []
    for v in videos:
        parts = scores(gold, v)
        alone, mixed = (detect(one["rgb"], grid(gold, v), settings) for one in (parts, mix(parts, settings.scoring)))
        assert all(len(alone[label].score) == len(mixed[label].score) for label in mixed)
        differ += [not np.allclose(np.sort(alone[label].score), np.sort(mixed[label].score)) for label in mixed]
    assert any(differ)
