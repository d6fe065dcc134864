"""What is asked of the published facts, and whether they are about what params.yaml has."""

import shutil

import msgspec
import pytest

from tests.published.test_facts import ENTRY, STATISTICS, changed, write
from wstal import published
from wstal.base.errors import UserError
from wstal.config import parameters, resolve
from wstal.published.records import nearest

ROWS, TIOUS = {"table1": ["full", "bare"]}, {"table1": [0.3, 0.5]}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """asked(entry) makes `published` read a folder with this entry, table1, alone."""
    shutil.copy(published.FOLDER / "backbones.yaml", tmp_path)
    write(tmp_path / "films.yaml", STATISTICS)
    monkeypatch.setattr(published, "FOLDER", tmp_path)

    def asked(entry):
        write(tmp_path / "acme.yaml", {"table1": entry})
        published.known.cache_clear()

    yield asked
    published.known.cache_clear()


def test_answers(asked):
    asked(ENTRY)
    assert published.entry("table1").title == "A paper, Table 1" and list(published.statistics()) == ["films"]
    assert published.label("table1", "full") == "Full" and published.values("table1", "full") == {"0.5": 40, "AVG": 35.5}
    assert published.values("table1", "theirs") == {"0.5": 30} and published.values("table1", "bare") == {}
    assert published.elsewhere("table1") == ["theirs"]


def test_what_nobody_published_has_its_own_name(asked):
    asked(ENTRY)
    assert published.entry("mine") == msgspec.convert({"title": "mine"}, type(published.entry("table1")))
    assert published.label("table1", "mine") == published.label("mine", "mine") == "mine"
    assert published.values("table1", "mine") == published.values("mine", "mine") == {}
    assert published.elsewhere("mine") == []


def test_entries_come_as_the_papers_print_them():
    names = ["own_thing", "protocols", "facnet_table5", "metric_table1", "facnet_table3", "lgbm_table1"]
    wanted = ["facnet_table3", "facnet_table5", "lgbm_table1", "metric_table1", "protocols", "own_thing"]
    assert published.in_order(names) == wanted


def test_printed_values_by_hand():
    assert published.values("facnet_table1", "wtalc") == {
        "0.1": 55.2, "0.2": 49.6, "0.3": 40.1, "0.4": 31.1, "0.5": 22.8, "0.7": 7.6
    }  # fmt: skip
    assert published.label("facnet_table1", "wsad") == "deep metric learning"


def test_well_formed_facts_pass(asked):
    asked(ENTRY)
    published.check(ROWS, TIOUS)
    published.check(ROWS | {"more": ["a"]}, TIOUS | {"more": [0.5]})  # an entry that nobody published
    published.check({"table1": ["full", "bare", "more"]}, TIOUS)  # a row that nobody published


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (
            "rows/ful",
            {"label": "Full"},
            r"table1\.rows\.ful: params\.yaml trains no such row .*\(nearest: full, bare\).*elsewhere: true",
        ),
        ("rows/theirs/elsewhere", None, r"table1\.rows\.theirs: params\.yaml trains no such row"),
        ("claims/0/worse", "theirs", r"table1, claim 'full is better': nobody trains row 'theirs' here; remove the claim"),
        ("claims/1/at", 0.7, r"claim 'at 0\.5, too': the entry is not judged at tIoU 0\.7; give `at` one of 0\.3, 0\.5\."),
    ],
)
def test_facts_about_something_else_are_a_sentence(asked, place, value, sentence):
    asked(changed(ENTRY, place, value))
    with pytest.raises(UserError, match=rf"acme\.yaml, {sentence}" if sentence.startswith("table1") else sentence):
        published.check(ROWS, TIOUS)


def test_an_entry_that_params_lacks_is_a_sentence(asked):
    asked(ENTRY)
    with pytest.raises(
        UserError, match=r"acme\.yaml, table1: params\.yaml has no such entry; mend the name \(nearest: table2\), or add"
    ):
        published.check({"table2": ["full"]}, {"table2": [0.5]})


def test_of_many_rows_the_nearest_are_named():
    rows = [f"{branch}_{heads}" for branch in ("cw", "ca", "mil") for heads in ("1", "1-2", "1-2-5")]
    assert nearest("ca_1_2", rows) == "ca_1-2, ca_1, ca_1-2-5"
    assert nearest("ca_1_2", []) == "none"


def test_the_committed_facts_are_about_the_committed_parameters():
    params = parameters.load()
    rows = {name: list(entry.every) for name, entry in params.entries.items()}
    rows |= {name: list(entry.rows) for name, entry in params.ensembles.items()}
    published.check(rows, {name: resolve.evaluation(params, name).tious for name in params.reported})
