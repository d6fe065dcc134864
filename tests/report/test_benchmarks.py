"""Figures of speed: every layout that benchmarks write becomes rows of one kind, and figures carry them."""

import json
import subprocess
import sys

import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.report import benchmarks, figure_speed
from wstal.report.benchmarks import BenchmarkRow, Measured

TRAINING = {
    "machine": "H",
    "rows": [{"method": "um", "networks": 3, "steps": 9, "fast_s": 4.0, "reproducible_s": 48.0, "memory_gb": 2.0}],
}  # fmt: skip
NETWORKS = {
    "machine": "H",
    "rows": [
        {"what": "networks", "name": "i3d fused float16", "clips a second": 5.0, "goal": 4.0, "memory GB": 1.0},
        {
            "what": "networks",
            "name": "i3d fused float16",
            "clips a second": 10.0,
            "TFLOP/s": 98.9,
            "goal": 4.0,
            "memory GB": 1.0,
        },
        {"what": "networks", "name": "i3d plain float16", "clips a second": 2.5},
        {"what": "networks", "name": "i3d fused bfloat16", "clips a second": 9.0},
        {"what": "flow", "name": "drawn films", "pairs a second": 7.0},
        {"what": "flow", "name": "difference", "mean px": 0.1},
    ],
}
MODES = {
    "machine": "H", "entry": "e", "seeds": 2, "fast_s": 1.0,
    "fast": {"a": [1.0, 3.0], "b": [4.0, 4.0]}, "reproducible": {"b": [5.0, 5.0], "a": [2.0, 2.0]},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name, value in {"t": TRAINING, "n": NETWORKS, "m": MODES}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    return tmp_path


def test_all_layouts_are_read(folder):
    networks, training = benchmarks.read(folder)
    assert [(row.work, row.ours, row.ratio, row.goal) for row in networks.rows] == [
        ("i3d fused float16", 10.0, 4.0, 4.0), ("i3d fused bfloat16", 9.0, None, None), ("drawn films", 7.0, None, None),
    ]  # fmt: skip
    assert [(row.work, row.unit, row.ratio, row.memory_mb) for row in training.rows] == [
        ("um, 3 networks of 9 steps", "s", 12.0, 2048.0)
    ]
    (modes,) = benchmarks.modes(folder)
    assert modes.entry == "e" and modes.fast["a"] == (1.0, 3.0)


def test_the_floor_of_a_network_is_the_arithmetic_of_its_machine(tmp_path):
    (tmp_path / "n.json").write_text(json.dumps(NETWORKS | {"machine": "NVIDIA H200, torch 2"}))
    (file,) = benchmarks.read(tmp_path)
    assert [row.floor for row in file.rows] == [pytest.approx(100.0), None, None]


def test_what_a_script_leaves_nested_is_the_same_as_a_list(tmp_path):
    nested = {
        "machine": {"gpu": "H", "torch": "2", "cores": 16}, "took_s": 3.0,
        "networks": {"i3d": {"fused float16": NETWORKS["rows"][1], "plain float16": {"clips a second": 2.5}, "took_s": 1.0}},
        "flow": {"drawn films": {"pairs a second": 7.0}, "error": "none"},
    }  # fmt: skip
    (tmp_path / "x.json").write_text(json.dumps(nested))
    (file,) = benchmarks.read(tmp_path)
    assert file.machine == "H, torch 2"
    assert [(row.work, row.ratio) for row in file.rows] == [("i3d fused float16", 4.0), ("drawn films", None)]


@pytest.mark.parametrize("damage", ["[1]", '{"rows": [{"group": "x"}]}', '{"rows": [1]}', '{"rows": [{"method": "um"}]}'])
def test_other_files_are_a_sentence(tmp_path, damage):
    (tmp_path / "x.json").write_text(damage)
    with pytest.raises(UserError, match=r"x\.json is no file of a benchmark"):
        benchmarks.read(tmp_path)


def test_what_is_committed_can_be_read():
    files = benchmarks.read(ROOT / "reports/benchmarks")
    assert any(row.ratio and row.ratio > 1 for file in files for row in file.rows)
    assert len(benchmarks.table(files).rows) == sum(len(file.rows) for file in files)


def test_figures_carry_the_rows(folder):
    drawn = figure_speed.ratios(benchmarks.read(folder))
    assert drawn.works == ("networks: i3d fused float16", "training: um, 3 networks of 9 steps")
    assert [bar.get_width() for bar in drawn.draw().axes[0].patches] == [4.0, 12.0]
    sizes = [BenchmarkRow(group="g", work=str(n), unit="s", ours=0.002 * n, size=n) for n in (400, 40)]
    line = figure_speed.growth([Measured("m", tuple(sizes))]).draw().axes[0].lines[0]
    assert np.allclose(line.get_xdata(), [40, 400]) and np.allclose(line.get_ydata(), [2.0, 2.0])
    both = figure_speed.both_modes(benchmarks.modes(folder)[0])
    assert both.rows == ("b", "a") and [values[1].tolist() for values in both.values.values()] == [[2.0, 2.0], [1.0, 3.0]]
    assert len(both.draw().axes[0].lines) == 8


@pytest.mark.parametrize("group", ["evaluation", "choice", "sampling", "training", "localization"])
def test_each_group_writes_rows(group, tmp_path):
    command = [sys.executable, str(ROOT / "scripts/bench.py"), group, "--quick", "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    (file,) = benchmarks.read(tmp_path)
    assert file.machine and len(file.rows) and all(row.ours > 0 and row.memory_mb for row in file.rows)
