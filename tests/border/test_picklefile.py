"""Object arrays come in whole, from either Python; nothing else in a pickle has any effect."""

import io
import os
import pickle
import pickletools
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstal.base.errors import UserError
from wstal.border import picklefile
from wstal.border.picklefile import load_objects

NPY = io.BytesIO()
np.lib.format.write_array_header_1_0(NPY, {"descr": "|O", "fortran_order": False, "shape": (2,)})
HEADER = NPY.getvalue()  # of an .npy file with an object array (2,)


def python2(value) -> bytes:
    """Opcodes that Python 2's pickle writes for str, float and list (protocol 2)."""
    if isinstance(value, bytes):
        return b"U" + bytes([len(value)]) + value
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    return b"](" + b"".join(map(python2, value)) + b"e"


def python2_file(path: Path, items: list) -> Path:
    """An object array as NumPy under Python 2 saved it, byte for byte the published layout."""
    path.write_bytes(
        HEADER.replace(b"(2,)", b"(%d,)" % len(items))
        + b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + b"K%c\x85" % len(items)
        + b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89"
        + python2(items)
        + b"tb."
    )
    return path


def objects(items: list) -> np.ndarray:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def saved(path: Path, payload: bytes) -> Path:
    """An .npy file whose header promises an object array (2,) and whose pickle is `payload`."""
    path.write_bytes(HEADER + payload)
    return path


def load(path: Path) -> np.ndarray:
    return load_objects(path, "download it")


def same(a, b) -> bool:
    """Equal in value and type, arrays included."""
    if isinstance(b, np.ndarray):
        return a.dtype == b.dtype.newbyteorder("=") and np.array_equal(a, b)  # NumPy swaps to the native order
    if isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_python2_strings_are_bytes(tmp_path):
    items = [[b"Diving", b"CliffDiving"], [b"Billiards"], []]
    assert load(python2_file(tmp_path / "labels.npy", items)).tolist() == items
    times = [[[0.5, 1.25], [3.0, 4.0]], [[7.5, 9.0]]]
    assert load(python2_file(tmp_path / "segments.npy", times)).tolist() == times


plain = st.recursive(
    st.text(max_size=5) | st.binary(max_size=5) | st.floats(allow_nan=False) | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
arrays = st.sampled_from("f2 f4 >f4 f8 i8 u1 U3 S4 ?".split()).map(lambda code: np.arange(6).reshape(2, 3).astype(code))
scalars = st.sampled_from([np.float32(0.1), np.int64(7), np.str_("Diving"), np.bytes_(b"x")])


@settings(max_examples=60, deadline=None)
@given(items=st.lists(plain | arrays | scalars, min_size=1, max_size=4), protocol=st.sampled_from([2, 3, 4]))
def test_round_trip_of_python3_files(tmp_path_factory, items, protocol):
    path = tmp_path_factory.mktemp("npy") / "items.npy"
    head = HEADER.replace(b"(2,)", b"(%d,)" % len(items))
    path.write_bytes(head + pickle.dumps(objects(items), protocol=protocol))
    assert same(load(path).tolist(), items)


def test_numpy_itself_writes_what_is_read(tmp_path):
    items = [np.arange(6, dtype=np.float32).reshape(3, 2), np.asfortranarray(np.eye(3)), np.zeros((0, 2))]
    np.save(tmp_path / "features.npy", objects(items), allow_pickle=True)
    assert all(map(np.array_equal, load(tmp_path / "features.npy"), items))


def test_plain_array_is_memory_mapped(tmp_path):
    np.save(tmp_path / "names.npy", np.array([b"a", b"bc"]))
    array = load(tmp_path / "names.npy")
    assert isinstance(array, np.memmap) and array.tolist() == [b"a", b"bc"]


class Evil:
    def __init__(self, call, *arguments):
        self.call = call, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("depth", [0, 1])
def test_malicious_pickle_runs_nothing(tmp_path, protocol, depth):
    marker = tmp_path / "ran"
    evil = Evil(os.mkdir, str(marker))
    content = evil if depth == 0 else objects([[1.0], [evil]])
    path = saved(tmp_path / "labels.npy", pickle.dumps(content, protocol=protocol))
    with pytest.raises(UserError, match=r"labels\.npy asks to run \w+\.mkdir, .*; get it from its authors again"):
        load(path)
    assert not marker.exists()
    np.load(path, allow_pickle=True)
    assert marker.exists(), "the fixture does not attack"


FORBIDDEN = [
    b"cbuiltins\neval\n.",
    b"cnumpy\nload\n.",
    b"cnumpy.core.multiarray\nfromfile\n.",
    b"cnumpy.lib\nformat.read_array\n.",
    b"\x80\x04\x8c\x05numpy\x8c\x12ndarray.__reduce__\x93.",
    b"cwstal.readers.unpickle\n_Array\n.",
]


@pytest.mark.parametrize("payload", FORBIDDEN)
def test_every_other_global_is_refused(tmp_path, payload):
    with pytest.raises(UserError, match=r"labels\.npy asks to run .*; get it from its authors again"):
        load(saved(tmp_path / "labels.npy", payload))


DTYPE = b"cnumpy\ndtype\n(C\x02%bI0\nI1\ntR(I3\nC\x01%bNNNI-1\nI-1\nI0\ntb"
OBJECTS, FLOATS = DTYPE % (b"O8", b"|"), DTYPE % (b"f8", b"<")
EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntC\x01btR"
ENCODE = b"c_codecs\nencode\n"


def array(shape: bytes, dtype: bytes, data: bytes) -> bytes:
    """Opcodes of an array with the state given, be it consistent or not."""
    return EMPTY + b"(I1\n(" + shape + b"t" + dtype + b"I00\n" + data + b"tb"


def holding(item: bytes) -> bytes:
    """A pickle of a good object array (2,) with `item` in it."""
    return b"\x80\x03" + array(b"I2\n", OBJECTS, b"(" + item + b"I1\nl") + b"."


DAMAGED = {
    "not an array": pickle.dumps([1, 2]),
    "another shape": pickle.dumps(objects([1, 2, 3])),
    "another dtype": pickle.dumps(np.ones(2)),
    "short list": holding(array(b"I4\n", OBJECTS, b"(I1\nl")),
    "long list": holding(array(b"I1\n", OBJECTS, b"(I1\nI2\nl")),
    "short data": holding(array(b"I2\n", FLOATS, b"C\x01x")),
    "negative shape": holding(array(b"I-2\nI-1\n", FLOATS, b"C\x10abcdefghabcdefgh")),
    "array without dtype": holding(array(b"I2\n", b"N", b"(I1\nI2\nl")),
    "void dtype": holding(DTYPE % (b"V8", b"|")),
    "dtype with fields": holding(b"cnumpy\ndtype\n(C\x02f8tR(I3\nC\x01<N(C\x01xt}I-1\nI-1\nI0\ntb"),
    "scalar of objects": holding(b"cnumpy.core.multiarray\nscalar\n(" + OBJECTS + b"C\x08abcdefghtR"),
    "another codec": holding(ENCODE + b"(X\x01\x00\x00\x00xX\x05\x00\x00\x00utf-7tR"),
    "setting a stand-in": holding(ENCODE + b"(N}X\x05\x00\x00\x00evil_I1\nstb"),
    "setting the array": holding(b"cnumpy\nndarray\n(N}X\x05\x00\x00\x00evil_I1\nstb"),
    "nothing": b"",
    "noise": b"\xff\x00noise",
}


def test_the_damaged_files_below_are_good_without_the_damage(tmp_path):
    good = holding(array(b"I1\nI2\n", FLOATS, b"C\x10" + np.array([1.0, 2.0]).tobytes()))
    assert np.array_equal(load(saved(tmp_path / "labels.npy", good))[0], [[1.0, 2.0]])
    good = holding(ENCODE + b"(X\x01\x00\x00\x00xX\x06\x00\x00\x00latin1tR")
    assert load(saved(tmp_path / "labels.npy", good)).tolist() == [b"x", 1]


@pytest.mark.parametrize("payload", DAMAGED.values(), ids=DAMAGED)
def test_damaged_pickle(tmp_path, payload):
    with pytest.raises(UserError, match=r"labels\.npy is (truncated or )?damaged .*; download it again\."):
        load(saved(tmp_path / "labels.npy", payload))


def test_no_npy_file(tmp_path):
    path = tmp_path / "labels.npy"
    with pytest.raises(UserError, match=r"labels\.npy is missing; download it\."):
        load(path)
    for content in (b"", b"garbage", b"\x93NUMPY\x09\x09", HEADER[:40]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"labels\.npy is truncated or no \.npy file; download it again\."):
            load(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_flipped_or_missing_byte_is_at_worst_a_sentence(tmp_path_factory, data):
    buffer = io.BytesIO()
    np.save(buffer, objects([np.ones((2, 2), dtype=np.float32), [b"Diving", "x", np.float64(1.5)]]), allow_pickle=True)
    content = bytearray(buffer.getvalue())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] = data.draw(st.integers(0, 255))
    else:
        del content[at:]
    path = tmp_path_factory.mktemp("npy") / "items.npy"
    path.write_bytes(content)
    try:
        load(path)
    except UserError as error:
        assert "items.npy" in str(error) and "; " in str(error)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60) | st.binary(max_size=60),
    lambda inner: st.lists(inner, max_size=5) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=30,
)


@given(VALUES, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_every_instruction_is_looked_at(value, protocol):
    """As pickletools reads them: the scan ends where the pickle does, and sees one that is put between any two."""
    data = pickle.dumps(value, protocol=protocol)
    assert picklefile.scan(data + b"more") == len(data)
    places = [place for _, _, place in pickletools.genops(data)]
    for place in places:
        with pytest.raises(pickle.UnpicklingError, match="instruction PERSID"):
            picklefile.scan(data[:place] + b"Pid\n" + data[place:])


def test_places_of_the_memo_are_within_the_file():
    assert picklefile.scan(b"\x80\x02Nr\x00\x01\x00\x00" + b"0N" * 200 + b".") == 409
    for code in (b"r\xff\xff\xff\x00", b"r\x00\x00\x01\x00", b"p100000\n"):
        with pytest.raises(pickle.UnpicklingError, match=r"place [0-9]+ of the memo in [0-9]+ bytes"):
            picklefile.scan(b"\x80\x02N" + code + b".")


@pytest.mark.parametrize("many", [picklefile.MOST_TUPLES, picklefile.MOST_TUPLES + 1])
@pytest.mark.parametrize("order", [0, 1])
def test_many_tuples_stand_beside_no_mapping(many, order):
    parts = [b"N\x85" * many, b"}NNs"]
    data = b"\x80\x02" + b"".join(parts[:: 1 - 2 * order]) + b"."
    if many > picklefile.MOST_TUPLES:
        with pytest.raises(pickle.UnpicklingError, match="tuples beside mappings"):
            picklefile.scan(data)
    else:
        assert picklefile.scan(data) == len(data)
    assert picklefile.scan(b"\x80\x02" + parts[0] + b".") == 2 * many + 3
