"""Small files that would fill the memory, run for ever or lead elsewhere are a sentence, at once and in little memory."""

import io
import pickle
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict

import h5py
import numpy as np
import pytest
import torch

from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.border import h5file, npzfile, picklefile
from wstal.datasets.readers import _arrays
from wstal.datasets.readers._arrays import ArrayLayout
from wstal.features.backbones import checkpoint

VALUES = np.arange(12, dtype=np.float32).reshape(4, 3)
MANY = 2**30  # float32, in 4 GiB


def header(shape, descr="<f4"):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": False, "shape": shape})
    return buffer.getvalue()


def zeros_npz(path):
    """4 GiB of zeros in 4 MB, as the archive states and the data would be."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        file.write(header((2**18, 4096)))
        for _ in range(256):
            file.write(bytes(2**22))
    return path


def member(content, method=zipfile.ZIP_DEFLATED, name="x.npy"):
    def make(path):
        with zipfile.ZipFile(path, "w", method) as archive:
            archive.writestr(name, content)
        return path

    return make


def h5(make):
    def write(path):
        with h5py.File(path, "w") as file:
            make(file)
        return path

    return write


def external_link(path):
    h5(lambda file: file.create_dataset("x", data=VALUES))(path.with_name("other.h5"))
    return h5(lambda file: file.update({"x": h5py.ExternalLink("other.h5", "x")}))(path)


def soft_link_to_it(path):
    external_link(path.with_name("between.h5"))
    return h5(lambda file: file.update({"y": h5py.ExternalLink("other.h5", "/"), "x": h5py.SoftLink("/y/x")}))(path)


def external_storage(path):
    (path.with_name("secret")).write_bytes(VALUES.tobytes())
    return h5(lambda file: file.create_dataset("x", (4, 3), "f4", external=[(str(path.with_name("secret")), 0, 48)]))(path)


def virtual(path):
    h5(lambda file: file.create_dataset("x", data=VALUES))(path.with_name("other.h5"))
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4, 3))
    return h5(lambda file: file.create_virtual_dataset("x", layout))(path)


ARRAYS = {
    "zeros.npz": (zeros_npz, "states .* of content in .* of file"),
    "huge shape.npz": (member(header((MANY, 100))), "states 400 GiB of content"),
    "negative shape.npz": (member(header((4, 3)).replace(b"(4, 3)", b"(-4,3)")), "is damaged"),
    "bzip2.npz": (member(header((4, 3)) + VALUES.tobytes(), zipfile.ZIP_BZIP2), "compressed in a way that NumPy never uses"),
    "lzma.npz": (member(header((4, 3)) + VALUES.tobytes(), zipfile.ZIP_LZMA), "compressed in a way that NumPy never uses"),
    "records.npz": (member(header((4,), [("a", "<f4")]) + bytes(16)), "no plain numbers"),
    "times.npz": (member(header((4,), "<M8[s]") + bytes(32)), "no plain numbers"),
    "huge shape.npy": (lambda path: path.write_bytes(header((MANY, 2**40))) and path, "is truncated"),
    "two arrays.npy": (
        lambda path: path.write_bytes(2 * (header((4, 3)) + VALUES.tobytes())) and path,
        "176 bytes follow its array",
    ),
    "one number less.npy": (lambda path: path.write_bytes(header((4, 3)) + VALUES.tobytes()[:-4]) and path, "it ends early"),
    "more than integers hold.npy": (lambda path: path.write_bytes(header((2**62, 3)) + bytes(12)) and path, "it ends early"),
    "long header.npy": (
        lambda path: path.write_bytes(b"\x93NUMPY\x02\x00" + (2**20).to_bytes(4, "little") + b"(" * 2**20) and path,
        "is truncated or no",
    ),
    "deep header.npy": (
        lambda path: path.write_bytes(b"\x93NUMPY\x01\x00" + (9000).to_bytes(2, "little") + b"[" * 9000) and path,
        "is truncated or no",
    ),
    "no axes.npy": (lambda path: path.write_bytes(header(()) + bytes(4)) and path, r"the shape is \(\)"),
    "no entries.npy": (lambda path: path.write_bytes(header((0, 3))) and path, None),
    "unwritten.h5": (
        h5(lambda file: file.create_dataset("x", (2**20, 2**20), "f4", chunks=(64, 64))),
        "states 4096 GiB of content",
    ),
    "zeros.h5": (
        h5(lambda file: file.create_dataset("x", data=np.zeros((2**15, 2**10), "f4"), compression=9)),
        "states .* of content",
    ),
    "huge chunk.h5": (
        h5(lambda file: file.create_dataset("x", (4, 3), "f4", maxshape=(None, None), chunks=(2**14, 2**15))),
        "states 2 GiB of",
    ),
    "link.h5": (external_link, "is a link to another place, which is not followed"),
    "soft link.h5": (soft_link_to_it, "is a link to another place, which is not followed"),
    "storage.h5": (external_storage, "lies in other files, which are not read"),
    "virtual.h5": (virtual, "lies in other files, which are not read"),
    "objects.h5": (
        h5(lambda file: file.create_dataset("x", data=[["a"], ["b"]], dtype=h5py.string_dtype())),
        "holds pickled objects|no plain",
    ),
    "records.h5": (h5(lambda file: file.create_dataset("x", (4, 3), np.dtype([("a", "f4")]))), "no plain numbers"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays(tmp_path, case):
    make, sentence = ARRAYS[case]
    path = make(tmp_path / f"x.{case.rpartition('.')[2]}")
    key = "x" if path.suffix in (".npz", ".h5") else None
    begin = time.perf_counter()
    read = lambda: _arrays.load(path, key or "", ArrayLayout(path=path.name, key=key), _arrays.opener(), "get it")  # noqa: E731
    if sentence is None:
        assert read().shape == (0, 3)
    else:
        with pytest.raises(UserError, match=rf"x\.[^\n]*({sentence})[^\n]*\.$"):
            read()
    assert time.perf_counter() - begin < 15


def deep_groups(path):
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(2000):  # HDF5 itself walks such a file for minutes
            group = group.create_group("g")
        group["x"] = VALUES
    return path


def test_groups_nest_no_deeper_than_data_does(tmp_path):
    path, begin = deep_groups(tmp_path / "x.h5"), time.perf_counter()
    with h5file.opened(path) as archive, pytest.raises(UserError, match=r"x\.h5 nests groups deeper than 64 levels"):
        h5file.keys(path, archive)
    assert time.perf_counter() - begin < 5


def test_names_of_arrays_in_groups_that_lead_back_and_elsewhere(tmp_path):
    def make(file):
        file["b/rgb"], file["a"], file["text"] = VALUES, VALUES, "no array"
        file["b/up"] = file["/"]
        file["soft"] = h5py.SoftLink("/b/rgb")
        file["other"] = h5py.ExternalLink("nowhere.h5", "x")

    path = h5(make)(tmp_path / "x.h5")
    with h5file.opened(path) as archive:
        assert h5file.keys(path, archive) == ["a", "b/rgb", "other"]
        with pytest.raises(UserError, match="'other' is a link to another place"):
            h5file.read(path, "other", archive)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_array_that_is_there_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        for values in (VALUES, 2 * VALUES):
            archive.writestr("x.npy", header(VALUES.shape) + values.tobytes())
    with pytest.raises(UserError, match=r"x\.npz holds 'x\.npy' twice, where one would be lost"):
        npzfile.opened(tmp_path / "x.npz")


def test_an_encrypted_member_is_a_sentence(tmp_path):
    path = member(header((4, 3)) + VALUES.tobytes(), zipfile.ZIP_STORED)(tmp_path / "x.npz")
    data = bytearray(path.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"array 'x' is damaged .it is encrypted"):
        npzfile.read(path, "x", npzfile.opened(path))


def test_good_compression_is_read(tmp_path):
    sparse = np.zeros((2000, 1024), np.float32)
    sparse[::7, ::11] = 1.5
    np.savez_compressed(tmp_path / "x.npz", x=sparse)
    assert (npzfile.read(tmp_path / "x.npz", "x", npzfile.opened(tmp_path / "x.npz")) == sparse).all()
    h5(lambda file: file.create_dataset("a/x", data=sparse, compression="gzip"))(tmp_path / "x.h5")
    assert (h5file.read(tmp_path / "x.h5", "a/x", h5file.opened(tmp_path / "x.h5")) == sparse).all()


def laughs(levels, last=b"N"):
    """A list of ten lists of ten lists ..., each stored once."""
    inner = b"(l" + b"".join(b"p%d\n0(" % i + b"g%d\n" % i * 10 + b"l" for i in range(levels)) + b"."
    return inner


def nested(levels):
    return b"N" + b"\x85" * levels + b"."


def tuple_key(levels):
    return b"\x80\x02}N" + b"\x85" * levels + b"Ns."


PICKLES = {
    "place in the memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "another place": b"\x80\x02Np2000000000\n.",
    "bytes": b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b".",
    "text": b"\x80\x02X" + (2**31).to_bytes(4, "little") + b".",
    "number": b"\x80\x02\x8b\xff\xff\xff\x7f.",
    "digits": b"I" + b"9" * 5000 + b"\n.",
    "frame": b"\x80\x04\x95" + (2**50).to_bytes(8, "little") + b"N.",
    "byte array": b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b".",
    "laughs": laughs(12),
    "more laughs": laughs(60),
    "tuples in tuples": nested(1_000_000),
    "a key of tuples": tuple_key(1_000_000),
    "a list in itself": b"(lp0\ng0\na.",
    "a mapping in itself": b"(dp0\nNg0\ns.",
    "a set": pickle.dumps({1, 2}, 4),
    "no end": b"(" * 10_000,
    "lists in lists": b"]" * 100_000 + b"a" * 99_999 + b".",
    "wide entries": pickle.dumps(np.zeros(1), 2).replace(b"f8", b"S9"),
}


@pytest.mark.parametrize("ending", ["pkl", "ckpt", "pth", "npy"])
@pytest.mark.parametrize("case", PICKLES)
def test_pickles(tmp_path, case, ending):
    path = tmp_path / f"x.{ending}"
    path.write_bytes((header((), "|O") if ending == "npy" else b"") + PICKLES[case])
    begin = time.perf_counter()
    with pytest.raises(UserError, match=rf"x\.{ending} [^\n]*\.$"):
        picklefile.load_objects(path, "get it") if ending == "npy" else checkpoint.read(path)
    assert time.perf_counter() - begin < 15


def torch_file(make, legacy=False):
    buffer = io.BytesIO()
    torch.save(make, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def deflated(data):
    """The same archive with its members compressed: of zeros, nearly nothing."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
    ):
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    return buffer.getvalue()


class Calls:
    """Something that a pickle asks for."""

    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


inside = [torch.zeros(2)]
for _ in range(40):
    inside = [inside] * 10
TORCH = {
    "zeros that are compressed": deflated(torch_file({"x": torch.zeros(2**26)})),
    "one value that states to be many": torch_file({"x": torch.zeros(()).expand(2**20, 2**20)}),
    "lists of lists": torch_file({"x": inside}),
    "bytes by number": torch_file({"x": Calls(bytearray, 2**34)}),
    "bytes by number, of old": torch_file({"x": Calls(bytearray, 2**34)}, legacy=True),
    "a storage by number": torch_file({"x": Calls(torch.FloatStorage, 2**36)}),
}


@pytest.mark.parametrize("case", TORCH)
def test_checkpoints(tmp_path, case):
    (tmp_path / "x.pth").write_bytes(TORCH[case])
    begin = time.perf_counter()
    with pytest.raises(UserError, match=r"x\.pth [^\n]*\.$"):
        checkpoint.read(tmp_path / "x.pth")
    assert time.perf_counter() - begin < 15


def test_good_checkpoints_are_read(tmp_path):
    state = OrderedDict(
        a=torch.arange(6.0).reshape(2, 3).T, b=torch.zeros(1, dtype=torch.bfloat16), c=torch.nn.Parameter(torch.ones(2))
    )
    whole = {
        "state_dict": state,
        "optimizer": {"lr": 0.1, "betas": (0.9, 0.99)},
        "epoch": 3,
        "size": torch.Size([1, 2]),
        "kind": torch.float16,
    }
    for legacy in (False, True):
        (tmp_path / "x.pth").write_bytes(torch_file(whole, legacy))
        found = checkpoint.read(tmp_path / "x.pth")
        assert {name: x.tolist() for name, x in found.items()} == {name: x.tolist() for name, x in state.items()}


READ = """
import sys
from pathlib import Path
from wstal.base.errors import UserError
from wstal.border import checkpointfile, npzfile, picklefile
path = Path(sys.argv[1])
try:
    npzfile.read(path, "x", npzfile.opened(path)) if path.suffix == ".npz" else checkpointfile.load_pickle(path)
except UserError:
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("case", ["npz", "place in the memo", "bytes", "byte array"])
def test_little_memory_is_used(tmp_path, case):
    """In a process of its own, which has 300 MB for NumPy and all else."""
    path = zeros_npz(tmp_path / "x.npz") if case == "npz" else tmp_path / "x.pkl"
    if case != "npz":
        path.write_bytes(PICKLES[case])
    done = subprocess.run([sys.executable, "-c", READ, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 300 * 1024, done.stderr
