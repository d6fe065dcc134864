"""`wstal inspect`: what it says of every kind of file, by hand; and that it says the same as the stages."""

import json

import h5py
import numpy as np
import pytest

from wstal.base.errors import UserError
from wstal.datasets import inspection

CONTENT = {
    "database": {
        "a": {"subset": "training", "duration": 10.0, "annotations": [{"label": "Jump", "segment": [1, 3]}]},
        "b": {"subset": "training", "duration": 20.0, "annotations": [{"label": "Wave", "segment": [1, 1]}, {"label": "Jump"}]},
        "c": {"subset": "validation", "annotations": [{"label": "wave", "segment": [4, 9]}]},
    }
}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return inspection.inspect(str(path))


def test_annotations(tmp_path):
    found = write(tmp_path / "gt.json", CONTENT)
    assert found.text.splitlines() == [
        "what:                  annotations",
        "videos:                3 (training 2, validation 1)",
        "classes:               3",
        "instances:             3 with times, 0 ambiguous",
        "video length (s):      10, 15, 20 (least, median, most)",
        "instance length (s):   0, 2, 5 (least, median, most)",
        "without a length:      1 videos",
        "note: look-alike classes: 'Wave' (1 video) and 'wave' (1 video) differ by case, blanks, signs or alphabet alone; "
        "if they are one, spell them alike.",
        "note: untrained class: 'wave' (1 video for testing, the nearest class is 'Wave'); "
        "nothing can be learnt of these; label training videos, or leave them out.",
        "note: empty segment: segment 'Wave' [1.0, 1.0] of video 'b' lasts no time; hardly any detection can match these.",
        "",
        "class  training videos  training instances  validation videos  validation instances",
        "Jump                 2                   1                  0                     0",
        "Wave                 1                   1                  0                     0",
        "wave                 0                   0                  1                     1",
    ]


def test_what_the_stage_would_refuse_is_said(tmp_path):
    entries = {
        "../a": {"subset": "training", "duration": 3.0, "annotations": [{"label": "Jump", "segment": [2, 1]}]},
        "b": {"subset": "training", "duration": -3.0, "annotations": []},
    }
    answer = write(tmp_path / "gt.json", {"classes": ["Run"], "database": entries}).findings.answer
    for words in (
        "video id '../a' cannot name a file", "has label 'Jump', which is no class", "video 'b' lasts -3.0 s",
        "training video 'b' has no label", "[2.0, 1.0] of video '../a' ends before it starts",
    ):  # fmt: skip
        assert words in answer


def test_the_inner_part_of_annotations_and_what_a_stage_has_written(tmp_path):
    whole = write(tmp_path / "gt.json", CONTENT).text
    assert write(tmp_path / "inner.json", CONTENT["database"]).text == whole
    assert write(tmp_path / "segments.json", CONTENT).text == whole == inspection.inspect(str(tmp_path)).text


def test_a_validation_subset_is_for_training_where_there_is_also_a_test_subset(tmp_path):
    """As in THUMOS14: no class is said to be without training videos."""
    entries = {name: {"subset": name, "annotations": [{"label": "Jump", "segment": [0, 1]}]} for name in ("Validation", "Test")}
    assert write(tmp_path / "gt.json", {"database": entries}).findings.notes == ()


def test_videos_json(tmp_path):
    content = {"classes": ["Jump"], "videos": [{"id": "a", "subset": "train", "duration_s": 3.0, "labels": ["Jump"]}]}
    assert ("videos", "1 (train 1)") in write(tmp_path / "videos.json", content).facts
    with pytest.raises(UserError, match=r"videos\.json has `videos`, but is not as"):
        write(tmp_path / "videos.json", {"classes": [], "videos": [{"id": 3}]})


def test_tables(tmp_path):
    found = write(tmp_path / "l.csv", "video,label\na,Red\nb,red\nb,red\nc,\n")
    assert [note.split(":")[0] for note in found.findings.notes] == ["look-alike classes", "repeated line"]
    assert "training video 'c' has no label" in found.findings.answer and "refused: " in found.text
    assert found.header == ("class", "train videos") and found.rows == [("Red", "1"), ("red", "1")]
    found = write(tmp_path / "s.csv", "video;label;start_s;end_s;subset\na;Jump;1;2;training\na;Jump;1;2;training\n")
    assert ("instances", "2 with times, 0 ambiguous") in found.facts and found.findings.notes[0].startswith("doubled segment")
    assert ("videos", "1 (no subset 1)") in write(tmp_path / "s.csv", "video,label,start_s,end_s\na,Jump,1,2\n").facts


def test_lists_and_lines_of_times(tmp_path):
    assert ("videos", "2") in write(tmp_path / "ids.txt", "a\nb\n").facts
    assert "video 'a' is there 2 times" in write(tmp_path / "ids.txt", "a\nb\na\n").findings.answer
    found = write(tmp_path / "Diving_test.txt", "a  1.0 2.5\na  1.0 2.5\nb  3 4\n")
    assert ("instances", "3 with times, 0 ambiguous") in found.facts and found.findings.notes[0].startswith("doubled segment")
    with pytest.raises(UserError, match="neither a table of videos nor lines of numbers"):
        write(tmp_path / "x.txt", "a b c d\n")


def test_detections(tmp_path):
    row = {"label": "x", "score": 0.5, "segment": [0, 10]}
    found = write(tmp_path / "p.json", {"results": {"a": [row, row, {**row, "label": "X", "segment": [-1, 5]}], "b": []}})
    assert ("videos", "2, 1 of them without a detection") in found.facts and ("detections", "3") in found.facts
    names = [note.split(":")[0] for note in found.findings.notes]
    assert names == ["look-alike classes", "doubled detection", "negative detection"]
    assert found.rows == [("X", "1", "1"), ("x", "1", "2")]


def test_features(tmp_path):
    rng = np.random.default_rng(0)
    good, still = rng.random((7, 3), np.float32), np.ones((7, 3), np.float32)
    np.save(tmp_path / "a.npy", good)
    np.savez(tmp_path / "a.npz", one=good, two=still, three=good)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one/rgb"], file["two/rgb"] = good, still
    (tmp_path / "a.csv").write_text("f1,f2\n1,2\n3,4\n")
    for name, count in (("a.npy", 1), ("a.npz", 3), ("a.h5", 2), ("a.csv", 1)):
        assert ("arrays", f"{count}, {count} of them features (T, D)") in inspection.inspect(str(tmp_path / name)).facts
    notes = inspection.inspect(str(tmp_path / "a.npz")).findings.notes
    assert [note.split(":")[0] for note in notes] == ["constant features", "same features"] and "'one', 'three'" in notes[1]
    assert inspection.inspect(str(tmp_path / "a.h5")).findings.notes[0].startswith("constant features: all 7 snippets of")
    good[3, 1] = np.nan
    np.save(tmp_path / "a.npy", good)
    assert "array 'a' holds NaN or infinity; extract" in inspection.inspect(str(tmp_path / "a.npy")).text


def test_an_array_of_arrays(tmp_path):
    whole = np.empty(3, dtype=object)
    whole[:] = [np.random.default_rng(i).random((4 + i, 2)) for i in range(3)]
    np.save(tmp_path / "all.npy", whole, allow_pickle=True)
    facts = inspection.inspect(str(tmp_path / "all.npy")).facts
    assert facts == [
        ("arrays", "3, 3 of them features (T, D)"), ("  all[0]", "float64 of shape (4, 2)"),
        ("  all[1]", "float64 of shape (5, 2)"), ("  all[2]", "float64 of shape (6, 2)"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.json", [1], "is JSON of no known layout; name a dataset"),
        ("x.json", {"a": 1}, "is JSON of no known layout; name a dataset"),
        ("x.json", "{", "is not JSON or was cut short"),
        ("x.csv", "video,colour\na,b\n", "neither label nor times; name"),
        ("x.csv", "a,b\nc,d\n", "is neither a table of videos nor lines of numbers; name"),
        ("x.npy", "no array", "is truncated or no .npy file"),
        ("x.dat", "", "neither a table of videos nor lines of numbers; name|shape"),
    ],
)
def test_what_is_none_of_these_is_a_sentence(tmp_path, name, content, said):
    with pytest.raises(UserError, match=said):
        found = write(tmp_path / name, content)
        found.findings.refuse()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.json", {"database": {}}, "it lists no video"),
        ("x.csv", "video,label\n", "it lists no video"),
        ("x.csv", "video,label\na,Red,Blue\nb,Red\n", "line 2 has 3 cells, the header 2; write as many, quoting commas"),
        ("x.csv", "video,label\na\n", "line 2 has 1 cells, the header 2"),
        ("x.csv", "video,label,label\na,b,c\n", "line 1: 2 columns are named label; keep one"),
        ("x.csv", 'video,label\n"a,Jump\nb,Run\n', "close every quotation mark"),
        ("x.csv", "", "it holds no number and no text"),
    ],
)
def test_what_would_be_lost_is_refused(tmp_path, name, content, said):
    with pytest.raises(UserError, match=said):
        write(tmp_path / name, content).findings.refuse()


def test_a_table_in_another_encoding_is_said(tmp_path):
    (tmp_path / "x.csv").write_bytes("video,label\na,caf\xe9\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"x\.csv, line 2 is not in UTF-8; save the table as CSV in UTF-8"):
        inspection.inspect(str(tmp_path / "x.csv"))
    (tmp_path / "x.mat").write_bytes(b"MATLAB\0")
    with pytest.raises(UserError, match=r"x\.mat is no text, and of no kind"):
        inspection.inspect(str(tmp_path / "x.mat"))


def test_an_array_without_entries_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.empty((0, 8), np.float32))
    assert "refused" in inspection.inspect(str(tmp_path / "x.npy")).text


def test_links_that_lead_nowhere_are_said(tmp_path):
    (tmp_path / "a.json").symlink_to("b.json")
    (tmp_path / "b.json").symlink_to("a.json")
    with pytest.raises(UserError, match=r"a\.json is a symbolic link that leads nowhere or in a circle"):
        inspection.inspect(str(tmp_path / "a.json"))


def test_no_name_moves_or_hides_a_line(tmp_path):
    entry = {"subset": "validation", "annotations": [{"label": "a\nb\x1b[31m\u202e", "segment": [1, 3]}]}
    text = write(tmp_path / "gt.json", {"database": {"v": entry}}).text
    assert r"a\nb\x1b[31m\u202e" in text and all(line.isprintable() for line in text.splitlines())


def test_a_dataset_of_params_and_the_store_of_its_stage(prepared, monkeypatch):
    """The embedded simulation raises no alarm, and what is inspected is what the stage has stored."""
    params, tree = prepared
    monkeypatch.setattr(inspection.parameters, "load", lambda: params)
    found = inspection.inspect("tiny")
    assert found.findings.faults == [] and found.findings.notes == ()
    assert len(found.rows) == len(params.dataset("tiny").features.source["classes"])
    videos = dict(found.facts)["videos"].split()[0]
    assert dict(found.facts)["stream rgb"].startswith(f"{videos} videos, ")
    store = inspection.inspect(str(tree.features("tiny")))
    assert dict(store.facts)["videos"] == videos and store.notes == () == store.findings.notes
    snippets = dict(found.facts)["stream rgb"].split(", ")[1].removesuffix(" snippets")
    assert dict(store.facts)["stream rgb"].startswith(f"{snippets} snippets of 16 float")
