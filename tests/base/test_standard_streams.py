"""A command goes on though nobody reads what it prints, and no file takes the number of a closed stream."""

import os
import subprocess
import sys

import pytest

from wstal.base import standard_streams
from wstal.base.paths import ROOT

PROGRAM = """
import os, sys
from wstal.base import progress, standard_streams
from pathlib import Path
with standard_streams.patient(), progress.shown(Path("bars")):
    with open("data.txt", "w") as file:
        os.write(2, b"said by a library in C") if sys.argv[1:] else None
        for k in range(3):
            progress.report("work", k + 1, 3)
            print("out", flush=True)
            print("err", file=sys.stderr, flush=True)
        progress.note("it is odd")
        file.write("whole")
Path("done").touch()
"""


def ends(folder, *arguments, **options):
    around = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=around, timeout=600, **options)


@pytest.mark.parametrize("number", [1, 2])
def test_a_closed_stream(tmp_path, number):
    assert ends(tmp_path, "loud", preexec_fn=lambda: os.close(number)).returncode == 0
    assert (tmp_path / "data.txt").read_text() == "whole" and (tmp_path / "done").exists()


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_that_has_gone(tmp_path, name):
    reader, writer = os.pipe()
    os.close(reader)
    assert ends(tmp_path, **{name: writer}).returncode == 0
    os.close(writer)
    assert (tmp_path / "data.txt").read_text() == "whole" and (tmp_path / "done").exists()


def test_notes_and_bars_are_drawn(tmp_path):
    done = ends(tmp_path, capture_output=True, text=True)
    assert "note: it is odd" in done.stderr and "3/3" in done.stderr and done.stdout == "out\n" * 3
    assert not (tmp_path / "bars").exists()


def test_streams_are_as_they_were_afterwards():
    before = sys.stdout, sys.stderr
    with standard_streams.patient():
        assert isinstance(sys.stderr, standard_streams.Patient)
    assert (sys.stdout, sys.stderr) == before
