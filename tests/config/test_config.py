"""params.yaml: presets merge in a stated order, and what does not fit is one sentence that says where."""

import copy
import re

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wstal import published
from wstal.app.check import check
from wstal.app.cli import main
from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.config import parameters, resolve
from wstal.config.parameters import Grid

SCREEN = 60  # lines
TREES = st.recursive(st.integers(), lambda leaf: st.dictionaries(st.sampled_from("abcd"), leaf, max_size=3), max_leaves=8)
MAPPINGS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


def test_the_committed_file_is_well_formed(raw):
    assert "well-formed" in check(raw)


@pytest.mark.parametrize("part", ["datasets", "methods"])
def test_each_dataset_and_each_method_fits_on_one_screen(part):
    (text,) = re.findall(rf"^{part}:.*?\n(?=\w)", parameters.PARAMS.read_text(encoding="utf-8"), re.M | re.S)
    lengths = {section.split(":")[0]: section.count("\n") for section in re.split(r"^  (?=[\w-]+:)", text, flags=re.M)[1:]}
    assert len(lengths) > 5 and max(lengths.values()) <= SCREEN, lengths


@given(MAPPINGS, MAPPINGS)
def test_merge_laws(base, change):
    before = copy.deepcopy(base)
    merged = merge(base, change)
    assert base == before
    assert merge(base, {}) == merge(base) == base
    assert merge(merged, change) == merge(base, change, change) == merged
    assert set(merged) == set(base) | set(change)


def test_later_layers_win(raw):
    params = parameters.load(raw)
    main, table = resolve.rows(params, "thumos14-sim")["facnet"], resolve.rows(params, "facnet_table1")
    assert main.optimizer.betas == (0.9, 0.99) and main.params.kernel == 1  # preset released over the defaults
    assert main.params.hidden == (128, 128)  # the base, scaled to the dataset
    assert table["full_paper_preset"].params.kernel == 3
    assert not table["no_background"].params.background


def test_a_grid_is_the_product_of_its_axes_first_axis_slowest():
    grid = Grid(
        name="{a}-{b}", set={"x": 0, "y": 0},
        axes={"a": {"1": {"x": 1}, "2": {"x": 2}}, "b": {"u": {"y": 1}, "v": {}}},
    )  # fmt: skip
    assert list(grid.rows().items()) == [
        ("1-u", {"x": 1, "y": 1}), ("1-v", {"x": 1, "y": 0}), ("2-u", {"x": 2, "y": 1}), ("2-v", {"x": 2, "y": 0}),
    ]  # fmt: skip


def test_rows_of_the_factorial_ablations(raw):
    params = parameters.load(raw)
    rows = {name: list(params.entry(name).every) for name in ("facnet_table3", "facnet_table4", "facnet_figure4")}
    for name in ("facnet_table3", "facnet_table4"):  # the paper prints every combination; further rows may follow
        assert len(rows[name]) >= len(published.entry(name).rows) - len(published.elsewhere(name)) >= 20
    assert rows["facnet_table3"][:4] == ["cw", "ca", "mil", "cw-hybrid"] and rows["facnet_table4"][:2] == ["cw_1", "ca_1"]
    both = resolve.rows(params, "facnet_table3")["cw_mil-hybrid-background"]
    assert both.params.background and both.params.video_score == "mil" and both.params.temperatures == (1.0, 2.0, 5.0)
    assert both.weights == {"cw": 1.0, "ca": 0.0, "mil": 0.1}


def test_lgbm_net_is_held_against_bas_net_with_the_same_post_processing_too(raw):
    """What is trained is BaS-Net's row, whose weights it shares; how it localizes is LGBM-Net's."""
    rows = resolve.rows(parameters.load(raw), "lgbm_table1")
    for stream in ("csn", "slowfast152", "slowfast101", "vivit", "tdn"):
        same, own, lgbm = (rows[f"{stream}-{name}"] for name in ("basnet_same", "basnet", "lgbm"))
        assert same.localize == lgbm.localize != own.localize
        assert msgspec.structs.replace(same, localize=own.localize) == own


def test_simulated_datasets_set_nothing_over_the_rule_but_the_fusion_of_streams_without_weights(raw):
    for name in ("thumos14-sim", "activitynet12-sim", "activitynet13-sim", "hacs-sim"):
        dataset = parameters.load(raw).dataset(name)
        assert dataset.scaled is True and dataset.redrawn
        assert set(map(str, dataset.overrides.values())) <= {"{'early_fusion': True}"}


def test_a_method_without_a_section_is_named(raw, monkeypatch):
    monkeypatch.setattr("wstal.methods.names", lambda: [*raw["methods"], "ghost"])
    with pytest.raises(UserError, match=r"params\.yaml: methods has no section 'ghost'"):
        check(raw)


def test_a_method_needs_one_preset_and_no_size_for_smoke_runs(raw):
    """What a newcomer writes: the rest has defaults."""
    changed = copy.deepcopy(raw)
    del changed["methods"]["stpn"]["smoke"]
    changed["methods"]["stpn"]["presets"] = {"paper": changed["methods"]["stpn"]["presets"]["paper"]}
    changed["methods"]["stpn"]["preset"] = "paper"
    assert "well-formed" in check(changed)


def test_every_entry_has_the_rows_that_the_paper_prints(raw):
    params = parameters.load(raw)
    for name, entry in params.entries.items():
        printed = published.entry(name)
        assert set(printed.rows) - set(published.elsewhere(name)) <= set(entry.every), name


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
        ("datasets.thumos14.redrawn", True, "datasets.thumos14 says `redrawn: true`, but its reader thumos14_reduced draws"),
        ("datasets.thumos14-sim.features.source.draws", [0, 1], "sets `draws`, but runs see the draws of `seeds` or one"),
        ("datasets.thumos14.features.grid.fps", 0.0, "fps"),
        ("datasets.thumos14.features.grids", {"vivit": {"fps": 25.0, "stride_f": 32, "window_f": 32}}, "vivit"),
        ("datasets.thumos14.features.grids", {"rgb": {"fps": 25.0, "stride_f": 32}}, "window_f"),
        ("datasets.thumos14.features.statistics", "thumos15", "thumos15"),
        ("datasets.hacs.features.source.features.slowfast", {"path": "{video}.pkl"}, "pickles"),
        ("datasets.hacs.features.source.features.slowfast", {"path": "{video}.npy", "axes": "TDX"}, "axes"),
        ("datasets.thumos14.evaluation.protocol", "mine", "mine"),
        ("datasets.thumos14-sim.features.source.streams.rgb.core", "strong", "core"),
        ("entries.facnet_table1.rows.full", {"sett": {}}, "sett"),
        ("entries.facnet_table1.rows.full", {"method": "facnet", "training": {"epochs": 1.5}}, "epochs"),
        ("entries.facnet_table1.dataset", "nowhere", "nowhere"),
        ("entries.facnet_table1.rows.full", {}, "method"),
        ("entries.facnet_table1.rows.full", {"method": "nothing"}, "nothing"),
        ("entries.facnet_table1.rows.full", {"method": "facnet", "streams": ["depth"]}, "depth"),
        ("entries.facnet_table1.notebook", "04_nothing", "04_nothing"),
        ("entries.facnet_table1.evaluation", {"tious": [2.0]}, "tious"),
        ("entries.facnet_table3.method", None, "facnet_table3"),
        ("run.datasets", [], "run.datasets"),
        ("seeds", [], "seeds"),
        ("seeds", [1, 1], "seeds"),
        ("seeds", [-1], "seeds"),
        ("methods.facnet.base.training.epochs", 0, "epochs"),
        ("methods.facnet.base.params.dropout", 1.0, "dropout"),
        ("methods.facnet.base.params.temperatures", [], "temperatures"),
        ("methods.um.presets.released.optimizer.weight_decay", -1.0, "weight_decay"),
        ("methods.facnet.base.localize.thresholds.values", [], "thresholds"),
        ("datasets.thumos14-sim.evaluation.protocol_set", {"no_such": True}, "no_such"),
        ("datasets.thumos14-sim.evaluation.class_groups", {"all": ["Diving"]}, "all"),
        ("datasets.hacs-sim.overrides.facnett", {}, "facnett"),
        ("datasets.thumos14-sim.features.streams", [], "streams"),
        ("datasets.thumos14-sim.features.streams", ["rgb", "depth"], "depth"),
        ("entries.facnet_table1.rows", {"../up": {}}, "rows"),
        ("entries.facnet_table4.grid", [{"name": "{branch}", "axes": {"branch": {"../up": {}}}}], "../up"),
        ("entries.facnet_table4.grid", [{"name": "{brunch}", "axes": {"branch": {"cw": {}}}}], "brunch"),
        ("entries.facnet_table4.grid", [{"name": "cw", "axes": {"branch": {"cw": {}, "ca": {}}}}], "twice"),
        ("entries.lgbm_union", {"dataset": "thumos14-sim", "notebook": "04_table", "rows": {"a": {"method": "um"}}}, "rename"),
        ("methods.facnet.smoke", {"params": {"depth": 1}}, "depth"),
        ("defaults.localise", {}, "localise"),
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
        ("entries.facnet_table1.rows.full", {"metod": "facnet"}, "entries.facnet_table1.rows.full sets 'metod'; a row may set"),
        ("datasets.hacs.features.bakbone", "x", "`bakbone` - at `datasets.hacs.features`"),
        ("datasets.hacs.features.streams", ["csn", 3], "got `int` - at `datasets.hacs.features.streams[1]`"),
        ("datasets.thumos14.features.grids", {"rgb": {"fps": 1.0}}, "at `datasets.thumos14.features.grids.rgb`"),
        ("entries.facnet_table1.rows", {"../up": {}}, "at `key` in `entries.facnet_table1.rows`"),
        (
            "datasets.hacs.features.streams",
            ["cns"],
            "datasets.hacs.features.source.features, which `streams` names, has no 'cns'",
        ),
        ("entries.facnet_table1.rows", {}, "entries.facnet_table1 has no `rows`; add one"),
        ("ensembles.lgbm_union.rows", {}, "ensembles.lgbm_union has no `rows`; add one"),
        ("entries.facnet_table1.dataset", "nowhere", "datasets has no 'nowhere'; it has: "),
        (
            "entries.metric_table4.rows.blocks",
            {"params": {"tau": 1}},
            "params.yaml, entries.metric_table4.rows.blocks, params of wsad:",
        ),
        ("methods.facnet.presets.paper.params.tau", 1, "with methods.facnet.presets.paper, params of facnet:"),
        ("methods.facnet.base.params.tau", 1, "datasets.thumos14-sim with methods.facnet.presets."),
        ("methods.facnet.smoke", {"params": {"depth": 1}}, "params.yaml, smoke, entries.thumos14-sim.rows.facnet, params of "),
    ],
)
def test_the_place_is_named(raw, place, value, says):
    with pytest.raises(UserError) as caught:
        check(put(raw, place, value))
    assert says in str(caught.value) and str(caught.value).count("params.yaml") == 1


def test_the_first_of_two_faults_is_the_one_that_is_named(raw):
    for place in ("facnet_table1.rows.um", "facnet_table1.rows.lgbm", "clips.rows.wtalc"):  # from the last to the first
        raw = put(raw, f"entries.{place}", {"metod": "um"})
        with pytest.raises(UserError, match=rf"entries\.{re.escape(place)} sets 'metod'"):
            check(raw)


def test_a_missing_parameter_is_named(raw):
    changed = copy.deepcopy(raw)
    del changed["methods"]["facnet"]["base"]["training"]["batch_videos"]
    with pytest.raises(UserError, match="batch_videos"):
        check(changed)


def test_the_command_line_says_it_and_stops(raw, tmp_path, monkeypatch, capsys):
    path = tmp_path / "params.yaml"
    monkeypatch.setattr(parameters, "PARAMS", path)
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
