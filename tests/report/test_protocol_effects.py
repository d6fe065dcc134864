"""Same method, different protocol: each column varies one thing, and the best checkpoint never scores below the last."""

import numpy as np
import pytest

from wstal.base import paths
from wstal.config import parameters
from wstal.detect import detections
from wstal.evaluation import metrics
from wstal.evaluation.evaluate import PROTOCOLS
from wstal.report import protocol_effects
from wstal.training import experiment


@pytest.fixture(scope="module")
def found(small, prepared, tmp_path_factory):
    """(runs, metrics) of two rows with checkpoints on the small dataset."""
    patch = pytest.MonkeyPatch()
    patch.setattr(paths, "CACHE", tmp_path_factory.mktemp("cache"))
    _, tree = prepared
    rows = {name: {"method": name, "set": {"training": {"checkpoints": 2}}} for name in ("facnet", "wtalc")}
    entry = {"dataset": "tiny", "notebook": "04_protocols", "rows": rows}
    entry["evaluation"] = {
        "test_lists": {"fewer": ["sim_test_0000"]},
        "video_groups": {"first": ["sim_test_0000", "sim_test_0001"]},
    }
    runs = experiment.runs(parameters.load(small | {"comparisons": {"p": entry}}), tree, "p")
    experiment.train_all(runs)
    yield runs, protocol_effects.evaluate_variants(runs)
    patch.undo()


def test_every_variant_has_a_number(found):
    _, table = found
    cells = next(iter(table.rows["facnet"].values()))
    assert set(cells) == {"all", "unified", "first", "fewer", protocol_effects.BEST, *PROTOCOLS}
    assert cells[table.protocol] == cells["all"]
    assert cells["activitynet"] == cells["unified"]


def test_choosing_on_test_data_never_hurts(found):
    runs, table = found
    for row in table.rows:
        assert (table.average(row, protocol_effects.BEST) >= table.average(row)).all()
    assert any((table.average(row, protocol_effects.BEST) > table.average(row)).any() for row in table.rows)
    one, last = (detections.read_json(runs[0].predictions(checkpoint)) for checkpoint in (0, None))
    assert len(one) != len(last) or not np.array_equal(one.score, last.score)


def test_a_list_leaves_out_truth_and_detections(found):
    runs, _ = found
    truth, every = metrics.ground_truth(runs[0]), detections.read_json(runs[0].predictions())
    kept, left = metrics.among(truth, every, set(truth.videos) - {"sim_test_0000"})
    gone = truth.videos.index("sim_test_0000")
    assert (truth.video == gone).any() and not (kept.video == gone).any()
    assert len(kept.video) == (truth.video != gone).sum() and len(left) < len(every)
    again, same = metrics.among(truth, every, set(truth.videos))
    assert len(again.video) == len(truth.video) and len(same) == len(every)


def test_tables_and_claims(found):
    _, table = found
    made = protocol_effects.table(table, ["fewer"])
    assert len(made.rows) == 2 and {len(row) for row in made.rows} == {len(made.header)}
    assert any("not a result" in name for name in made.header)
    assert [row[0] for row in protocol_effects.order(table).rows] == list(PROTOCOLS)
    assert any(protocol_effects.BEST in claim.text for claim in protocol_effects.gains(table, ["fewer"]))
