"""Methods on real videos: the committed table is made of the committed figures, the best first."""

import json

import msgspec
import pytest

from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.evaluation.metrics import Metrics
from wstal.report import real_videos, results

FOLDER = ROOT / "reports" / "real"


@pytest.fixture
def measured(tmp_path):
    """measured({row: {group: fraction}}) -> a folder with these figures of one seed."""

    def measured(rows, chosen=("um",), steps=0):
        cells = {
            row: {"0": {name: {"mAP": [x], "average_mAP": x} for name, x in groups.items()}} for row, groups in rows.items()
        }
        metrics = {"entry": "real", "dataset": "real", "caption": "Films.", "protocol": "activitynet", "tious": [0.5],
                   "presets": dict.fromkeys(rows, "released"), "rows": cells}  # fmt: skip
        about = {"training_videos": 7, "validation_videos": 3, "classes": 2, "mode": "fast", "steps": steps, "device": "CPU"}
        for name, content in {"metrics": metrics, "about": about, "chosen": {"chosen": chosen}}.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return measured


def test_methods_stand_in_order_with_a_column_a_group(measured):
    rows = {"um": {"all": 0.25, "unified": 0.3, "natural": 0.5}, "facnet": {"all": 0.75, "unified": 0.3, "natural": 0.125}}
    found = real_videos.table(measured(rows))
    assert found.header == ("method", "all", "natural")
    assert found.rows == (("FAC-Net, 2021", "75.0", "12.5"), ("UM, 2021", "25.0", "50.0"))
    assert found.title == "Real videos: 7 for training, 3 for validation, 2 classes"


def test_the_caption_says_how_it_was_measured(measured):
    one = {"um": {"all": 0.25}, "union": {"all": 0.5}}
    assert "percent: one seed of" in (text := real_videos.table(measured(one)).caption) and "mode fast, CPU" in text
    assert "detections of UM, 2021, chosen" in text and "steps" not in text
    assert "at most 500 steps" in real_videos.table(measured(one, steps=500)).caption
    assert real_videos.table(measured(one)).rows[0][0] == "union of three"


def test_what_is_missing_is_a_sentence(measured):
    folder = measured({"um": {"all": 0.25}})
    (folder / "about.json").unlink()
    with pytest.raises(UserError, match=r"about\.json .*restore it, or make it with scripts/real_benchmark\.py"):
        real_videos.table(folder)


def test_the_committed_table_is_made_of_the_committed_figures():
    metrics = msgspec.json.decode((FOLDER / "metrics.json").read_bytes(), type=Metrics)
    tables = f"{real_videos.table(FOLDER).markdown()}\n{results.groups(metrics).markdown()}"
    assert (FOLDER / "table.md").read_text() == tables
    assert len(metrics.rows) >= 13
