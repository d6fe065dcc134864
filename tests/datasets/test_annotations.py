"""Annotations on disk: two files, stable bytes, and a sentence for every fault."""

import json
import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstal.base.errors import UserError
from wstal.base.types import Annotations, Segment, Video
from wstal.data import labels
from wstal.datasets.annotations import validate, write
from wstal.evaluation import truth

GOOD = Annotations(
    classes=("Wave", "Bend"),
    videos=(Video("b", "train", 6.5, ("Bend", "Wave")), Video("a", "test", 1 / 3, ("Wave",))),
    segments=(Segment("b", "Wave", 3.0, 4.0), Segment("b", "Bend", 1.0, 2.00000049), Segment("a", "Wave", 0.1, 0.1)),
    ambiguous=(Segment("a", "Ambiguous", 0.2, 0.3),),
)


def test_weak_labels_hold_no_times(tmp_path):
    write(GOOD, tmp_path, origin="gt.json")
    weak = json.loads((tmp_path / "videos.json").read_text())
    assert weak == {
        "classes": ["Wave", "Bend"],
        "videos": [
            {"id": "a", "subset": "test", "duration_s": 0.333333, "labels": ["Wave"]},
            {"id": "b", "subset": "train", "duration_s": 6.5, "labels": ["Bend", "Wave"]},
        ],
    }


def test_draws_are_fields_of_videos_and_parts_of_names_of_subsets(tmp_path):
    """Training tells them apart without times; evaluation asks for a draw's test videos by the name of their subset."""
    names = (("x0", "train", 0), ("y0", "test", 0), ("x3", "train", 3), ("y3", "test", 3))
    videos = tuple(Video(name, subset, 5.0, ("Wave",), draw) for name, subset, draw in names)
    made = Annotations(("Wave",), videos, (Segment("y0", "Wave", 0.0, 1.0), Segment("y3", "Wave", 1.0, 2.0)))
    write(made, tmp_path, origin="here")
    known = labels.read(tmp_path / "videos.json")
    assert known.videos == tuple(sorted(videos, key=lambda video: video.id))
    assert [[video.id for video in known.subset("train", draw)] for draw in (0, 3, 1)] == [["x0"], ["x3"], []]
    database = json.loads((tmp_path / "segments.json").read_text())["database"]
    assert {name: video["subset"] for name, video in database.items()} == {
        "x0": "train", "y0": "test", "x3": "train-3", "y3": "test-3",
    }  # fmt: skip
    found = truth.read(tmp_path / "segments.json", subset="test-3", preferred=(), ambiguous_label=None)
    assert found.videos == ("y3",) and found.start_s.tolist() == [1.0]
    assert made.first_draw() == Annotations(("Wave",), videos[:2], made.segments[:1])
    assert GOOD.first_draw() == GOOD


def test_segments_are_activitynet_ground_truth(tmp_path):
    write(GOOD, tmp_path, origin="gt.json")
    truth = json.loads((tmp_path / "segments.json").read_text())
    assert truth["classes"] == ["Wave", "Bend"] and truth["version"] == "wstal"
    assert truth["database"]["a"] == {
        "subset": "test",
        "duration": 0.333333,
        "annotations": [{"segment": [0.1, 0.1], "label": "Wave"}],
        "ambiguous": [[0.2, 0.3]],
    }
    assert truth["database"]["b"]["annotations"] == [
        {"segment": [1.0, 2.0], "label": "Bend"},
        {"segment": [3.0, 4.0], "label": "Wave"},
    ]


@given(seed=st.integers(0, 1000))
def test_bytes_do_not_depend_on_order(tmp_path_factory, seed):
    def shuffled(items):
        return tuple(random.Random(seed).sample(items, len(items)))

    folder = tmp_path_factory.mktemp("annotations")
    write(GOOD, folder / "one", origin="gt.json")
    other = replace(GOOD, videos=shuffled(GOOD.videos), segments=shuffled(GOOD.segments))
    write(other, folder / "two", origin="gt.json")
    for name in ("videos.json", "segments.json"):
        assert (folder / "one" / name).read_bytes() == (folder / "two" / name).read_bytes()


TRAIN, TEST = GOOD.videos
FAULTS = {
    "duplicate class": (replace(GOOD, classes=("Wave", "Bend", "Wave")), "class 'Wave' is listed 2 times; list it once"),
    "duplicate id": (replace(GOOD, videos=(TRAIN, TEST, TEST)), "video 'a' is there 2 times; give"),
    "id with a slash": (replace(GOOD, videos=(TRAIN, replace(TEST, id="../a"))), "video id '../a' .*; use"),
    "subset": (replace(GOOD, videos=(TRAIN, replace(TEST, subset="testing"))), "video 'a' .* 'testing'; map it"),
    "duration": (replace(GOOD, videos=(TRAIN, replace(TEST, duration_s=0.0))), "video 'a' lasts 0.0 s; give"),
    "no duration": (replace(GOOD, videos=(TRAIN, replace(TEST, duration_s=math.nan))), "video 'a' lasts nan s; give"),
    "video label": (replace(GOOD, videos=(TRAIN, replace(TEST, labels=("Run",)))), "video 'a' has label 'Run', .*; add"),
    "unlabelled": (replace(GOOD, videos=(replace(TRAIN, labels=()), TEST)), "training video 'b' has no label; label it"),
    "no training": (replace(GOOD, videos=(replace(TRAIN, subset="test"), TEST)), "no training video; check"),
    "segment label": (replace(GOOD, segments=(Segment("a", "Run", 0, 1),)), "'Run' .* of video 'a' .*; add it"),
    "unknown video": (replace(GOOD, segments=(Segment("c", "Wave", 0, 1),)), "of video 'c' belongs to no .*; list"),
    "backwards": (replace(GOOD, segments=(Segment("a", "Wave", 2, 1),)), r"\[2, 1\] of video 'a' ends before .*; swap"),
    "infinite": (replace(GOOD, segments=(Segment("a", "Wave", 0, math.inf),)), "video 'a' has a time .*; give seconds"),
    "ambiguous": (replace(GOOD, ambiguous=(Segment("c", "Ambiguous", 0, 1),)), "of video 'c' belongs to no .*; list"),
}


@pytest.mark.parametrize(("faulty", "sentence"), FAULTS.values(), ids=FAULTS)
def test_faults_are_sentences(tmp_path, faulty, sentence):
    with pytest.raises(UserError, match=rf"^gt\.json: .*{sentence}.*\.$"):
        write(faulty, tmp_path / "out", origin="gt.json")
    assert not (tmp_path / "out").exists()


def test_good_annotations_pass():
    validate(GOOD, origin="gt.json")


def test_labels_alone_need_no_test_video():
    validate(replace(GOOD, videos=(TRAIN,), segments=(), ambiguous=()), origin="gt.json")
    with pytest.raises(UserError, match="no test video; check"):
        validate(replace(GOOD, videos=(TRAIN,), segments=(Segment("b", "Wave", 0, 1),), ambiguous=()), origin="gt.json")


def test_a_test_video_needs_no_label():
    validate(replace(GOOD, videos=(TRAIN, replace(TEST, labels=()))), origin="gt.json")


def test_all_faults_are_one_answer():
    faulty = replace(
        GOOD,
        videos=(replace(TRAIN, labels=()), replace(TEST, duration_s=-1.0), replace(TEST, id="c", labels=("wave",))),
        segments=(*GOOD.segments, Segment("a", "Wave", 2, 1), Segment("a", "Wave", -1, 1), Segment("d", "Wave", 0, 1)),
    )
    with pytest.raises(UserError) as caught:
        validate(faulty, origin="gt.json")
    said = str(caught.value)
    for words in (
        "training video 'b' has no label", "video 'a' lasts -1.0 s", "label 'wave', which is no class (the nearest is 'Wave')",
        "[2, 1] of video 'a' ends before", "[-1, 1] of video 'a' starts before", "of video 'd' belongs to no",
    ):  # fmt: skip
        assert words in said
    assert said.startswith("gt.json: ") and "\n" not in said


def test_what_is_odd_is_noted_beside_the_times_alone(tmp_path):
    """videos.json, which training reads, says nothing of segments."""
    odd = replace(
        GOOD, segments=(*GOOD.segments, GOOD.segments[0]), classes=("Wave", "Bend", "wave"), notes=("from the reader.",)
    )
    notes = write(odd, tmp_path, origin="gt.json")
    assert [note.split(":")[0] for note in notes] == [
        "from the reader.", "look-alike classes", "untrained class", "empty segment", "doubled segment",
    ]  # fmt: skip
    assert "'wave' (0 videos for testing, the nearest class is 'Wave')" in notes[2]
    assert json.loads((tmp_path / "segments.json").read_text())["notes"] == [*notes]
    assert set(json.loads((tmp_path / "videos.json").read_text())) == {"classes", "videos"}
