"""What a stage costs is written down, its processes included, and printed as a table."""

import subprocess
import sys

from wstal.app import costs
from wstal.app.costs import StageCost
from wstal.base import paths

BUSY = "import time; end = time.process_time() + 0.3; block = bytearray(150_000_000)\nwhile time.process_time() < end: pass"


def test_a_stage_leaves_what_its_processes_took(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.setenv(costs.STAGE, "train@clips")
    with costs.recorded():
        subprocess.run([sys.executable, "-c", BUSY], check=True)
    (cost,) = costs.read()
    assert cost.stage == "train@clips" and cost.cpu_s > 0.3 and cost.wall_s >= 0.3 and cost.memory_mb > 150


def test_outside_a_stage_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.delenv(costs.STAGE, raising=False)
    with costs.recorded():
        pass
    assert costs.read() == []


def test_the_table_has_a_line_for_each_and_their_sum():
    lines = costs.table([StageCost("b", 20.0, 12.5, 300), StageCost("a", 1.5, 2.0, 900)]).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["b", "20.0", "12.5", "300"], ["a", "1.5", "2.0", "900"], ["all", "21.5", "14.5", "900"],
    ]  # fmt: skip


def test_a_damaged_file_is_a_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    (tmp_path / "costs").mkdir()
    (tmp_path / "costs" / "plan.json").write_text("{")
    assert costs.main() == 1
    said = capsys.readouterr()
    assert "plan.json is no cost of a stage" in said.err and said.err.endswith("remove it.\n") and not said.out
