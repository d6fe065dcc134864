"""Helpers of the released codes: sampling, normalisation, up-sampling, suppression, outer-inner contrast."""

import numpy as np
import pytest

from wstal.data import sampling
from wstal.detect.localize import Classes, Localize, Scoring, Suppression, Thresholds, nms, normalize, propose, upsample

NONE = Suppression(overlap="iou", threshold=1.0, plus=0.0, unit="second")


@pytest.fixture(scope="module")
def gold(golden):
    return golden("utils")


def cases(gold, prefix):
    return [key for key in gold if key.startswith(prefix)]


def test_slots_of_random_perturbation_begin_at_uniform_samples(gold):
    for i, (length, count) in enumerate(gold["sampling_cases_len_T"]):
        first = sampling.perturb(np.array([length]), int(count), lambda low, high: low)
        np.testing.assert_array_equal(first[0], gold[f"uniform_basnet_{i}"])


def test_random_perturbation_draws_what_the_reference_draws(gold):
    for i, (length, count) in enumerate(gold["sampling_cases_len_T"]):
        legacy = np.random.RandomState(0)

        def choose(low, high, legacy=legacy):
            return [legacy.choice(range(a, b + 1)) for a, b in zip(low, high, strict=True)]

        found = sampling.perturb(np.array([length]), int(count), choose)
        np.testing.assert_array_equal(found[0], gold[f"perturb_seed0_{i}"])


def test_random_perturbation_stays_in_its_slots(gold):
    for i, (length, count) in enumerate(gold["sampling_cases_len_T"]):
        low, high = gold[f"perturb_min_{i}"], gold[f"perturb_max_{i}"]
        how = sampling.Snippets(kind="perturb", count=int(count))
        drawn = np.array(sampling.draw(np.full(300, length), how, np.random.default_rng(0)))
        bounds = [sampling.perturb(np.array([length]), int(count), end)[0] for end in (lambda a, b: a, lambda a, b: b)]
        assert (bounds[0] <= low).all() and (bounds[1] >= high).all()
        assert (drawn >= bounds[0]).all() and (drawn <= bounds[1]).all()


def test_window_starts(gold):
    keys = cases(gold, "crop_case_")
    assert keys
    for key in keys:
        length, count = gold[key]
        np.testing.assert_array_equal(sampling.crop_starts(length, count), gold[key.replace("case", "starts")])


@pytest.mark.parametrize(("kind", "key"), [("minmax", "minmax_basnet"), ("minmax_clip", "minmax_um")])
def test_minmax(gold, kind, key):
    np.testing.assert_allclose(normalize(gold["minmax_in"].astype(np.float64), kind), gold[key], rtol=1e-9, atol=1e-12)


def test_upsampling(gold):
    keys = cases(gold, "upsample_x")
    assert keys
    for key in keys:
        factor = int(key.removeprefix("upsample_x"))
        np.testing.assert_allclose(upsample(gold["upsample_in"].astype(np.float64), factor), gold[key], rtol=1e-9, atol=1e-12)


def test_suppression_of_basnet(gold):
    _, score, start, end = gold["nms_in_class_score_start_end"].T
    keys = cases(gold, "nms_basnet_")
    assert keys
    for key in keys:
        kept = nms(start, end, score, float(key.split("_")[-1]), overlap="iou", plus=1.0)
        np.testing.assert_allclose(gold["nms_in_class_score_start_end"][kept], gold[key], rtol=1e-9)


def test_suppression_of_facnet(gold):
    _, start, end, score = gold["nms_fac_in_vid_start_end_score"].T
    keys = cases(gold, "nms_fac_pick_")
    assert keys
    for key in keys:
        kept = nms(start, end, score, float(key.split("_")[-1]), overlap="lower", plus=1.0)
        np.testing.assert_array_equal(kept, gold[key])


@pytest.mark.parametrize(("key", "min_length"), [("oic_basnet", 1), ("oic_um", 2)])
def test_outer_inner_contrast(gold, key, min_length):
    """Zeros of the input mark positions below the threshold, so the threshold is 0."""
    scale, length_f, fps, snippets_t = (int(v) for v in gold["oic_meta_scale_vlen_fps_T"])
    settings = Localize(
        classes=Classes(threshold=0.0, fallback="none"), upsample=1, normalize="none",
        thresholds=Thresholds(kind="absolute", values=(0.0,)), grouping=(), actionness_thresholds=(), min_length=min_length,
        extend_end=0,
        scoring=Scoring(
            track="activation", inner="mean", inner_extra=0, outer_ratio=0.25, outer_weight=1.0, outer_last=True,
            outer_zeroed=True, video_weight=0.2, video_binary=False,
        ),
        suppression=NONE, clip=False, stream_scale={}, fusion=NONE,
    )  # fmt: skip
    seconds = 16 * length_f / (scale * snippets_t * fps)
    found = []
    for column, label in enumerate(gold["oic_class_ids"]):
        score = float(gold["oic_video_score"][label])
        proposals = propose(gold["oic_cas"][:, column].astype(np.float64), score, settings)
        rows = zip(proposals.score, proposals.start * seconds, proposals.end * seconds, strict=True)
        found += [(float(label), *row) for row in rows]
    ours, wanted = (table[np.lexsort((table[:, 3], table[:, 2], table[:, 0]))] for table in (np.array(found), gold[key]))
    np.testing.assert_allclose(ours, wanted, rtol=1e-6, atol=1e-6)
