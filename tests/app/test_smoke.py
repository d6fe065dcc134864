"""The small copy of the pipeline that notebooks run: which datasets, rows and ensembles are in it."""

import pytest

from wstal.app import smoke
from wstal.base.errors import UserError
from wstal.config import parameters


def test_a_small_copy_has_simulated_datasets_and_the_first_rows(raw):
    small, whole = smoke.shrink(raw), parameters.load(raw)
    imitated = ("thumos14", "activitynet12", "activitynet13", "hacs")
    assert list(small.datasets) == [f"{name}-sim" for name in imitated]
    assert list(small.entries) == [name for name in whole.entries if name != "clips"] and small.seeds == (0,)
    for name, entry in small.entries.items():
        assert list(entry.every.items()) == list(whole.entries[name].every.items())[:6]


def test_ensembles_keep_the_rows_whose_members_are_left(raw):
    small = smoke.shrink(raw)
    assert {name: list(entry.rows) for name, entry in small.ensembles.items()} == {
        "lgbm_ensemble": ["csn", "slowfast152", "slowfast101", "two", "three"],
        "lgbm_union": ["csn", "two"],
    }


def test_sizes_are_those_of_all_methods_then_the_methods_own(raw):
    overrides = smoke.shrink(raw).datasets["hacs-sim"].overrides
    assert overrides["stpn"] == raw["smoke"]["method"] | raw["methods"]["stpn"]["smoke"]
    assert overrides["facnet"]["training"]["epochs"] == 40 and overrides["stpn"]["training"]["epochs"] == 20


def test_without_a_section_it_is_a_sentence(raw):
    with pytest.raises(UserError, match="no section `smoke`, which notebooks run by"):
        smoke.shrink({name: section for name, section in raw.items() if name != "smoke"})
