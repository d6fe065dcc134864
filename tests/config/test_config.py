"""params.yaml: presets merge in a stated order, and what does not fit is one sentence that says where."""

import copy
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wstal import published
from wstal.app.check import check
from wstal.app.cli import main
from wstal.base.errors import UserError
from wstal.config import parameters

TREES = st.recursive(st.integers(), lambda leaf: st.dictionaries(st.sampled_from("abcd"), leaf, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


def test_the_committed_file_is_well_formed(raw):
    assert "well-formed" in check(raw)


@given(MAPPINGS, MAPPINGS)
def test_merge_laws(base, change):
    before = copy.deepcopy(base)
    merged = parameters.merge(base, change)
    assert base == before
    assert parameters.merge(base, {}) == base
    assert parameters.merge(merged, change) == merged
    assert set(merged) == set(base) | set(change)


def test_later_layers_win(raw):
    params = parameters.load(raw)
    main = params.resolve(params.entry("thumos14-sim"), "facnet")
    assert main.params["kernel"] == 1  # preset released
    assert main.params["hidden"] == [128, 128]  # the dataset's override over the base
    paper = params.resolve(params.comparisons["facnet_table1"], "full_paper_preset")
    assert paper.params["kernel"] == 3
    assert not params.resolve(params.comparisons["facnet_table1"], "no_background").params["background"]


def test_every_table_has_the_rows_that_the_paper_prints(raw):
    for name, table in (raw["comparisons"] | raw["tables"]).items():
        printed = published.entry(name)
        assert set(printed["rows"]) - set(published.elsewhere(name)) <= set(table["rows"]), name
        for claim in printed["claims"]:
            assert {claim["better"], claim["worse"]} <= set(table["rows"]), claim
    assert len(raw["tables"]["facnet_table3"]["rows"]) == 20
    assert len(raw["tables"]["facnet_table4"]["rows"]) == 36


def put(raw, place, value):
    changed = copy.deepcopy(raw)
    *parents, last = place.split(".")
    section = changed
    for name in parents:
        section = section[name]
    section[last] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("sedes", [1], "sedes"),
        ("seeds", ["one"], "seeds"),
        ("methods.facnet.base.trainig", {}, "trainig"),
        ("methods.facnet.base.training.epochs", "many", "epochs"),
        ("methods.facnet.base.params.tau", 3, "tau"),
        ("methods.facnet.base.params.hidden", [8], "hidden"),
        ("methods.facnet.base.weights.kl", 1.0, "kl"),
        ("methods.facnet.base.localize.clases", {}, "clases"),
        ("methods.facnet.preset", "mine", "mine"),
        ("methods.no_such", {"preset": "a", "base": {}, "presets": {}}, "no_such"),
        ("datasets.thumos14.features.reader", "no_reader", "no_reader"),
        ("datasets.thumos14.features.source.rot", "x", "rot"),
        ("datasets.thumos14.features.grid.fps", 0.0, "fps"),
        ("datasets.thumos14.features.grids", {"vivit": {"fps": 25.0, "stride_f": 32, "window_f": 32}}, "vivit"),
        ("datasets.thumos14.features.grids", {"rgb": {"fps": 25.0, "stride_f": 32}}, "window_f"),
        ("datasets.thumos14.features.statistics", "thumos15", "thumos15"),
        ("datasets.hacs.features.source.features.slowfast", {"path": "{video}.pkl"}, "pickles"),
        ("datasets.hacs.features.source.features.slowfast", {"path": "{video}.npy", "axes": "TDX"}, "axes"),
        ("datasets.thumos14.evaluation.protocol", "mine", "mine"),
        ("datasets.thumos14-sim.features.source.streams.rgb.core", "strong", "core"),
        ("comparisons.facnet_table1.rows.full", {"sett": {}}, "sett"),
        ("comparisons.facnet_table1.rows.full", {"method": "facnet", "set": {"training": {"epochs": 1.5}}}, "epochs"),
        ("comparisons.facnet_table1.dataset", "nowhere", "nowhere"),
        ("comparisons.facnet_table1.rows.full", {}, "method"),
        ("comparisons.facnet_table1.rows.full", {"method": "nothing"}, "nothing"),
        ("comparisons.facnet_table1.rows.full", {"method": "facnet", "set": {"streams": ["depth"]}}, "depth"),
        ("comparisons.facnet_table1.notebook", "04_nothing", "04_nothing"),
        ("comparisons.facnet_table1.evaluation", {"tious": [2.0]}, "tious"),
        ("tables.facnet_table3.method", None, "facnet_table3"),
        ("run.datasets", [], "run.datasets"),
        ("seeds", [], "seeds"),
        ("seeds", [1, 1], "seeds"),
        ("seeds", [-1], "seeds"),
        ("methods.facnet.base.training.epochs", 0, "epochs"),
        ("methods.facnet.base.params.dropout", 1.0, "dropout"),
        ("methods.facnet.base.params.temperatures", [], "temperatures"),
        ("methods.facnet.presets.paper.optimizer.lr", -1.0, "lr"),
        ("methods.facnet.base.localize.thresholds.values", [], "thresholds"),
        ("datasets.thumos14-sim.evaluation.protocol_set", {"no_such": True}, "no_such"),
        ("datasets.thumos14-sim.evaluation.class_groups", {"all": ["Diving"]}, "all"),
        ("datasets.thumos14-sim.overrides.facnett", {}, "facnett"),
        ("datasets.thumos14-sim.features.streams", [], "streams"),
        ("datasets.thumos14-sim.features.streams", ["rgb", "depth"], "depth"),
        ("comparisons.facnet_table1.rows", {"../up": {}}, "rows"),
        ("tables.facnet_table1", {"dataset": "thumos14-sim", "notebook": "04_table", "method": "facnet", "rows": {}}, "rename"),
        ("smoke.methods.facnet", {"params": {"depth": 1}}, "depth"),
    ],
)
def test_what_does_not_fit_is_one_sentence(raw, place, value, says):
    with pytest.raises(UserError) as caught:
        check(put(raw, place, value))
    text = str(caught.value)
    assert "params.yaml" in text and says in text and "\n" not in text


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        ("comparisons.facnet_table1.rows.facnet", {"metod": "facnet"}, "`metod` - at `comparisons.facnet_table1.rows.facnet`"),
        ("datasets.hacs.features.bakbone", "x", "`bakbone` - at `datasets.hacs.features`"),
        ("datasets.hacs.features.streams", ["csn", 3], "got `int` - at `datasets.hacs.features.streams[1]`"),
        ("datasets.thumos14.features.grids", {"rgb": {"fps": 1.0}}, "at `datasets.thumos14.features.grids.rgb`"),
        ("comparisons.facnet_table1.rows", {"../up": {}}, "at `key` in `comparisons.facnet_table1.rows`"),
        (
            "datasets.hacs.features.streams",
            ["cns"],
            "datasets.hacs.features.source.features, which `streams` names, has no 'cns'",
        ),
        ("comparisons.facnet_table1.rows", {}, "comparisons.facnet_table1 has no `rows`; add one"),
        ("ensembles.lgbm_union.rows", {}, "ensembles.lgbm_union has no `rows`; add one"),
        ("comparisons.facnet_table1.dataset", "nowhere", "datasets has no 'nowhere'; it has: "),
        (
            "tables.facnet_table3.rows.cw",
            {"set": {"params": {"tau": 1}}},
            "tables.facnet_table3.rows.cw: methods.facnet, params:",
        ),
        ("methods.facnet.presets.paper.params.tau", 1, "with methods.facnet.presets.paper: methods.facnet, params:"),
        ("methods.facnet.base.params.tau", 1, "datasets.thumos14-sim with methods.facnet.presets."),
        ("smoke.methods.facnet", {"params": {"depth": 1}}, "params.yaml, smoke, comparisons.thumos14-sim.rows.facnet: "),
    ],
)
def test_the_place_is_named(raw, place, value, says):
    with pytest.raises(UserError) as caught:
        check(put(raw, place, value))
    assert says in str(caught.value) and str(caught.value).count("params.yaml") == 1


def test_the_first_of_two_faults_is_the_one_that_is_named(raw):
    for place in ("facnet_table1.rows.um", "facnet_table1.rows.lgbm", "clips.rows.wtalc"):  # from the last to the first
        raw = put(raw, f"comparisons.{place}", {"metod": "um"})
        with pytest.raises(UserError, match=rf"at `comparisons\.{re.escape(place)}`"):
            check(raw)


def test_a_missing_parameter_is_named(raw):
    changed = copy.deepcopy(raw)
    del changed["methods"]["facnet"]["base"]["training"]["batch_videos"]
    with pytest.raises(UserError, match="batch_videos"):
        check(changed)


def test_the_command_line_says_it_and_stops(raw, tmp_path, monkeypatch, capsys):
    path = tmp_path / "params.yaml"
    monkeypatch.setattr(parameters.read, "__defaults__", (path,))
    for text, says in [
        (yaml.safe_dump(put(raw, "sedes", 1)), "sedes"),
        ("a: [1", "not valid YAML"),
        ("a: 1\na: 2", "stands twice"),
        ("", "params.yaml is empty"),
        ("[1]", "holds no sections"),
        (None, "missing"),
    ]:
        path.unlink() if text is None else path.write_text(text)
        assert main(["check"]) == 1
        error = capsys.readouterr().err
        assert says in error and "Traceback" not in error and error.count("\n") == 1
