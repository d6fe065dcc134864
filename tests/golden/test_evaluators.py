"""Every evaluator against mAP that the authors' code computed. Shapes, counts and class ids come from the arrays."""

from dataclasses import replace

import numpy as np
import pytest

from tests.golden.post import GRID, detections, listed, truth
from wstal.base.types import Detections
from wstal.evaluation.evaluate import PROTOCOLS, _ranked, evaluate

EARLIER, LATER = {"later_row_first": False}, {"later_row_first": True}
UNFILTERED = {"ambiguity_filter": False}


def seconds(z, score="det_score") -> Detections:
    return detections(z, z["det_label"], z["det_video"], z["det_start_sec"], z["det_end_sec"], z[score])


def in_file_order(z, d: Detections) -> Detections:
    """Rows as the reference's result file has them: without classes that have no ground truth, grouped by video."""
    kept = np.flatnonzero(~np.isin(d.label, z["classes_without_gt"]))
    first = {}
    for row in kept.tolist():
        first.setdefault(int(d.video[row]), row)
    rows = sorted(kept.tolist(), key=lambda row: (first[int(d.video[row])], row))
    return Detections(d.videos, d.labels, *(column[rows] for column in (d.video, d.label, d.start_s, d.end_s, d.score)))


def snippets(z, score="det_score") -> Detections:
    times = GRID.seconds(z["det_start_snip"]), GRID.seconds(z["det_end_snip"])
    return detections(z, z["det_label"], z["det_video"], *times, z[score])


def proposals(z, key) -> Detections:
    label, video, start, end, score = listed(z, key).T
    return detections(z, label, video, GRID.seconds(start), GRID.seconds(end), score)


def agree(result, ap, mAP, classes_without_gt=()):
    """To 1e-9; the reference's AP may end before trailing classes without ground truth."""
    expected = np.full_like(result.ap, np.nan)
    expected[:, : ap.shape[1]] = ap
    np.testing.assert_allclose(result.ap, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(result.mAP, mAP, rtol=0, atol=1e-9)
    assert np.isnan(result.ap[:, classes_without_gt]).all()


@pytest.mark.parametrize(
    "key, tious, changes",
    [
        ("anet", "iou_anet", {}),
        ("th10", "iou_th10", {}),
        ("anet_ties_stable_reversed", "iou_anet", {}),
        ("anet_ties_stable_forward", "iou_anet", EARLIER),
        ("th10_ties_stable_reversed", "iou_th10", {}),
        ("th10_ties_stable_forward", "iou_th10", EARLIER),
    ],
)
def test_activitynet(golden, key, tious, changes):
    z = golden("evaluators")
    ties = "ties" in key
    found = in_file_order(z, seconds(z, "det_score_ties")) if ties else seconds(z)
    result = evaluate(truth(z), found, replace(PROTOCOLS["activitynet"], **changes), z[tious])
    agree(result, z[f"{key}.ap"], z[f"{key}.map"], z["classes_without_gt"])
    if not ties:
        assert result.average_mAP == pytest.approx(float(z[f"{key}.average_map"]), abs=1e-9)
        without_gt = np.isin(z["det_label"], z["classes_without_gt"]).sum()
        assert any(note.startswith(f"Ignored {without_gt} detection") for note in result.notes) == (without_gt > 0)


def test_thresholds_are_those_of_the_published_evaluators(golden):
    z = golden("evaluators")
    published = {
        "activitynet": "iou_anet",
        "thumos-basnet": "iou_th10",
        "thumos-facnet": "iou_thumos",
        "thumos-wsad": "iou_wsad",
    }
    for protocol, key in published.items():
        assert PROTOCOLS[protocol].tious == tuple(z[key])


@pytest.mark.parametrize(
    "key, suffix, changes",
    [
        ("thumos", "", UNFILTERED),
        ("thumos_ambfiltered", "", {}),
        ("thumos_ties", "_stable", UNFILTERED),
        ("thumos_ties_ambfiltered", "_stable", {}),
    ],
)
def test_facnet(golden, key, suffix, changes):
    z = golden("evaluators")
    found = snippets(z, "det_score_ties" if "ties" in key else "det_score")
    result = evaluate(truth(z), found, replace(PROTOCOLS["thumos-facnet"], **changes), z["iou_thumos"])
    agree(result, z[f"{key}.ap{suffix}"], z[f"{key}.map{suffix}"] / 100, z["classes_without_gt"])


def test_facnet_class_without_detection(golden):
    z = golden("evaluators")
    d = snippets(z)
    keep = d.label != 2
    columns = (column[keep] for column in (d.video, d.label, d.start_s, d.end_s, d.score))
    result = evaluate(truth(z), Detections(d.videos, d.labels, *columns), PROTOCOLS["thumos-facnet"], z["iou_thumos"])
    np.testing.assert_array_equal(result.mAP, z["thumos_emptyclass2.map"])
    assert any("without a detection" in note for note in result.notes)


def test_wsad(golden):
    z = golden("evaluators")
    result = evaluate(truth(z), snippets(z), replace(PROTOCOLS["thumos-wsad"], **UNFILTERED), z["iou_wsad"])
    agree(result, z["wsad_eval.ap"], z["wsad_eval.map"])


@pytest.mark.parametrize("key", ["rgb.single", "flow.single", "two"])
def test_facnet_proposals(golden, key):
    z = golden("facnet_post")
    result = evaluate(truth(z), proposals(z, f"{key}.proposals"), PROTOCOLS["thumos-facnet"], z["iou"])
    agree(result, z[f"{key}.ap"], z[f"{key}.map"] / 100)


@pytest.mark.parametrize("key", ["rgb.single", "flow.single"])
def test_facnet_proposals_before_the_ambiguity_filter(golden, key):
    z = golden("facnet_post")
    found = proposals(z, f"{key}.proposals_no_ambiguity_filter")
    result = evaluate(truth(z), found, PROTOCOLS["thumos-facnet"], z["iou"])
    agree(result, z[f"{key}.ap"], z[f"{key}.map"] / 100)


def test_ambiguous_times_remove_as_many_detections(golden):
    """Of each class with ground truth; ours has left out those of other classes before."""
    z = golden("evaluators")
    kept = {}
    for filtered in (False, True):
        rows, _ = _ranked(truth(z), snippets(z), replace(PROTOCOLS["thumos-facnet"], ambiguity_filter=filtered))
        kept[filtered] = np.bincount(rows.label, minlength=int(z["num_classes"]))
    removed = np.delete(kept[False] - kept[True], z["classes_without_gt"])
    assert removed.tolist() == np.delete(z["ambiguous_removed_thumos"], z["classes_without_gt"]).tolist()


def test_wtalc(golden):
    z = golden("wtalc_wsad_post")
    found = proposals(z, "wtalc.proposals_no_ambiguity_filter")
    result = evaluate(truth(z), found, PROTOCOLS["thumos-wtalc"], z["iou"])
    agree(result, z["wtalc.ap"], z["wtalc.map"] / 100)


@pytest.mark.parametrize("key", ["wsad", "wsad_default"])
def test_wsad_proposals(golden, key):
    z = golden("wtalc_wsad_post")
    result = evaluate(truth(z), proposals(z, f"{key}.proposals"), PROTOCOLS["thumos-wsad"], z["wsad.iou"])
    agree(result, z[f"{key}.ap"], z[f"{key}.map"])


@pytest.mark.parametrize("name", ["basnet_post", "um_post"])
def test_basnet_and_um_proposals(golden, name):
    z = golden(name)
    result = evaluate(truth(z), detections(z, *z["proposals"].T), PROTOCOLS["thumos-basnet"], z["iou"])
    np.testing.assert_allclose(result.mAP, z["map"], rtol=0, atol=1e-9)
    assert result.average_mAP == pytest.approx(float(z["average_mAP"][0]), abs=1e-9)
