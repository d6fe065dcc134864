"""The one rule that scales presets to a dataset's size, by hand, and what params.yaml shows of it."""

import math
from copy import deepcopy

import pytest

from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.config import parameters, resolve, scaled_settings
from wstal.config.parameters import Entry
from wstal.config.scaled_settings import HACS, THUMOS14, DatasetSize

QUARTER = DatasetSize(width=256, videos=50, length_t=THUMOS14.length_t / 3)  # r = 1 / 4, q = 1 / 3
VALUES = {
    "params": {
        "hidden": 2048, "attention_hidden": 40, "margin": 100.0, "block": 60, "k": 10, "pooled": 300.0, "dropout": 0.7,
        "clip": 4.0,
    },
    "weights": {"cls": 0.25},
    "optimizer": {"lr": 0.0001, "betas": [0.9, 0.999], "weight_decay": 0.005},
    "training": {"epochs": 150, "batch_videos": 10, "snippets": {"kind": "crop", "count": 300}},
    "localize": {"upsample": 24, "thresholds": {"values": [0.1, 0.2]}},
}  # fmt: skip


def test_the_rule_by_hand():
    """3000 steps of 200 videos in tens become 750, 150 passes over 50 videos; everything else stays."""
    found = scaled_settings.changes(VALUES, scaled_settings.scaled(VALUES, "um", QUARTER))
    assert found == {
        "params.hidden": (2048, 512), "params.attention_hidden": (40, 16), "params.margin": (100.0, 50.0),
        "params.block": (60, 20), "params.k": (10, 3), "params.pooled": (300.0, 100.0), "optimizer.lr": (0.0001, 0.0004),
        "training.snippets.count": (300, 100),
    }  # fmt: skip
    assert scaled_settings.scaled(VALUES, "um", QUARTER)["training"]["epochs"] == 150


def test_values_that_are_given_do_not_change():
    before = deepcopy(VALUES)
    scaled_settings.scaled(VALUES, "um", QUARTER)
    assert before == VALUES


def test_at_home_nothing_changes():
    within = merge(VALUES, {"training": {"epochs": 50}})
    assert scaled_settings.scaled(within, "um", THUMOS14) == within


@pytest.mark.parametrize(
    ("method", "change", "place", "value"),
    [
        ("wtalc", {"margin": 0.5}, "margin", 0.5),  # of cosines
        ("um", {"hidden": [1024, 512]}, "hidden", [256, 128]),
        ("um", {"hidden": []}, "hidden", []),
        ("um", {"k": 0.2}, "k", 0.2),
        ("um", {"k": 1}, "k", 1),
        ("um", {"block": None}, "block", None),
        ("um", {"pooled": 1.0}, "pooled", 1.0),
        ("um", {"hidden": "wide"}, "hidden", "wide"),
        ("um", {"hidden": True}, "hidden", True),
        ("um", {"block": math.inf}, "block", math.inf),
    ],
)
def test_parameters_one_by_one(method, change, place, value):
    assert scaled_settings.scaled(merge(VALUES, {"params": change}), method, QUARTER)["params"][place] == value


def test_batches_of_nothing_are_left_to_those_who_check_them():
    values = merge(VALUES, {"training": {"batch_videos": 0}})
    assert scaled_settings.scaled(values, "um", QUARTER)["training"]["epochs"] == 150


@pytest.mark.parametrize(("epochs", "steps"), [(10, 500), (150, 750), (5000, 1000)])
def test_steps_go_a_quarter_as_far_within_what_is_affordable(epochs, steps):
    found = scaled_settings.scaled(merge(VALUES, {"training": {"epochs": epochs}}), "um", QUARTER)["training"]
    assert found["epochs"] * 50 / found["batch_videos"] == steps


def test_lgbm_comes_from_another_home():
    """Of HACS's 37613 videos, 1 epoch in sixteens is 2351 steps, a quarter of which are 588: 47 passes over 200 videos."""
    values = merge(VALUES, {"training": {"epochs": 1, "batch_videos": 16, "snippets": {"count": 200}}})
    size = DatasetSize(width=256, videos=200, length_t=HACS.length_t / 2)
    assert scaled_settings.scaled(values, "lgbm", size)["training"] == {
        "epochs": 47, "batch_videos": 16, "snippets": {"kind": "crop", "count": 100}
    }  # fmt: skip


def test_presets_for_activitynet_come_from_there():
    """Bags of 60 of its videos' 181 snippets become bags of 30 on videos half as long."""
    values = merge(VALUES, {"training": {"snippets": {"count": 60}}})
    size = DatasetSize(width=256, videos=200, length_t=scaled_settings.ACTIVITYNET12.length_t / 2)
    assert scaled_settings.scaled(values, "co2", size, "activitynet")["training"]["snippets"]["count"] == 30
    assert scaled_settings.scaled(values, "co2", size, "released")["training"]["snippets"]["count"] == 17


@pytest.mark.parametrize("missing", ["training", "optimizer", "params"])
def test_what_is_missing_is_left_to_those_who_check_it(missing):
    values = {name: value for name, value in VALUES.items() if name != missing}
    assert missing not in scaled_settings.scaled(values, "um", QUARTER)


SCALED = "thumos14-sim"


def resolved(raw, values, dataset=SCALED):
    return resolve.row(parameters.load(raw), Entry(dataset=dataset, notebook="03_train"), values, "here")


def test_a_row_is_scaled_before_overrides_and_what_it_sets(raw):
    row = resolved(raw, {"method": "wsad", "preset": "paper", "optimizer": {"weight_decay": 0.1}})
    assert (row.params.hidden, row.optimizer.lr, row.optimizer.weight_decay) == (256, 0.0008, 0.1)
    over = merge(raw, {"datasets": {SCALED: {"overrides": {"wsad": {"optimizer": {"lr": 0.5}}}}}})
    assert resolved(over, {"method": "wsad"}).optimizer.lr == 0.5
    assert resolved(over, {"method": "wsad", "optimizer": {"lr": 0.25}}).optimizer.lr == 0.25


def test_a_preset_keeps_what_the_rule_does_not_name(raw):
    """Weight decay of `released`, none of `paper`; a smaller step stays smaller."""
    facnet, wsad = (
        [resolved(raw, {"method": method, "preset": preset}).optimizer for preset in ("released", "paper")]
        for method in ("facnet", "wsad")
    )
    assert [one.weight_decay for one in facnet] == [0.005, 0.0] and [one.lr for one in wsad] == [0.0016, 0.0008]


def test_a_size_is_read_from_the_source_or_stated(raw):
    size = resolve.size_of(parameters.load(raw).dataset(SCALED), SCALED)
    assert (size.width, size.videos) == (128, 80) and size.length_t == pytest.approx(48 * math.exp(0.045) / 0.64)
    stated = merge(raw, {"datasets": {"thumos14": {"scaled": {"width": 512, "videos": 100, "length_t": 327.0}}}})
    assert resolved(stated, {"method": "um"}, "thumos14").params.hidden == 1024
    assert resolved(raw, {"method": "um"}, "thumos14").params.hidden == 2048


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (True, "datasets.thumos14 says `scaled: true`, but its source does not state `dim`, .*write `scaled: {width"),
        ({"width": 128}, "missing required field `videos`"),
        ("yes", "scaled"),
    ],
)
def test_a_size_that_nobody_states_is_a_sentence(raw, value, says):
    with pytest.raises(UserError, match=says):
        resolved(merge(raw, {"datasets": {"thumos14": {"scaled": value}}}), {"method": "um"}, "thumos14")


def test_parameters_show_the_scaled_value_beside_the_released_one(raw):
    """A comment for each method, above its presets: what the rule makes of its first preset on the first scaled dataset."""
    params, text = parameters.load(raw), parameters.PARAMS.read_text(encoding="utf-8")
    size = resolve.size_of(params.dataset(SCALED), SCALED)
    for name, section in params.methods.items():
        preset = merge(params.defaults, section.base, section.presets[section.preset])
        shown = scaled_settings.changes(preset, scaled_settings.scaled(preset, name, size))
        words = ", ".join(f"{place.split('.')[-1]} {before} -> {after}" for place, (before, after) in shown.items())
        assert f"    # scaled: {words}\n" in text
