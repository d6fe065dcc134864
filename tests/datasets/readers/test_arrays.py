"""Feature files of every ending: the same array comes out, and what is wrong with a file is one sentence."""

import h5py
import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.border import h5file
from wstal.datasets.readers import _arrays
from wstal.datasets.readers._arrays import ArrayLayout

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3) / 8  # (T, D) = (4, 3)
CURE = "get it from its authors"


def load(path, key="", **layout):
    layout = ArrayLayout(path=path.name, key=key or None, **layout)
    return _arrays.load(path, key, layout, _arrays.opener(), CURE)


def write_npy(path, array):
    np.save(path, array)
    return path


def write_npz(path, save=np.savez, **arrays):
    save(path, **arrays)
    return path


def write_h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return path


def write_csv(path, text):
    path.write_text(text, encoding="utf-8")
    return path


ROWS = "\n".join(",".join(map(str, row)) for row in VALUES) + "\n"

MADE = {
    "npy": lambda folder: (write_npy(folder / "a.npy", VALUES), "", {}),
    "npz": lambda folder: (write_npz(folder / "a.npz", feature=VALUES, frames=np.array(7)), "feature", {}),
    "compressed npz": lambda folder: (write_npz(folder / "a.npz", save=np.savez_compressed, x=VALUES), "x", {}),
    "h5": lambda folder: (write_h5(folder / "a.h5", a=VALUES, b=-VALUES), "a", {}),
    "hdf5 group": lambda folder: (write_h5(folder / "a.hdf5", **{"a/rgb": VALUES}), "a/rgb", {}),
    "csv": lambda folder: (write_csv(folder / "a.csv", ROWS), "", {}),
    "csv with a heading": lambda folder: (write_csv(folder / "a.csv", "f0,f1,f2\n" + ROWS), "", {"header_lines": 1}),
    "csv, numbers as heading": lambda folder: (write_csv(folder / "a.csv", "0,1,2\n" + ROWS), "", {"header_lines": 1}),
    "D, T": lambda folder: (write_npy(folder / "a.npy", VALUES.T), "", {"axes": "DT"}),
    "1, T, D": lambda folder: (write_npy(folder / "a.npy", VALUES[None]), "", {"axes": "1TD"}),
    "1, D, T": lambda folder: (write_h5(folder / "a.h5", a=VALUES.T[None]), "a", {"axes": "1DT"}),
    "T, 1, D, 1, 1": lambda folder: (write_npy(folder / "a.npy", VALUES[:, None, :, None, None]), "", {"axes": "T1D11"}),
    "columns": lambda folder: (
        write_npy(folder / "a.npy", np.hstack([VALUES[:, :1], VALUES])), "", {"columns": [1, 4], "dim": 4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_the_same_array_comes_out(name, tmp_path):
    path, key, layout = MADE[name](tmp_path)
    found = load(path, key, **layout)
    assert found.dtype == np.float32 and np.array_equal(found, VALUES)
    assert str(found.filename) == str(path)


def test_npy_stays_on_disk(tmp_path):
    path = write_npy(tmp_path / "a.npy", VALUES.T[None])
    assert isinstance(load(path, axes="1DT", columns=(0, 2)), np.memmap)


def test_every_axes_is_undone():
    rng = np.random.default_rng(0)
    for axes in ("TD", "DT", "1TD", "T1D", "TD1", "D11T", "1D1T1"):
        shape = [{"T": 4, "D": 3, "1": 1}[axis] for axis in axes]
        array = rng.normal(size=shape)
        found = _arrays.arranged(array, ArrayLayout(path="a.npy", axes=axes), "a")
        squeezed = array.squeeze()
        assert np.array_equal(found, squeezed if axes.index("T") < axes.index("D") else squeezed.T)


def test_an_archive_is_opened_once(tmp_path, monkeypatch):
    path, opened = write_h5(tmp_path / "a.h5", a=VALUES, b=-VALUES), []
    original = h5py.File
    monkeypatch.setattr(h5file.h5py, "File", lambda *args: opened.append(args) or original(*args))
    archive, layout = _arrays.opener(), ArrayLayout(path="a.h5", key="{video}")
    monkeypatch.setattr(h5file, "missing", lambda *_: [])
    monkeypatch.setattr(h5file, "read", lambda path, key, file: file[key][()])
    assert np.array_equal(_arrays.load(path, "a", layout, archive, CURE), -_arrays.load(path, "b", layout, archive, CURE))
    assert len(opened) == 1


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def flipped(path):
    """One bit of the data is another."""
    content = bytearray(path.read_bytes())
    content[content.index(VALUES.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    return path


class Trap:
    """A pickle that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def trapped(folder):
    return np.array([Trap(str(folder / "ran"))], dtype=object)


BAD = {
    "no npy": (lambda f: f / "a.npy", "", {}, r"a\.npy is missing; get it"),
    "no npz": (lambda f: f / "a.npz", "x", {}, r"a\.npz is missing; get it"),
    "no h5": (lambda f: f / "a.h5", "x", {}, r"a\.h5 is missing; get it"),
    "no csv": (lambda f: f / "a.csv", "", {}, r"a\.csv is missing; get it"),
    "cut npy": (lambda f: cut(write_npy(f / "a.npy", VALUES), 0.9), "", {}, r"a\.npy is truncated .*; download"),
    "cut npz": (lambda f: cut(write_npz(f / "a.npz", x=VALUES)), "x", {}, r"a\.npz is truncated or no \.npz file .*; download"),
    "cut h5": (lambda f: cut(write_h5(f / "a.h5", x=VALUES)), "x", {}, r"a\.h5 is truncated or no \.h5 file .*; download"),
    "cut csv": (lambda f: write_csv(f / "a.csv", ROWS[:-7]), "", {}, r"a\.csv is not a line of numbers .*columns.*; set"),
    "heading": (lambda f: write_csv(f / "a.csv", "f0,f1\n1,2\n"), "", {}, r"a\.csv .*'f0'.*; set `header_lines`"),
    "noise in csv": (lambda f: write_npy(f / "x.npy", VALUES).rename(f / "a.csv"), "", {}, r"a\.csv is not a line of numbers"),
    "web page": (lambda f: write_csv(f / "a.h5", "<html>404</html>"), "x", {}, r"a\.h5 is truncated or no \.h5 file"),
    "flipped bit": (lambda f: flipped(write_npz(f / "a.npz", x=VALUES)), "x", {}, r"a\.npz: array 'x' is damaged .*CRC"),
    "no such array": (lambda f: write_npz(f / "a.npz", x=VALUES), "y", {}, r"a\.npz has no array 'y'; get it"),
    "no such dataset": (lambda f: write_h5(f / "a.h5", x=VALUES), "y/rgb", {}, r"a\.h5 has no array 'y/rgb'; get it"),
    "a group": (lambda f: write_h5(f / "a.h5", **{"x/rgb": VALUES}), "x", {}, r"a\.h5: 'x' is no array; name one with `key`"),
    "a number": (lambda f: write_h5(f / "a.h5", x=3.0), "x", {}, r"a\.h5: 'x' is no array; name one with `key`"),
    "pickle in npy": (lambda f: write_npy(f / "a.npy", trapped(f)), "", {}, r"a\.npy holds pickled objects; save it again"),
    "pickle in npz": (lambda f: write_npz(f / "a.npz", x=trapped(f)), "x", {}, r"a\.npz: array 'x' holds pickled"),
    "batch axis": (lambda f: write_npy(f / "a.npy", VALUES[None]), "", {}, r"a\.npy: .*\(1, 4, 3\), not .*`axes: TD`.*; mend"),
    "ten crops": (
        lambda f: write_npz(f / "a.npz", x=np.stack([VALUES] * 10)), "x", {"axes": "1TD"},
        r"a\.npz, array 'x': the shape is \(10, 4, 3\), not that of `axes: 1TD`.*; mend `axes`",
    ),
    "width": (lambda f: write_npy(f / "a.npy", VALUES.T), "", {"dim": 3}, r"a\.npy: a snippet has 4 features, .*`dim: 3`"),
    "columns": (
        lambda f: write_npy(f / "a.npy", VALUES), "", {"columns": [2, 4]}, r"a\.npy: a snippet has 3 .*`columns: \[2, 4\]`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_sentence(name, tmp_path):
    make, key, layout, sentence = BAD[name]
    path = make(tmp_path)
    with pytest.raises(UserError, match=rf"^[^\n]*{sentence}[^\n]*\.$"):
        load(path, key, **layout)
    assert not (tmp_path / "ran").exists()


def test_the_trap_is_one(tmp_path):
    """Read as NumPy would by `allow_pickle=True`, the file of the tests above runs code."""
    path = write_npy(tmp_path / "a.npy", trapped(tmp_path))
    np.load(path, allow_pickle=True)[0].close()
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        ({"path": "{video}.pkl"}, r"'\{video\}\.pkl' ends in '\.pkl'; save features as one of \.csv.* never as pickles"),
        ({"path": "{video}"}, r"ends in 'nothing'; save"),
        ({"path": "{video}.npz"}, r"'\{video\}\.npz': give `key`"),
        ({"path": "{video}.npy", "key": "x"}, r"'\{video\}\.npy': give `key` for \.npz and \.h5 files, and for no other"),
        ({"path": "{video}.npy", "columns": (3, 3)}, r"`columns` are \[first, end\); mend \(3, 3\)"),
    ],
)
def test_layouts_that_cannot_be(layout, sentence):
    with pytest.raises(UserError, match=rf"^params\.yaml: [^\n]*{sentence}[^\n]*\.$"):
        ArrayLayout(**layout)
