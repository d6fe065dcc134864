"""What the system refuses is said as such, with its own cure, and never called damage of a file."""

import errno
import os
import resource
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.features.films import grey, write
from wstal.app import cli
from wstal.base import files
from wstal.base.errors import LIMITS, REFUSALS, MachineError, UserError, of_system, system_errors
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.border import content, manifestfile, picklefile, yamlfile
from wstal.config import plan
from wstal.data import labels
from wstal.data.store import FeatureStore
from wstal.datasets.readers import _arrays, _files, _table
from wstal.datasets.readers._arrays import ArrayLayout
from wstal.evaluation import metrics
from wstal.features.backbones import checkpoint
from wstal.features.extraction.partfiles import Part, Parts
from wstal.features.extraction.streamfile import StreamFile
from wstal.features.pixels.decode import Footage, duration_s
from wstal.training import card as cards
from wstal.training import experiment

GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)


@pytest.mark.parametrize("number", [*LIMITS, *REFUSALS], ids=errno.errorcode.get)
def test_every_refusal_is_one_sentence_with_a_cure(number):
    said = of_system(OSError(number, os.strerror(number)), Path("a/b.npy"))
    assert isinstance(said, MachineError) == (number in LIMITS)
    text = str(said)
    assert text.startswith("a/b.npy ") and text.endswith(".") and ";" in text and "damaged" not in text


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, ""), OSError("damaged"), ValueError("x")])
def test_other_errors_are_not_the_systems(error):
    assert of_system(error, "a") is None
    with pytest.raises(type(error)) as raised, system_errors("a"):
        raise error
    assert raised.value is error


@contextmanager
def no_more_files():
    """As many files open as this process may hold."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        yield
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_limit_of_open_files_is_named_by_all_that_read(prepared, tmp_path):
    params, tree = prepared
    store = FeatureStore(tree.features("tiny"))
    run = experiment.runs(plan.of_rows(params, "tiny_table"), tree)[0]
    cards.write(run.card, tmp_path)
    network = next(iter(run.networks))
    save_file({"x": np.zeros(3)}, tmp_path / f"{network}.safetensors")
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    np.savez(tmp_path / "x.npz", x=np.zeros((3, 2)))
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x"] = np.zeros((3, 2))
    (tmp_path / "x.csv").write_text("1,2\n")
    film = write(tmp_path / "film.mp4", grey(8))
    parts = Parts(tmp_path / "parts", "a network", GRID)
    parts.save("film", Part(np.zeros((1, 2), np.float32), []), parts.sources(film))

    def layout(ending):
        return ArrayLayout(path=f"x.{ending}", key="x" if ending in ("npz", "h5") else None)

    def array(ending):
        return lambda: _arrays.load(tmp_path / f"x.{ending}", "x", layout(ending), _arrays.opener(), "get it")

    readers = {
        "manifest": lambda: manifestfile.read(tree.features("tiny")),
        "store": lambda: store.features("rgb", store.videos[0]),
        "part": lambda: parts.load("film", film),
        "part's warnings": lambda: parts.warnings("film", film),
        "labels": lambda: labels.read(tree.annotations("tiny") / "videos.json"),
        "run": lambda: cards.read(tmp_path),
        "weights of a backbone": lambda: checkpoint.read(tmp_path / f"{network}.safetensors"),
        **{ending: array(ending) for ending in ("npy", "npz", "h5", "csv")},
        "lines": lambda: _files.read_lines(tmp_path / "x.csv", "get it"),
        "table": lambda: _files.read_table(tmp_path / "x.csv", ("a",), "get it"),
        "JSON of a reader": lambda: _files.read_json(tmp_path / "x.csv", dict, "get it"),
        "table of labels": lambda: _table.read(tmp_path / "x.csv", "get it"),
        "JSON": lambda: content.read_bytes(tmp_path / "x.csv"),
        "writing": lambda: files.write(tmp_path / "new.json", "{}"),
        "film": lambda: next(Footage(film).frames(25.0, 32)),
        "length of a film": lambda: duration_s(film),
        "parameters": lambda: yamlfile.read(tmp_path / "x.csv", "mend it"),
    }  # fmt: skip
    said = {}
    with no_more_files():
        for name, read in readers.items():
            try:
                read()
            except Exception as error:
                said[name] = error
    for name in readers:
        assert isinstance(said.get(name), MachineError) and "`ulimit -n" in str(said[name]), (name, said.get(name))


def test_files_that_may_not_be_read_are_not_called_damaged(prepared, tmp_path, monkeypatch):
    run = experiment.runs(plan.of_rows(prepared[0], "tiny_table"), prepared[1])[0]
    network = next(iter(run.networks))
    save_file({"x": np.zeros(3)}, tmp_path / f"{network}.safetensors")
    tree = Tree(tmp_path)
    tree.metrics("table").parent.mkdir(parents=True)
    tree.metrics("table").write_text("{}")
    whole = Path.open

    def refuse(path, *given, **options):
        if path.suffix in (".safetensors", ".json", ".mp4"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return whole(path, *given, **options)

    film = write(tmp_path / "film.mp4", grey(8))
    monkeypatch.setattr(Path, "open", refuse)
    reads = {
        network: lambda: cards.load(run.card, tmp_path, network),
        "table.json": lambda: metrics.read("table", tree),
        "film.mp4": lambda: duration_s(film),
    }
    for name, read in reads.items():
        with pytest.raises(UserError, match=rf"{name}[^\n]* may not be opened by this user; [^\n]*`chmod`"):
            read()


class Refusing:
    """A file on a drive that fails."""

    def read(self, *_):
        raise OSError(errno.EIO, "Input/output error")

    readline = readinto = tell = fileno = read


def test_a_pickle_on_a_failing_drive():
    with pytest.raises(UserError, match=r"x\.pkl cannot be reached, .*; check the drive"):
        picklefile.load(Refusing(), Path("x.pkl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_where_features_are_written():
    file = StreamFile(Path("/dev/full"), 2, np.dtype("<f4"))
    for write_on in (lambda: file.append("a", np.zeros((10_000, 2), np.float32)), file.finish, file.close):
        with pytest.raises(MachineError, match="/dev/full cannot be written, as its disk is full; make room"):
            write_on()


def test_a_full_disk_is_named_where_parts_are_written(tmp_path, monkeypatch):
    def refuse(path, _):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    parts = Parts(tmp_path / "rgb", "a network", GRID)
    for save in (lambda: parts.save("a", Part(np.zeros((1, 2)), []), []), lambda: files.write(tmp_path / "rgb" / "a", "")):
        with pytest.raises(MachineError, match="disk is full; make room"):
            save()
    assert list((tmp_path / "rgb").iterdir()) == []


def test_commands_say_what_the_system_refused_wherever_it_did(monkeypatch, capsys):
    def refuse(_):
        raise OSError(errno.EROFS, "Read-only file system", "runs/mine")

    monkeypatch.setattr(cli, "_check", refuse)
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().err == (
        "wstal: runs/mine cannot be written, as its file system is read-only; name a path on another one.\n"
    )
