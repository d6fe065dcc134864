"""Same method, different protocol: each column varies one thing, and the best checkpoint never scores below the last."""

import numpy as np
import pytest

from tests.report.made import make_metrics
from wstal.base import paths
from wstal.config import parameters, plan
from wstal.detect import detections
from wstal.evaluation import metrics
from wstal.evaluation.evaluate import PROTOCOLS
from wstal.evaluation.judging import judging
from wstal.report import protocol_effects
from wstal.training import experiment


@pytest.fixture(scope="module")
def found(small, prepared, tmp_path_factory):
    """(judging, metrics) of two rows with checkpoints; steps so large that the last weights are not the best."""
    patch = pytest.MonkeyPatch()
    patch.setattr(paths, "CACHE", tmp_path_factory.mktemp("cache"))
    _, tree = prepared
    rows = {name: {"method": name, "optimizer": {"lr": 0.03}, "training": {"checkpoints": 4}} for name in ("facnet", "wtalc")}
    entry = {"dataset": "tiny", "notebook": "04_protocols", "rows": rows}
    entry["evaluation"] = {
        "test_lists": {"fewer": ["sim*_test_0000"]},
        "video_groups": {"first": ["sim*_test_0000", "sim*_test_0001"]},
    }
    params = parameters.load(small | {"entries": {"p": entry}})
    runs = experiment.runs(plan.of_rows(params, "p"), tree)
    experiment.train_all(runs)
    judged = judging(plan.of_judging(params, "p"), runs, tree)
    yield judged, protocol_effects.evaluate_variants(judged)
    patch.undo()


def test_every_variant_has_a_number(found):
    _, table = found
    cells = next(iter(table.rows["facnet"].values()))
    assert set(cells) == {"all", "unified", "first", "fewer", protocol_effects.BEST, *PROTOCOLS}
    assert cells[table.protocol] == cells["all"]
    assert cells["activitynet"] == cells["unified"]


def test_choosing_on_test_data_never_hurts(found):
    judged, table = found
    for row in table.rows:
        assert (table.average(row, protocol_effects.BEST) >= table.average(row)).all()
    assert any((table.average(row, protocol_effects.BEST) > table.average(row)).any() for row in table.rows)
    one, last = (detections.read_json(judged.runs[0].predictions(checkpoint)) for checkpoint in (0, None))
    assert len(one) != len(last) or not np.array_equal(one.score, last.score)


def test_a_list_leaves_out_truth_and_detections(found):
    judged, _ = found
    truth, every = judged.truths[0], detections.read_json(judged.runs[0].predictions())
    kept, left = metrics.among(truth, every, set(truth.videos) - {"sim0_test_0000"})
    gone = truth.videos.index("sim0_test_0000")
    assert (truth.video == gone).any() and not (kept.video == gone).any()
    assert len(kept.video) == (truth.video != gone).sum() and len(left) < len(every)
    again, same = metrics.among(truth, every, set(truth.videos))
    assert len(again.video) == len(truth.video) and len(same) == len(every)


def test_tables_and_claims(found):
    _, table = found
    made = protocol_effects.table(table, ["fewer"])
    assert len(made.header) == 4 and {len(row) for row in made.rows} == {len(made.header)}
    assert any("not a result" in row[0] for row in made.rows)
    assert [row[0] for row in protocol_effects.order(table).rows] == list(PROTOCOLS)
    assert any(protocol_effects.BEST in claim.text for claim in protocol_effects.gains(table, ["fewer"]))


OFFSETS = {  # points over the entry's protocol, of seed 0 and 1; the fewest under thumos-basnet, the most under activitynet
    "activitynet": (4, 6), "thumos-facnet": (0, 0), "thumos-wtalc": (2, 2), "thumos-wsad": (-1, -1), "thumos-basnet": (-2, -4),
    "fewer": (1, 2), protocol_effects.BEST: (3, 5),
}  # fmt: skip


def variants(averages):
    """Metrics of given averages {row: of seed 0 and 1} under thumos-facnet, moved by OFFSETS under the others."""
    return make_metrics(
        {
            row: [
                {"all": [mean]} | {name: [mean + offset[seed]] for name, offset in OFFSETS.items()}
                for seed, mean in enumerate(seeds)
            ]
            for row, seeds in averages.items()
        },
        "protocols",
        tious=[0.5],
    )


@pytest.fixture
def known():
    """Three rows; one wins under every protocol."""
    return variants({"um": (20, 24), "facnet": (40, 44), "wtalc": (10, 10)})


def test_every_cell_by_hand(known):
    """A line a protocol, test list and checkpoint."""
    table = protocol_effects.table(known, ["fewer"])
    assert table.title == "Same method, different protocol, on simulated THUMOS14"
    assert table.header == ("judged by", "changed", "UM", "FAC-Net", "W-TALC")
    assert [(row[0], row[1], row[3]) for row in table.rows] == [
        ("activitynet", "evaluator", "47.0 ± 4.2"),
        ("thumos-facnet (reference)", "evaluator", "42.0 ± 2.8"),
        ("thumos-wtalc", "evaluator", "44.0 ± 2.8"),
        ("thumos-wsad", "evaluator", "41.0 ± 2.8"),
        ("thumos-basnet", "evaluator", "39.0 ± 1.4"),
        ("fewer", "test list", "43.5 ± 3.5"),
        ("best-on-test (not a result)", "checkpoint", "46.0 ± 4.2"),
        ("evaluators differ by", "points", "8.0"),
    ]
    assert [row[4] for row in table.rows] == [
        "15.0 ± 1.4", "10.0 ± 0.0", "12.0 ± 0.0", "9.0 ± 0.0", "7.0 ± 1.4", "11.5 ± 0.7", "14.0 ± 1.4", "8.0",
    ]  # fmt: skip


def test_gains_by_hand(known):
    """Over the entry's protocol, seed by seed; a variant that changes nothing is no claim."""
    found = {claim.text.split(" gives ")[0]: claim for claim in protocol_effects.gains(known, ["fewer"])}
    assert list(found) == [name for name in OFFSETS if name != "thumos-facnet"]
    for name, claim in found.items():
        np.testing.assert_allclose(claim.differences, OFFSETS[name], atol=1e-9)
        assert claim.text.endswith("gives higher numbers than thumos-facnet on the full list") and claim.measure == "AVG"


def test_who_wins_by_hand(known):
    table = protocol_effects.order(known)
    assert table.header == ("protocol", "order of the methods", "lead of the first")
    assert table.rows == tuple((name, "FAC-Net > UM > W-TALC", "+20.0") for name in PROTOCOLS)
