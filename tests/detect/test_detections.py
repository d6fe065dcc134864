"""Result files in and out."""

import json

import numpy as np
import pytest

from tests.made import make_detections, rows_of
from wstal.base.errors import UserError
from wstal.base.types import Detections
from wstal.detect.detections import of_videos, read_json, write_json

ROW = {"label": "x", "score": 0.5, "segment": [1, 2.5]}


def saved(tmp_path, results) -> object:
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps({"results": results}))
    return path


def test_read_keeps_the_order_of_the_file(tmp_path):
    results = {"b": [ROW, {**ROW, "label": "y", "score": 1}], "none": [], "a": [{**ROW, "segment": [0, 0], "extra": 1}]}
    d = read_json(saved(tmp_path, results))
    assert d.videos == ("b", "none", "a") and d.labels == ("x", "y")
    assert rows_of(d) == [("b", "x", 1, 2.5, 0.5), ("b", "y", 1, 2.5, 1), ("a", "x", 0, 0, 0.5)]
    assert [d.video.dtype, d.label.dtype, d.start_s.dtype, d.score.dtype] == [np.int32] * 2 + [np.float64] * 2


def test_read_no_detections(tmp_path):
    for results in ({}, {"a": []}):
        assert len(read_json(saved(tmp_path, results))) == 0


def test_read_ignores_a_byte_order_mark(tmp_path):
    path = saved(tmp_path, {"a": [ROW]})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_json(path)) == 1


def test_written_bytes_are_canonical(tmp_path):
    d = Detections(
        videos=("b", "é", "a"),
        labels=("y", "x"),
        video=np.array([0, 0, 0, 0, 2, 2], dtype=np.int32),
        label=np.array([0, 1, 1, 1, 1, 1], dtype=np.int32),
        start_s=np.array([0.0, 5.0, 3.0, 0.1234567, -1e-9, 0.0]),
        end_s=np.array([1.0, 6.0, 4.0, 1.0, 9.0, 9.0]),
        score=np.array([0.5, 0.5, 0.5000000000001, 0.9, 1 / 3, -0.0]),
    )
    path = tmp_path / "new" / "predictions.json"
    write_json(d, path)
    content = json.loads(path.read_bytes())
    assert set(content) == {"version", "results", "external_data"}  # what the official evaluator demands
    assert list(content["results"]) == ["a", "b", "é"] and content["results"]["é"] == []
    written = [(row["score"], row["label"], row["segment"]) for row in content["results"]["b"]]
    assert written == [(0.9, "x", [0.123457, 1]), (0.5, "x", [3, 4]), (0.5, "x", [5, 6]), (0.5, "y", [0, 1])]
    assert content["results"]["a"][0] == {"label": "x", "score": 0.333333333, "segment": [0, 9]}
    first = path.read_bytes()
    assert b"-0.0" not in first and path.stat().st_mode & 0o777 == 0o644
    write_json(read_json(path), path)
    assert path.read_bytes() == first and [p.name for p in path.parent.iterdir()] == [path.name]
    shuffled = (column[[3, 1, 4, 0, 5, 2]] for column in (d.video, d.label, d.start_s, d.end_s, d.score))
    write_json(Detections(d.videos, d.labels, *shuffled), path)
    assert path.read_bytes() == first


def test_nothing_is_written_for_broken_detections(tmp_path):
    one = np.zeros(1, dtype=np.int32)
    broken = Detections(("a",), ("x",), one, one, np.zeros(1), np.ones(1), np.array([np.nan]))
    with pytest.raises(UserError, match=r"detection 0 .* score nan"):
        write_json(broken, tmp_path / "p.json")
    assert not list(tmp_path.iterdir())


BAD_ROWS = [
    ({**ROW, "score": float("nan")}, "has score nan"),
    ({**ROW, "score": float("inf")}, "has score inf"),
    ({**ROW, "score": 10**400}, "has score 1000"),
    ({**ROW, "score": "0.5"}, "has score '0.5'"),
    ({**ROW, "score": None}, "has score None"),
    ({**ROW, "score": True}, "has score True"),
    ({**ROW, "label": 3}, "has label 3; write the class name"),
    ({**ROW, "segment": [1, float("nan")]}, "has segment [1, nan]"),
    ({**ROW, "segment": [float("-inf"), 2]}, "has segment [-inf, 2]"),
    ({**ROW, "segment": [1, 2, 3]}, "has segment [1, 2, 3]"),
    ({**ROW, "segment": ["1", "2"]}, "has segment ['1', '2']"),
    ({**ROW, "segment": [3, 2.5]}, "ends at 2.5 s before it starts at 3.0 s"),
    ({"label": "x", "score": 1}, "lacks label, score or segment"),
    ("x", "lacks label, score or segment"),
]


@pytest.mark.parametrize("row, words", BAD_ROWS)
def test_a_broken_detection_is_named(tmp_path, row, words):
    path = saved(tmp_path, {"first": [ROW, ROW, ROW], "second": [ROW, row, ROW]})
    with pytest.raises(UserError) as error:
        read_json(path)
    message = str(error.value)
    assert message.startswith(f"{path}: detection 1 (counting from 0) of video 'second' {words}")
    assert message.endswith(".") and "\n" not in message


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "is not JSON or was cut short"),
        ('{"results": {"a": [{"label": "x", "sc', "is not JSON or was cut short"),
        ("[1, 2]", 'holds no "results" object'),
        ('{"predictions": {}}', 'holds no "results" object'),
        ('{"results": []}', 'holds no "results" object'),
        ('{"results": {"a": {"label": "x"}}}', "the entry of video 'a' is not a list"),
        ("[" * 100_000, "is not JSON or was cut short"),
    ],
)
def test_a_broken_file_is_named(tmp_path, text, words):
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_json(path)
    assert str(error.value).startswith(f"{path}") and words in str(error.value)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "p.json"
    for label in (b'"\xff"', b'"\\ud800"'):
        path.write_bytes(b'{"results": {"a": [{"label": ' + label + b', "score": 1, "segment": [0, 1]}]}}')
        with pytest.raises(UserError, match=str(path)):
            read_json(path)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match="cannot be read") as error:
            read_json(path)
        assert str(path) in str(error.value)


def test_of_some_videos():
    found = make_detections([(0, 0, 1, 2, 0.5), (1, 1, 3, 4, 0.9), (0, 1, 5, 6, 0.7)], videos=("a", "b"))
    assert rows_of(of_videos(found, {"b"})) == [("b", found.labels[1], 3, 4, 0.9)]
    assert of_videos(found, {"b"}).videos == ("b",) and len(of_videos(found, ())) == 0
    assert rows_of(of_videos(found, found.videos)) == rows_of(found)
