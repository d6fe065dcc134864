"""What is written is read back: labels, times to the millisecond, videos without marks, whatever the letters."""

import csv
import json
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from tests.exchange.tools.clips import LINES, NASTY, clip, clips, plain
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.datasets.readers import segments_csv
from wstal.exchange.tools import labelstudio, registry, tracks

READ = ("elan", "labelstudio", "srt", "via", "webvtt")


def written(name, made, classes):
    """The tracks that are read back from the one file of a format that is read."""
    with tempfile.TemporaryDirectory(prefix="a b ") as folder:
        paths = registry.write(name, [made], classes, Path(folder))
        (found,) = registry.read(paths[0])
    return found


def writable(name, labels):
    fault = getattr(registry.formats()[name], "fault", lambda label: "")
    return not any(map(fault, labels))


@pytest.mark.parametrize("name", READ)
@given(made=clips())
def test_marks_come_back(name, made):
    one, classes = made
    if writable(name, classes):
        found = written(name, one, classes)
        assert found.video == "a b" and plain(found.marks) == plain(one.marks)


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("label", [*NASTY, *LINES])
def test_every_nasty_label_survives_or_is_refused(name, label):
    if writable(name, [label]):
        assert plain(written(name, clip((label, 0.0, 1.0)), [label]).marks) == {(label, 0.0, 1.0)}
    else:
        with pytest.raises(UserError, match=f"cannot be written as {name}, "):
            registry.check([name], [label])


def test_only_subrip_refuses_and_only_several_lines():
    refused = {(name, label) for name in registry.formats() for label in (*NASTY, *LINES) if not writable(name, [label])}
    assert refused == {("srt", label) for label in LINES}


@pytest.mark.parametrize("name", READ)
def test_a_video_without_marks_comes_back(name):
    ending = "" if name in ("srt", "webvtt") else ".mp4"
    assert written(name, clip(), ["Wave"]) == tracks.Track("monday", (), ending)


@pytest.mark.parametrize("name", READ)
def test_several_labels_of_one_moment_come_back(name):
    made = clip(("Wave", 1.0, 2.0), ("Bow", 1.0, 2.0), ("Wave", 1.5, 3.0))
    assert plain(written(name, made, ["Bow", "Wave"]).marks) == plain(made.marks)


@pytest.mark.parametrize("label", ["", " x", "x\n", "a\rb", "a\0b", "a\x1bb", "a\ud800b", "a￾b"])
def test_what_no_format_can_hold_is_refused(label):
    with pytest.raises(UserError, match="rename it"):
        registry.check([], [label])


@given(made=clips())
def test_the_table_is_one_that_the_reader_reads(made):
    one, classes = made
    with tempfile.TemporaryDirectory() as folder:
        registry.write("csv", [one], classes, Path(folder))
        source = segments_csv.Source(root=folder, annotations="segments.csv", splits={"test": "test"})
        found = segments_csv.annotations(source, TimeGrid(25.0, 16, 16))
    assert {(x.label, x.start_s, x.end_s) for x in found.segments} == plain(one.marks)
    (video,) = found.videos
    assert (video.id, video.duration_s, video.subset) == ("a b", 5100.0, "test")


def test_the_table_tells_scores(tmp_path):
    registry.write("csv", [clip(("Wave, low", 1.0, 2.5, 0.87654)), clip(video="tuesday")], ["Wave, low"], tmp_path)
    with (tmp_path / "segments.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["monday", "Wave, low", "1.000", "2.500", "0.8765", "test", "60.000"],
            ["tuesday", "", "", "", "", "test", "60.000"],
        ]


@given(made=clips())
def test_fiftyone_gets_frames_and_times(made):
    one, classes = made
    with tempfile.TemporaryDirectory() as folder:
        labels, data = registry.write("fiftyone", [one], classes, Path(folder))
        content, places = json.loads(labels.read_text()), json.loads(data.read_text())
    assert places == {"a b.mp4": "/films/a b.mp4"} and content["classes"] == classes
    found = {(classes[x["label"]], x["attributes"]["start_s"], x["attributes"]["end_s"]) for x in content["labels"]["a b"]}
    assert found == plain(one.marks)
    for x in content["labels"]["a b"]:
        first, last = x["support"]
        start, end = ((first - 1) / one.fps, last / one.fps)
        assert 1 <= first <= last and start <= x["attributes"]["start_s"] + 1e-6 and end >= x["attributes"]["end_s"] - 1e-6
        assert end - start < x["attributes"]["end_s"] - x["attributes"]["start_s"] + 2 / one.fps


def test_times_before_the_video_and_shorter_than_a_millisecond_are_brought_into_it():
    made = clip(("Wave", -0.5, 1.0), ("Wave", 2.0, 2.0001))
    assert plain(written("webvtt", made, ["Wave"]).marks) == {("Wave", 0.0, 1.0), ("Wave", 2.0, 2.001)}


@pytest.mark.parametrize("name", ["elan", "labelstudio", "via"])
def test_a_link_to_a_video_keeps_its_name(name, tmp_path):
    (tmp_path / "store").write_text("")
    (tmp_path / "monday.mp4").symlink_to(tmp_path / "store")
    made = clip(("Wave", 1.0, 2.0), folder=tmp_path)
    assert written(name, made, ["Wave"]).video == "monday"


def test_files_of_every_format_are_found_by_their_content(tmp_path):
    for name in READ:
        for path in registry.write(name, [clip(("Wave", 1.0, 2.0))], ["Wave"], tmp_path)[:1]:
            assert [n for n in READ if registry.formats()[n].reads(path, path.read_text().lstrip()[:200])] == [name]


@pytest.mark.parametrize(
    "name, content", [("x.json", "{}"), ("x.json", "[]"), ("x.txt", "hello"), ("x.json", "[1]"), ("x", "")]
)
def test_other_files_are_refused(name, content, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match="is of no format that is read back"):
        registry.read(tmp_path / name)


def test_missing_files_and_other_encodings_are_sentences(tmp_path):
    with pytest.raises(UserError, match="is missing; name a corrected file"):
        registry.read(tmp_path / "missing.vtt")
    (tmp_path / "x.srt").write_bytes("1\n00:00:01,000 --> 00:00:02,000\nÜbung\n".encode("latin-1"))
    with pytest.raises(UserError, match="is not in UTF-8"):
        registry.read(tmp_path / "x.srt")


@pytest.mark.parametrize("name", ["webvtt", "srt", "elan"])
def test_ids_that_name_no_file_stay_in_the_folder_and_are_not_guessed(name, tmp_path):
    odd = [clip(("Wave", 1.0, 2.0), video=video) for video in ("../up", "cam1:front", "A", "a", "con")]
    paths = registry.write(name, odd, ("Wave",), tmp_path / "out")
    assert len({path.name.casefold() for path in paths}) == 5
    assert {path.parent for path in paths} == {tmp_path / "out" / name}
    made = next(path for path in paths if path.name.startswith("cam1_front~"))
    if name == "elan":  # whose header names the video
        assert [track.video for track in registry.read(made)] == ["cam1:front"]
    else:
        with pytest.raises(UserError, match="is named by a digest, as its video's id names no file; give it the name"):
            registry.read(made)


def test_a_class_has_the_colour_of_the_page_in_label_studio():
    """As https://labelstud.io/tags/timelinelabels has it in its example: `background`, in hexadecimal."""
    found = ElementTree.fromstring(labelstudio.config(["Bow", "Wave"])).iter("Label")
    assert [(one.get("value"), one.get("background")) for one in found] == [("Bow", "#d1495b"), ("Wave", "#2b7bba")]
