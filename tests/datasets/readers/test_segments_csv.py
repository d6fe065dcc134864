"""A table of segments: what is read, and one sentence with file, lines and cure for all that is wrong."""

import csv
import io
import json

import h5py
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.made import dataset_plan
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Segment, Video
from wstal.data.store import FeatureStore
from wstal.datasets import prepare, readers
from wstal.datasets.readers import activitynet_json
from wstal.datasets.readers import segments_csv as reader

GRID = TimeGrid(fps=25.0, stride_f=8, window_f=16)
GRIDS = {"rgb": GRID}
HEADER = "video,label,start_s,end_s,subset,duration_s\n"
TEXT = f"""{HEADER}a,Run,0.5,2.5,training,9.5
b,Wave,,,training,6
a,Jump,3,4,training,
c,Wave,1,1,validation,9.0
d,,,,validation,7
"""


@pytest.fixture
def table(tmp_path):
    """table(text) -> Source of a table with this text (or these bytes), and features of 7 snippets for the videos a to d."""

    def make(text=TEXT, **changes):
        (tmp_path / "segments.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        (tmp_path / "features").mkdir(exist_ok=True)
        for number, video in enumerate("abcd"):
            np.save(tmp_path / "features" / f"{video}.npy", np.full((7, 3), number, dtype=np.float32))
        source = {
            "root": str(tmp_path), "annotations": "segments.csv", "features": {"rgb": "features/{video}.npy"},
            "splits": {"train": "training", "test": "validation"},
        }  # fmt: skip
        return msgspec.convert(source | changes, reader.Source)

    return make


def test_it_is_a_reader():
    assert readers.load("segments_csv").Source is reader.Source


def test_known_answer(table):
    found = reader.annotations(table(), GRID)
    assert found.classes == ("Jump", "Run", "Wave")
    assert found.videos == (
        Video("a", "train", 9.5, ("Jump", "Run")),
        Video("b", "train", 6.0, ("Wave",)),
        Video("c", "test", 9.0, ("Wave",)),
        Video("d", "test", 7.0, ()),
    )
    assert found.segments == (Segment("a", "Run", 0.5, 2.5), Segment("a", "Jump", 3.0, 4.0), Segment("c", "Wave", 1.0, 1.0))


def test_features(table):
    arrays = dict(reader.features(table(), ("rgb",), GRIDS))
    assert {video: x["rgb"][0, 0] for video, x in arrays.items()} == {"a": 0, "b": 1, "c": 2, "d": 3}


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfvideo,label,start_s,end_s,subset\r\na,Run,1,2,training\r\n\r\nc,Run,1,2,validation\r\n",
        "label;video;Start S;END_S; Subset \nRun;a;1.0;2;training\nRun;c; 1 ;2e0;validation",
        "video\tfps\tlabel\tstart_s\tend_s\tsubset\na\t25\tRun\t1\t2\ttraining\nc\t\tRun\t1\t2\tvalidation\n\t\t\t\t\t\n",
        '"subset","video","label","start_s","end_s"\n"training","a","Run","1","2"\nvalidation,c,Run,1,2\n',
    ],
)
def test_what_spreadsheets_write(table, text):
    found = reader.annotations(table(text), GRID)
    assert {video.id: video.subset for video in found.videos} == {"a": "train", "c": "test"}
    assert found.segments == (Segment("a", "Run", 1.0, 2.0), Segment("c", "Run", 1.0, 2.0))


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cc", "Cs"]), min_size=1)
NAMES = CELLS.map(str.strip).filter(bool)
TIMES = st.tuples(*[st.floats(0, 1e4)] * 2).map(sorted)


@given(
    actions=st.lists(st.tuples(NAMES, NAMES, TIMES), min_size=1),
    columns=st.permutations(["video", "label", "start_s", "end_s", "subset", "duration_s"]),
    separator=st.sampled_from(",;\t"),
)
def test_any_table_comes_back(tmp_path_factory, actions, columns, separator):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, delimiter=separator)
    writer.writeheader()
    for video, label, (start_s, end_s) in actions:
        row = {"video": video, "label": label, "start_s": start_s, "end_s": end_s, "subset": "x", "duration_s": 1e4}
        writer.writerow(row)
    root = tmp_path_factory.getbasetemp()
    (root / "any.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    source = reader.Source(root=str(root), annotations="any.csv", splits={"test": "x"})
    found = reader.annotations(source, GRID)
    expected = [Segment(video, label, *times) for video, label, times in actions]
    assert sorted(found.segments, key=repr) == sorted(expected, key=repr)
    assert [video.id for video in found.videos] == list(dict.fromkeys(video for video, *_ in actions))


def test_durations_from_features(table, tmp_path):
    """Of the first stream in `features`, on the dataset's grid: 7 snippets cover 6 strides and a window."""
    text = "video,label,start_s,end_s,subset,duration_s\na,Run,1,2,training,\nc,Run,1,2,validation,3.5\n"
    durations_s = {video.id: video.duration_s for video in reader.annotations(table(text), GRID).videos}
    assert durations_s == {"a": GRID.coverage_s(7), "c": 3.5}
    with h5py.File(tmp_path / "all.h5", "w") as file:
        file["a"] = np.ones((3, 9))
    of_file = table(text, features={"tsp": {"path": "all.h5", "key": "{video}", "axes": "DT"}, "rgb": "features/{video}.npy"})
    assert reader.annotations(of_file, GRID).videos[0].duration_s == GRID.coverage_s(9)
    with pytest.raises(UserError, match=r"segments\.csv: video a has no duration_s, .* names no files .*; add either\.$"):
        reader.annotations(table(text, features={}), GRID)
    source = table(text)
    (tmp_path / "features" / "a.npy").unlink()
    with pytest.raises(UserError, match=r"features/a\.npy is missing; set `source` .* segments\.csv, features/\{video\}\.npy"):
        reader.annotations(source, GRID)


def test_lists_in_place_of_the_column(table, tmp_path):
    (tmp_path / "train.txt").write_text("v_c\n")
    (tmp_path / "test.txt").write_text("v_a\n")
    text = "video,label,start_s,end_s\na,Run,1,2\nb,Run,1,2\nc,Run,,\n"
    lists = {"lists": {"train": "train.txt", "test": "test.txt"}, "list_prefix": "v_"}
    found = reader.annotations(table(text, **lists), GRID)
    assert {video.id: video.subset for video in found.videos} == {"a": "test", "c": "train"}
    (tmp_path / "test.txt").write_text("v_a\nv_e\n")
    with pytest.raises(UserError, match=r"segments\.csv lacks video e, which a list of videos names; add it"):
        reader.annotations(table(text, **lists), GRID)
    with pytest.raises(UserError, match=r"segments\.csv: line 2 has a label without times, which only training videos may"):
        reader.annotations(table("video,label,start_s,end_s\na,Run,,\n", **lists), GRID)


def test_exclude(table, tmp_path):
    found = reader.annotations(table(exclude=["a", "d"]), GRID)
    assert [video.id for video in found.videos] == ["b", "c"] and found.classes == ("Jump", "Run", "Wave")
    (tmp_path / "gone.txt").write_text("a\nnever\n")
    assert [video.id for video in reader.annotations(table(exclude="gone.txt"), GRID).videos] == ["b", "c", "d"]
    with pytest.raises(UserError, match=r"segments\.csv has no video 'e' to leave out"):
        reader.annotations(table(exclude=["e"]), GRID)


LINES = {
    "cells": ("a,Run,1,2,training", "line 2 has 5 cells, the header 6"),
    "no video": (",Run,1,2,training,9", "line 2 names no video"),
    "no number": ("a,Run,1:30,2,training,9", "line 2 has start_s '1:30', which is no number of seconds"),
    "comma in a number": ('a,Run,"1,5",2,training,9', "line 2 has start_s '1,5', which is no number of seconds"),
    "not finite": ("a,Run,1,inf,training,9", "line 2 has end_s 'inf', which is no number of seconds"),
    "nan": ("a,Run,nan,2,training,9", "line 2 has start_s 'nan', which is no number of seconds"),
    "duration": ("a,Run,1,2,training,long", "line 2 has duration_s 'long', which is no number of seconds"),
    "no duration": ("a,Run,1,2,training,0", "line 2 has duration_s 0, which is not positive"),
    "no end": ("a,Run,1,,training,9", "line 2 has one time of two"),
    "no start": ("a,,,2,training,9", "line 2 has one time of two"),
    "no label": ("a,,1,2,training,9", "line 2 has times but no label"),
    "order": ("a,Run,5,3,training,9", r"line 2 ends before it starts \(5, 3\)"),
    "subset": ("a,Run,1,2,val,9", r"line 2 has subset 'val', which `splits` does not name \(training, validation\)"),
    "no subset": ("a,Run,1,2,,9", r"line 2 has subset '', which `splits` does not name \(training, validation\)"),
    "weak test video": ("a,Run,,,validation,9", "line 2 has a label without times, which only training videos may"),
    "two subsets": (
        "a,Run,1,2,training,9\n\na,Run,1,2,validation,9",
        "line 4 has subset 'validation', line 2 of this video 'training'",
    ),
    "two durations": (
        "a,Run,1,2,training,\na,Run,1,2,training,9\na,Run,1,2,training,9.0\na,Run,1,2,training,8",
        "line 5 has duration_s '8', line 3 of this video '9'",
    ),
    "an action and none": (
        "a,Run,1,2,training,9\na,,,,training,9",
        "line 3 repeats or contradicts line 2, as one of them says that the video has no action",
    ),
}


@pytest.mark.parametrize(("lines", "sentence"), LINES.values(), ids=LINES)
def test_faults_of_lines(table, lines, sentence):
    with pytest.raises(UserError, match=rf"^[^\n]*segments\.csv: {sentence}; mend the table, or `source` in params\.yaml\.$"):
        reader.annotations(table(f"{HEADER}{lines}\n"), GRID)


def test_all_faults_in_one_sentence(table):
    text = f"{HEADER}a,Run,5,3,other,9\na,Run,1,2\n,,,,training,-1\n"
    with pytest.raises(UserError) as caught:
        reader.annotations(table(text), GRID)
    assert str(caught.value).endswith(
        "segments.csv: line 2 ends before it starts (5, 3); line 2 has subset 'other', which `splits` does not "
        "name (training, validation); line 3 has 4 cells, the header 6; line 4 has duration_s -1, which is not positive; "
        "line 4 names no video; mend the table, or `source` in params.yaml."
    )


def test_twenty_faults_are_quoted(table):
    with pytest.raises(
        UserError, match=r"line 21 names no video \(and 5 more\); mend the table, or `source` in params\.yaml\.$"
    ) as caught:
        reader.annotations(table(HEADER + ",Run,1,2,training,9\n" * 25), GRID)
    assert str(caught.value).count("names no video") == 20


FILES = {
    "empty": ("", r", line 1: the columns are not named; add or rename video, label, start_s, end_s, subset"),
    "no header": ("a,Run,1,2,training\n", r", line 1: the columns are a, run, 1, 2, training; add or rename video, label, "),
    "other names": ("video,label,start,end,subset\n", r", line 1: the columns are .*; add or rename start_s, end_s"),
    "no subset": ("video,label,start_s,end_s\n", r", line 1: .*; add or rename subset, or name files .* `source\.lists` of"),
    "column twice": ("video,label,start_s,end_s,subset,Label\n", ", line 1: 2 columns are named label; keep one"),
    "no line": (HEADER, " lists no video; write a line `video,label,start_s,end_s,subset` for every action"),
    "quotation mark": (f'{HEADER}a,"Run,1,2,training,9\n', ", line 2: .*; close every quotation mark"),
    "latin-1": (f"{HEADER}a,Ü,1,2,training,9\n".encode("latin-1"), ", line 2 is not in UTF-8; save the table as CSV in UTF-8"),
    "utf-16": (HEADER.encode("utf-16-le"), " is no text in UTF-8; save"),
    "JSON": ('\ufeff {"database": {}}', r" is JSON; use `reader: activitynet_json` in params\.yaml, or name the table"),
}


@pytest.mark.parametrize(("text", "sentence"), FILES.values(), ids=FILES)
def test_faults_of_the_file(table, text, sentence):
    with pytest.raises(UserError, match=rf"^[^\n]*segments\.csv{sentence}[^\n]*\.$"):
        reader.annotations(table(text), GRID)


def test_missing_table(table, tmp_path):
    source = table(obtain="an archive at example.org")
    (tmp_path / "segments.csv").unlink()
    with pytest.raises(UserError, match=r"segments\.csv is missing; set `source` .* from an archive at example\.org"):
        reader.annotations(source, GRID)


@pytest.mark.parametrize("name", ["segments.csv", "segments.txt", "segments.json"])
@pytest.mark.parametrize("text", [TEXT, "\ufeff" + TEXT.replace(",", ";")])
def test_a_table_is_no_json(table, tmp_path, name, text):
    source = table()
    (tmp_path / name).write_text(text, encoding="utf-8")
    given = activitynet_json.Source(root=source.root, annotations=name, splits=source.splits)
    with pytest.raises(UserError, match=rf"{name} is a CSV; use `reader: segments_csv` in params\.yaml, or name the JSON"):
        activitynet_json.annotations(given, GRID)


def test_a_csv_without_videos_is_no_json(table):
    given = activitynet_json.Source(root=table("clip;action\n").root, annotations="segments.csv", splits={})
    with pytest.raises(UserError, match=r"segments\.csv is a CSV"):
        activitynet_json.annotations(given, GRID)


def test_json_of_any_name_is_read(table, tmp_path):
    entry = {"subset": "training", "duration": 4.0, "annotations": []}
    (tmp_path / "video.csv").write_text(json.dumps({"database": {"video": entry}}))
    given = activitynet_json.Source(root=str(tmp_path), annotations="video.csv", splits={"train": "training"})
    assert activitynet_json.annotations(given, GRID).videos == (Video("video", "train", 4.0, ()),)


def test_through_the_pipeline(table, tmp_path, raw):
    """params.yaml -> videos.json and segments.json -> the feature store."""
    source = msgspec.to_builtins(table())
    changes = {"reader": "segments_csv", "source": source, "streams": ["rgb"], "backbone": "made up", "slack_s": 9.0}
    plan = dataset_plan("mine", raw["datasets"]["thumos14-sim"]["features"] | changes)
    tree = Tree(tmp_path / "tree")
    prepare.annotate(plan, tree)
    videos = json.loads((tree.annotations("mine") / "videos.json").read_text())
    assert videos["classes"] == ["Jump", "Run", "Wave"]
    assert videos["videos"][0] == {"id": "a", "subset": "train", "duration_s": 9.5, "labels": ["Jump", "Run"]}
    times = json.loads((tree.annotations("mine") / "segments.json").read_text())["database"]
    assert times["a"]["annotations"] == [{"segment": [0.5, 2.5], "label": "Run"}, {"segment": [3.0, 4.0], "label": "Jump"}]
    assert times["b"]["annotations"] == [] and times["d"]["annotations"] == []
    assert set(prepare.extract(plan, tree).videos) == set("abcd")
    assert np.array_equal(FeatureStore(tree.features("mine")).features("rgb", "c"), np.full((7, 3), 2, np.float32))


def test_a_training_video_needs_a_label(table, tmp_path, raw):
    source = msgspec.to_builtins(table(f"{HEADER}a,,,,training,9\nc,Run,1,2,validation,9\n"))
    features = raw["datasets"]["thumos14-sim"]["features"] | {"reader": "segments_csv", "source": source}
    with pytest.raises(UserError, match="training video 'a' has no label; label it or leave it out with `exclude`"):
        prepare.annotate(dataset_plan("mine", features), Tree(tmp_path / "tree"))
