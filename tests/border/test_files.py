"""Systems that refuse, names that no disk takes, files that are none: each is a sentence; and tables that are safe to open."""

import csv
import errno
import io
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch

from wstal.app import cli, intervals
from wstal.base import files
from wstal.base.errors import LONGEST, MachineError, UserError
from wstal.base.paths import ROOT
from wstal.base.types import Detections
from wstal.border import content, csvfile, jsonfile, tensorfile
from wstal.datasets.readers import _files

LABELS = [
    '=HYPERLINK("http://x","y")',
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "=",
    "plain",
    "a=b",
    "-0.5",
    "+3.6",
    "1e5",
    "−1",
    "",
]


def test_a_spreadsheet_computes_no_cell():
    written = csvfile.text([LABELS])
    (cells,) = csv.reader(io.StringIO(written, newline=""))
    assert not [cell for cell in cells if cell.startswith(csvfile.FORMULA) and not cell.lstrip("+-").replace(".", "").isdigit()]
    assert [cell.removeprefix("'") for cell in cells] == [label.replace("\r", " ") for label in LABELS] and cells[
        -7:
    ] == LABELS[-7:]


def test_labels_are_escaped_where_detections_are_written():
    one, zero = np.ones(1), np.zeros(1, np.int32)
    found = Detections(("=a",), ("=HYPERLINK(1)",), zero, zero, 0 * one, one, -one)
    assert intervals.csv_text(found).splitlines()[1] == "'=a,0.000,1.000,'=HYPERLINK(1),-1"


def test_a_sentence_is_one_line_that_every_terminal_shows():
    text = str(UserError("a\nb\r\n\x1b[31mc\x00 \udcff \u2028" + "x" * 10_000 + ", so mend it."))
    assert "\n" not in text and "\x1b" not in text and "\\udcff" in text and text.encode() and len(text) <= LONGEST + 10
    assert text.startswith("a b \\x1b[31mc\\x00 \\udcff") and text.endswith("so mend it.")


def test_a_name_that_is_too_long_is_a_sentence(tmp_path):
    long = tmp_path / ("x" * 300)
    for read in (
        lambda: content.read_bytes(long),
        lambda: content.require([long], "get it"),
        lambda: _files.read_json(long, dict, "get it"),
        lambda: files.write(long, ""),
        lambda: tensorfile.save({"x": torch.zeros(2)}, long),
        lambda: tensorfile.read(long),
    ):
        with pytest.raises(UserError, match="its name is longer than its file system allows; name a shorter path"):
            read()


@pytest.mark.parametrize("path", ["a\0b", "", "."])
def test_odd_paths_are_a_sentence(path):
    from pathlib import Path

    with pytest.raises(UserError, match="cannot be read"):
        content.read_bytes(Path(path))


def test_devices_are_refused():
    from pathlib import Path

    with pytest.raises(UserError, match=r"/dev/zero is a device, no file"):
        content.read_bytes(Path("/dev/zero"), 1000)


def test_circles_of_links_are_a_sentence(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="symbolic links lead in a circle"):
        content.read_bytes(tmp_path / "a")


def test_a_pipe_is_read(tmp_path):
    from pathlib import Path

    read, write = os.pipe()
    os.write(write, b'{"a": 1}')
    os.close(write)
    assert jsonfile.read(Path(f"/dev/fd/{read}"), dict, "is bad", "mend it") == {"a": 1}
    os.close(read)


def test_a_full_disk_is_said_where_tensors_are_written(tmp_path):
    """safetensors tells what the system said in words."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(MachineError, match=r"x\.safetensors cannot be written, as this process may write no file so large"):
            tensorfile.save({"x": torch.zeros(100_000)}, tmp_path / "x.safetensors")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize(
    ("number", "sentence"), [(28, "its disk is full; make room"), (30, "file system is read-only"), (13, "`chmod`")]
)
def test_what_safetensors_says_of_the_system_is_understood(tmp_path, monkeypatch, number, sentence):
    def refuse(*_):
        raise safetensors.SafetensorError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})")

    tensorfile.save({"x": torch.zeros(2)}, tmp_path / "x.safetensors")
    monkeypatch.setattr(safetensors.torch, "load_file", refuse)
    with pytest.raises(UserError, match=rf"x\.safetensors .*{sentence}"):
        tensorfile.read(tmp_path / "x.safetensors")


def test_tensors_are_sealed(tmp_path):
    """Every flipped byte and every cut is seen; what others wrote has no seal, and is read."""
    path, tensors = tmp_path / "x.safetensors", {"a": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(3, dtype=torch.int64)}
    tensorfile.save(tensors, path)
    assert all(tensorfile.read(path)[name].equal(tensor) for name, tensor in tensors.items())
    data = path.read_bytes()
    for place in range(len(data)):
        for changed in (data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :], data[:place]):
            path.write_bytes(changed)
            try:
                found = tensorfile.read(path)
            except tensorfile.DamagedError as error:
                assert error.reason
            else:
                assert found.keys() == tensors.keys() and all(found[name].equal(tensors[name]) for name in tensors), place
    path.write_bytes(safetensors.torch.save(tensors))
    assert tensorfile.read(path)["a"].equal(tensors["a"])


def test_any_refusal_of_the_system_is_a_sentence_of_the_command(monkeypatch, capsys):
    for error in (OSError(errno.ENOTEMPTY, "Directory not empty", "runs/x"), OSError("damaged"), MemoryError()):

        def refuse(_, error=error):
            raise error

        monkeypatch.setattr(cli, "_check", refuse)
        assert cli.main(["check"]) == 1
        said = capsys.readouterr().err
        assert said.startswith("wstal: ") and said.endswith(".\n") and said.count("\n") == 1


def test_a_folder_that_is_not_utf8_can_be_written_to(tmp_path):
    folder = tmp_path / "a\udcff"
    files.write(folder / "x.json", '{"run": "a\udcff"}')
    assert (folder / "x.json").read_text() == '{"run": "a\\udcff"}'


def test_a_command_prints_names_that_are_not_utf8(tmp_path):
    """The sentence about a missing file of such a name, and no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "wstal", "evaluate", "a\udcff.json", "b.json"],
        cwd=tmp_path,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert (
        done.returncode == 1
        and done.stderr.startswith(b"wstal: a\\udcff.json cannot be read")
        and done.stderr.count(b"\n") == 1
    )
