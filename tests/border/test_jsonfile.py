"""JSON comes in whole: no key is lost, and reading it costs no more for that."""

import json
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstal.base.errors import UserError
from wstal.border import jsonfile
from wstal.data import labels
from wstal.datasets.readers import _database, _files
from wstal.detect import detections
from wstal.evaluation import truth

ROW = '[{"label": "Jump", "score": 0.5, "segment": [1, 5]}]'
TWICE = {
    "a video of predictions": (f'{{"results": {{"a": {ROW}, "b": [], "a": []}}}}', detections.read_json, "a"),
    "results": (f'{{"results": {{"a": {ROW}}}, "results": {{}}}}', detections.read_json, "results"),
    "a score": (
        '{"results": {"a": [{"label": "J", "score": 1, "score": 0.1, "segment": [1, 5]}]}}',
        detections.read_json,
        "score",
    ),
    "inside external data": (f'{{"results": {{"a": {ROW}}}, "external_data": {{"u": 1, "u": 2}}}}', detections.read_json, "u"),
    "beside a colon": (f'{{"version": "1:3", "results": {{"a:b": {ROW}, "a:b": []}}}}', detections.read_json, "a:b"),
    "spelled in two ways": (f'{{"results": {{"a": {ROW}, "\\u0061": []}}}}', detections.read_json, "a"),
    "beside an escaped colon": (f'{{"x": "\\u003a", "results": {{"a": {ROW}, "a": []}}}}', detections.read_json, "a"),
    "beside NaN": ('{"results": {"a": [], "a": [{"label": "J", "score": NaN, "segment": [1, 5]}]}}', detections.read_json, "a"),
    "a video of annotations": (
        '{"database": {"a": {"annotations": []}, "b": {"annotations": []}, "a": {"annotations": []}}}',
        lambda path: _database.read(path, "get it"),
        "a",
    ),
    "a key that is passed over": (
        '{"database": {"a": {"url": "x", "annotations": [], "url": "y"}}}',
        lambda path: _database.read(path, "get it"),
        "url",
    ),
    "a video of the truth": (
        '{"database": {"a": {"subset": "t", "annotations": [{"label": "J", "segment": [0, 1]}]}, "a": {}}}',
        lambda path: truth.read(path, subset=None, preferred=("t",), ambiguous_label=None),
        "a",
    ),
    "a duration": ('{"v": 1.5, "w": 2, "v": 3}', lambda path: _files.read_json(path, dict[str, float], "get it"), "v"),
    "labels": ('{"classes": [], "videos": [], "classes": ["x"]}', labels.read, "classes"),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_key_that_stands_twice_is_refused(tmp_path, case):
    text, read, key = TWICE[case]
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"x\.json: the key '{key}' stands twice in one object, .*; keep one of them\.$"):
        read(path)


def test_lines_are_named_where_they_tell(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{\n "a": 1,\n "b": 2,\n "a": 3\n}')
    with pytest.raises(UserError, match=r"the key 'a' stands twice, in lines 2 and 4, in one object"):
        jsonfile.decode(path.read_bytes(), path)


nested = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from(["a", "b", ":", "a:", '"', "\\"]), inner), max_size=3).map(
            lambda pairs: ("object", pairs)
        )
    ),
    max_leaves=12,
)


def written(value, spaces):
    if isinstance(value, tuple):
        return "{" + ",".join(f"{json.dumps(key)}{spaces}:{written(inner, spaces)}" for key, inner in value[1]) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(inner, spaces) for inner in value) + "]"
    return json.dumps(value)


def is_twice(value):
    if isinstance(value, tuple):
        return len({key for key, _ in value[1]}) < len(value[1]) or any(is_twice(inner) for _, inner in value[1])
    return isinstance(value, list) and any(map(is_twice, value))


@settings(max_examples=400)
@given(nested, st.sampled_from(["", " ", "\n"]))
def test_a_key_is_found_twice_exactly_where_it_is(value, spaces):
    data = written(value, spaces).encode()
    try:
        jsonfile.decode(data, "x.json")
    except UserError as error:
        assert is_twice(value) and "stands twice" in str(error)
    else:
        assert not is_twice(value)


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, '{"a":' * 100_000, "9" * 5000, '"\\ud800"', '{"a": NaN, "b": "\\udfff"}', "", "\0", "{]", "\ufffe", "nul"],
)
def test_what_is_no_json_is_a_sentence(tmp_path, text):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"x\.json is not JSON or was cut short .*; write or copy the file again"):
        jsonfile.decode(path.read_bytes(), path)
    for read in (lambda: detections.read_json(path), lambda: _database.read(path, "get it"), lambda: labels.read(path)):
        with pytest.raises(UserError, match=r"x\.json"):
            read()


def test_many_keys_are_looked_at_in_no_time():
    """The last of 200,000 keys stands twice, once in the text and once as its own escape."""
    data = ("{" + ",".join(f'"k{i}": {i}' for i in range(200_000)) + ', "k199999": 0}').encode()
    begin = time.perf_counter()
    with pytest.raises(UserError, match="k199999"):
        jsonfile.decode(data, "x.json")
    assert time.perf_counter() - begin < 5


def test_good_json_is_decoded_once(monkeypatch):
    """No second look, which would cost as much as the first, at what was decoded whole."""
    monkeypatch.setattr(jsonfile.json, "loads", None)
    monkeypatch.setattr(jsonfile, "_left", None)
    value = {"a": {"url": "https://x.org/a:b", "t": "12:30"}, "b": [{"a": 1}, {"a": 2}]}
    assert jsonfile.decode(msgspec.json.encode(value), "x.json") == value
    assert jsonfile.parse(b'{"x": 1.5}', dict[str, float], "x.json", "is bad", "mend it") == {"x": 1.5}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b" \n", "it is empty"),
        ('{"a": 1}'.encode("utf-16"), "it is in UTF-16 or UTF-32, or no text; save it as UTF-8"),
        ('{"a": 1}'.encode("utf-32-be"), "it is in UTF-16 or UTF-32"),
        (b"[" * 100_000, "it nests deeper than data does"),
        (b'{"a":' * 100_000, "it nests deeper than data does"),
        (b"[" + b"9" * 6000 + b"]", r"\(4300 digits\) for integer string conversion: value has 6000 digits\)"),
    ],
)
def test_the_sentence_says_what_is_wrong_with_the_text(tmp_path, data, said):
    with pytest.raises(UserError, match=f"x.json is not JSON .*{said}"):
        jsonfile.decode(data, tmp_path / "x.json")
    if b"9" not in data:
        with pytest.raises(UserError, match=f"x.json is odd .*{said}.*; mend it"):
            jsonfile.convert(data, object, "x.json", "is odd", "mend it")
