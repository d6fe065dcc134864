"""A table of labels and a folder of videos: what is read, and a sentence with file, line and cure for what is wrong."""

import numpy as np
import pytest

from tests.features.films import grey, write
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.datasets import annotations as annotations_file
from wstal.datasets import readers
from wstal.datasets.readers.labels_csv import Source, annotations, trained, videos

GRID = TimeGrid(25.0, 16, 16)
SECONDS = {"one": 1.0, "two": 2.0, "three": 0.4}


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for name, seconds in SECONDS.items():
        write(folder / f"{name}.mp4", grey(1) * round(seconds * 25))
    return folder


@pytest.fixture
def table(films, tmp_path):
    """table(text) -> Source of a table with this text (or these bytes) beside the films."""

    def make(text, folder=films, **changes):
        (tmp_path / "labels.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        options = {"labels": "labels.csv", "videos": str(folder), "test_every": 3, "exclude": []} | changes
        return Source(root=str(tmp_path), **options)

    return make


def read(source):
    """{video: (subset, labels)}"""
    found = annotations(source, GRID)
    assert found.segments == () and {v.id: v.duration_s for v in found.videos} == {v.id: SECONDS[v.id] for v in found.videos}
    return {video.id: (video.subset, video.labels) for video in found.videos}


def test_it_is_a_reader():
    assert readers.load("labels_csv").Source is Source


def test_labels_of_a_video_have_a_line_each(table):
    source = table("video,label,subset\none.mp4,Wave,train\ntwo,Jump,train\none,Jump,Train\n three , ,test\n")
    assert read(source) == {"one": ("train", ("Jump", "Wave")), "two": ("train", ("Jump",)), "three": ("test", ())}
    assert annotations(source, GRID).classes == ("Jump", "Wave")
    assert {video: path.name for video, path in videos(source).items()} == {name: f"{name}.mp4" for name in SECONDS}


def test_a_video_that_shows_no_action_is_one_on_purpose(table):
    """`-` says so; it is no class, and contradicts another label."""
    text = "video,label,subset\none,-,train\ntwo,Jump,train\nthree,-,test\n"
    assert read(table(text)) == {"one": ("train", ()), "two": ("train", ("Jump",)), "three": ("test", ())}
    assert trained(table(text)) == {"Jump"} and annotations(table(text), GRID).classes == ("Jump",)
    for wrong, words in (
        ("one,\ntwo,Jump\n", "line 2: training video 'one' has no label; write one, write - if it shows none of the actions"),
        ("one,-\none,Jump\n", "line 3 repeats or contradicts line 2"),
    ):
        with pytest.raises(UserError, match=words):
            annotations(table(f"video,label\n{wrong}", test_every=0), GRID)


def test_without_subsets_every_nth_video_by_name_is_a_test_video(table):
    text = "label,video\nWave,two\nJump,one\nWave,three\n"
    tests = {}
    for every in (0, 1, 2, 3, 4):
        found = annotations(table(text, test_every=every), GRID).videos
        tests[every] = [video.id for video in found if video.subset == "test"]
    assert tests == {0: [], 1: ["one", "three", "two"], 2: ["three"], 3: ["two"], 4: []}


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfvideo,label\r\none,Wave\r\n\r\ntwo,Jump\r\n",
        "video;label\none;Wave\ntwo;Jump",
        "video\tlabel\none\tWave\ntwo\tJump\n",
        'Video,Label\n"one","Wave"\n,\ntwo,Jump\n',
    ],
)
def test_what_spreadsheets_write(table, text):
    assert read(table(text)) == {"one": ("train", ("Wave",)), "two": ("train", ("Jump",))}


def test_labels_keep_their_commas_and_letters(table):
    assert read(table('video,label\none,"Dive, high"\ntwo,Überschlag\n'))["one"] == ("train", ("Dive, high",))


def test_what_is_read_can_be_written(table, tmp_path):
    found = annotations(table("video,label\none,Wave\ntwo,Jump\nthree,Wave\n"), GRID)
    annotations_file.write(found, tmp_path / "out", origin="here")
    assert (tmp_path / "out" / "videos.json").is_file()


def test_exclude(table):
    assert set(read(table("video,label\none,Wave\ntwo,Jump\n", exclude=["one"]))) == {"two"}
    with pytest.raises(UserError, match="has no video 'four' to leave out"):
        read(table("video,label\none,Wave\n", exclude=["four"]))


WRONG = {
    "no header": ("one,Wave\n", r"line 1: the columns are \['one', 'wave'\]; name them video,label"),
    "column": ("video,label,split\none,Wave,train\n", r"line 1: the columns are .*; name them"),
    "empty file": ("", r"line 1: the columns are \[\]; name them"),
    "no row": ("video,label\n", "lists no video; write a line `video,label` for every video"),
    "cells": ("video,label\none,Wave\n\ntwo\n", "line 4 has 1 cells, the header 2; write as many"),
    "comma": ("video,label\none,Dive, high\n", "line 2 has 3 cells, the header 2; .*quoting commas"),
    "no name": ("video,label\n,Wave\n", "line 2 names no video; write"),
    "no label": ("video,label,subset\none,,train\n", "line 2: a training video needs a label; write one"),
    "subset": ("video,label,subset\none,Wave,val\n", "line 2: the subset is 'val'; write train or test"),
    "empty subset": ("video,label,subset\none,Wave,\n", "line 2: the subset is ''; write train or test"),
    "missing": ("video,label\none,Wave\nfour.mp4,Wave\n", "line 3: .* has no video 'four.mp4'; put it there, or remove"),
    "outside": ("video,label\n../one.mp4,Wave\n", r"line 2: .* has no video '\.\./one\.mp4'; put"),
    "two folders": ("video,label\na/one,Wave\nb/one,Jump\n", "line 3: 'b/one' and 'a/one' lead to one file, .*; write one"),
    "blank": (
        "video,label\none,Wave\ntwo,\n",
        "line 3: training video 'two' has no label; write one, write - if it shows none of the actions",
    ),
    "with and without": ("video,label,subset\none,Wave,test\none,,test\n", "line 3 repeats or contradicts line 2"),
    "two subsets": ("video,label,subset\none,Wave,train\none,Jump,test\n", "line 3: the subset differs from that in line 2"),
    "quotation mark": ('video,label\none,"Wave\ntwo,Jump\n', "line 3: .*; close every quotation mark"),
    "latin-1": ("video,label\none,Wave\ntwo,Ü\n".encode("latin-1"), "line 3 is not in UTF-8; save the table as CSV in UTF-8"),
    "utf-16": ("video,label\none,Wave\n".encode("utf-16"), "line 1 is not in UTF-8; save"),
    "utf-16 without mark": ("video,label\none,Wave\n".encode("utf-16-le"), "is no text in UTF-8; save"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_faults_name_file_line_and_cure(table, text, sentence):
    with pytest.raises(UserError, match=rf"^[^\n]*labels\.csv[,:]? ?{sentence}[^\n]*\.$"):
        read(table(text))


def test_faults_of_the_folder(table, films, tmp_path):
    (tmp_path / "videos").mkdir()
    for name in ("one.mp4", "one.avi", ".hidden.mp4"):
        (tmp_path / "videos" / name).write_bytes((films / "one.mp4").read_bytes())
    (tmp_path / "videos" / "bad.mp4").write_bytes(np.random.default_rng(0).bytes(3000))
    mine = {"folder": tmp_path / "videos"}
    with pytest.raises(UserError, match=r"line 2: 'one' may be one\.avi or one\.mp4; write the name with its ending\.$"):
        read(table("video,label\none,Wave\n", **mine))
    with pytest.raises(UserError, match=r"line 3: one\.avi and one\.mp4 have one id; rename one\.$"):
        read(table("video,label\none.mp4,Wave\none.avi,Jump\n", **mine))
    with pytest.raises(UserError, match=r"line 3: .*bad\.mp4 cannot be decoded: .*; replace the file"):
        read(table("video,label\none.mp4,Wave\nbad,Jump\n", **mine))
    with pytest.raises(UserError, match=r"line 2: .*videos has no video '\.hidden'"):
        read(table("video,label\n.hidden,Wave\n", **mine))
    with pytest.raises(UserError, match=r"nowhere is no folder; put the videos there, or set `source\.videos`"):
        read(table("video,label\none,Wave\n", folder=tmp_path / "nowhere"))


def test_labels_of_training_videos(table):
    source = table("video,label,subset\none,Wave,train\none,Jump,train\ntwo,Dive,test\nthree,,test\n")
    assert trained(source) == {"Wave", "Jump"}
    assert trained(table("video,label\none,Wave\ntwo,Jump\nthree,Dive\n")) == {"Wave", "Dive"}  # `two` is the third by name


def test_a_folder_is_no_table(table, tmp_path):
    with pytest.raises(UserError, match="is a folder, not a file; write a line"):
        read(table("", labels="."))


def test_missing_table(table, tmp_path):
    source = table("")
    (tmp_path / "labels.csv").unlink()
    with pytest.raises(UserError, match=r"labels\.csv is missing; write a line `video,label` for every video"):
        read(source)


def test_a_line_that_is_there_twice_is_one(table):
    found = annotations(table("video,label\none,Wave\ntwo,Wave\none.mp4,Wave\ntwo,Jump\n"), GRID)
    assert {video.id: video.labels for video in found.videos} == {"one": ("Wave",), "two": ("Jump", "Wave")}
    assert found.notes == ("repeated line: line 4 says again what an earlier one says of one.mp4; once is enough.",)


@pytest.mark.parametrize(
    "name", ["ONE.mp4", "One", "videos/one.mp4", "./one", "C:\\films\\one.MP4", "/elsewhere/videos/one.mp4"]
)
def test_a_name_may_differ_in_case_or_be_a_path(table, name):
    assert read(table(f"video,label\n{name},Wave\ntwo,Jump\n"))["one"] == ("train", ("Wave",))


def test_a_path_below_the_folder_is_that_file(table, films, tmp_path):
    for folder in ("monday", "tuesday"):
        (tmp_path / "all" / folder).mkdir(parents=True)
        (tmp_path / "all" / folder / f"{folder}.mp4").write_bytes((films / "one.mp4").read_bytes())
    source = table("video,label\nmonday/monday.mp4,Wave\ntuesday/tuesday.mp4,Jump\n", folder=tmp_path / "all")
    assert {video: path.parent.name for video, path in videos(source).items()} == {"monday": "monday", "tuesday": "tuesday"}


def test_case_decides_where_two_files_differ_in_it(table, films, tmp_path):
    (tmp_path / "both").mkdir()
    for name in ("Clip.mp4", "clip.mp4"):
        (tmp_path / "both" / name).write_bytes((films / "one.mp4").read_bytes())
    if len([*(tmp_path / "both").iterdir()]) < 2:
        pytest.skip("the file system folds case")
    assert videos(table("video,label\nclip,Wave\n", folder=tmp_path / "both"))["clip"].name == "clip.mp4"
    with pytest.raises(UserError, match=r"'CLIP' may be Clip\.mp4 or clip\.mp4"):
        videos(table("video,label\nCLIP,Wave\n", folder=tmp_path / "both"))


def test_all_faulty_lines_are_one_answer(table):
    with pytest.raises(UserError) as caught:
        read(table("video,label,subset\none,Wave,val\n,Wave,train\nfour,Wave,train\ntwo,,train\none\none,Wave,train\n"))
    said = str(caught.value)
    for words in (
        "line 2: the subset is 'val'",
        "line 3 names no video",
        "line 4: ",
        "line 5: a training",
        "line 6 has 1 cells",
    ):
        assert words in said
    assert said.count("labels.csv") == 1 and "line 7" not in said
