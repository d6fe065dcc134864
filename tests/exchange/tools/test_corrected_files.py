"""Files as people and tools leave them: what is read, what is passed over, what is refused with its place."""

import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from tests.exchange.tools.clips import LINES, NASTY, clip, plain
from wstal.base.errors import UserError
from wstal.exchange.tools import registry
from wstal.exchange.tools.tracks import Mark


@pytest.fixture
def read(tmp_path):
    """read(name, text) -> the tracks of a file of that name."""

    def read(name, text):
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return registry.read(tmp_path / name)

    return read


VTT = """\ufeffWEBVTT - made by hand\r
Kind: captions\r
\r
STYLE\r
::cue { color: red }\r
\r
NOTE a comment\r
of two lines\r
\r
NOTE\r
00:01.000 --> 00:02.500 align:start position:10%\r
<v Anna>Wave</v>\r
Bow &amp; <i>scrape</i>\r
\r
01:00:00.000 --> 01:00:00.5\r
Wave\r
\r
"""


def test_webvtt_with_comments_styles_settings_and_tags(read):
    (track,) = read("monday.vtt", VTT)
    found = [("Wave", 1.0, 2.5), ("Bow & scrape", 1.0, 2.5), ("Wave", 3600.0, 3600.5)]
    assert track.video == "monday" and [(m.label, m.start_s, m.end_s) for m in track.marks] == found


def test_a_cue_right_below_the_first_line_counts(read):
    (track,) = read("x.vtt", "WEBVTT\n00:01.000 --> 00:02.000\nWave\n")
    assert plain(track.marks) == {("Wave", 1.0, 2.0)}


BAD_CUES = {
    "no times": ("x.vtt", "WEBVTT\n\n1\nWave\n", "line 3: times such as"),
    "no text": ("x.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n\n", "line 3: the cue has no text"),
    "only a tag": ("x.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n<b></b>\n", "line 3: the cue has no text"),
    "order": ("x.srt", "1\n00:00:03,000 --> 00:00:02,000\nWave\n", "line 2: the cue ends before it starts"),
    "misspelt times": ("x.srt", "1\n00:00:01,000 -> 00:00:02,000\nWave\n", "line 1: times such as"),
    "late times": ("x.srt", "1\nWave\n00:00:01,000 --> 00:00:02,000\n", "line 1: times such as"),
    "no magic": ("x.vtt", "1\n00:01.000 --> 00:02.000\nWave\n", "does not begin with WEBVTT"),
}


@pytest.mark.parametrize("name, text, said", BAD_CUES.values(), ids=BAD_CUES)
def test_what_is_wrong_in_subtitles_is_said_with_its_line(read, name, text, said):
    with pytest.raises(UserError, match=said):
        read(name, text)


def test_subrip_without_numbers_with_windows_lines_and_places(read):
    (track,) = read(
        "x.SRT", "00:00:01,5 --> 00:00:02.250 X1:40 X2:600\r\nWave\r\nBow\r\n\r\n\r\n2\r\n0:00:03,000 --> 0:00:04,000\r\nWave"
    )
    assert [(m.label, m.start_s, m.end_s) for m in track.marks] == [("Wave", 1.5, 2.25), ("Bow", 1.5, 2.25), ("Wave", 3.0, 4.0)]


def task(result, fps=25.0, answers="annotations", **more):
    return {
        "data": {"video": "/data/upload/3/0a1b2c3d-Monday%20one.mp4"} | ({"fps": fps} if fps else {}),
        answers: [{"result": result, **more}],
    }


def region(first, last, *labels, **more):
    value = {"ranges": [{"start": first, "end": last}], "timelinelabels": [*labels]}
    return {"type": "timelinelabels", "id": "x", "from_name": "a", "to_name": "v", "value": value, **more}


def test_label_studio_regions_are_frames(read):
    (track,) = read("x.json", json.dumps([task([region(26, 50, "Wave", " Bow "), {"type": "relation"}, region(1, 1, "Wave")])]))
    assert track.video == "Monday one"
    assert plain(track.marks) == {("Wave", 1.0, 2.0), ("Bow", 1.0, 2.0), ("Wave", 0.0, 0.04)}


def test_label_studio_keeps_times_that_nobody_moved(read):
    kept, moved = ({"start_s": 1.007, "end_s": 1.993}, region(26, 51, "Wave"))
    (track,) = read("x.json", json.dumps([task([region(26, 50, "Bow", meta=kept), moved | {"meta": kept}])]))
    assert plain(track.marks) == {("Bow", 1.007, 1.993), ("Wave", 1.0, 2.04)}


def test_label_studio_without_a_rate_and_choices_are_labels_without_times(read):
    choice = {"type": "choices", "value": {"choices": ["Jump"]}, "meta": {"text": ["a note"]}}
    (track,) = read("x.json", json.dumps(task([region(1, 5, "Wave"), choice], fps=None)))
    assert track.marks == (Mark("Wave"), Mark("Jump"))


def test_label_studio_annotations_count_before_predictions(read):
    one, two = task([region(1, 25, "Wave")]), task([region(1, 25, "Bow")])["annotations"]
    tasks = [
        one | {"annotations": [], "predictions": two}, one | {"predictions": two}, one | {"predictions": [7]},
        one | {"annotations": [two[0] | {"ground_truth": True}, *one["annotations"]]},
        one | {"annotations": [two[0], {"result": [], "was_cancelled": True}]},
        one | {"annotations": [{"result": [], "was_cancelled": True}]}, one | {"annotations": []},
        one | {"annotations": None, "predictions": [two[0] | {"ground_truth": None}]},
    ]  # fmt: skip
    found = [[mark.label for mark in track.marks] for track in read("x.json", json.dumps(tasks))]
    assert found == [["Bow"], ["Wave"], ["Wave"], ["Bow"], ["Bow"], [], ["Bow"]]


@pytest.mark.parametrize("data, video", [
    ({"clip": "https://films.example/x/Monday%20one.mp4?t=3"}, "Monday one"), ({"video": "0a1b2c3d-x.mp4"}, "0a1b2c3d-x"),
    ({"video": "/data/local-files/?d=a%20b/c%26d.mp4", "text": "y"}, "c&d"),
    ({"wstal_video": "z.mp4", "video": "s3://b/y.mp4"}, "z"),
])  # fmt: skip
def test_label_studio_names_videos_in_several_ways(read, data, video):
    (track,) = read("x.json", json.dumps([{"data": data, "annotations": [{"result": [region(1, 5, "Wave")]}]}]))
    assert track.video == video and track.ending == ".mp4"


BAD_TASKS = {
    "order": (task([region(5, 4, "Wave")]), "task 1: a region starts at frame 5.0 and ends at 4.0"),
    "no end": (task([region(5, None, "Wave")]), "task 1: a region starts at frame 5.0 and ends at None"),
    "rate": (task([region(4, 5, "Wave")], fps="x"), "task 1 has fps 'x'"),
    "no task": ({"data": {"video": "x"}, "annotations": 3}, "task 1 is none of Label Studio's JSON"),
    "frame 0": (task([region(-5, 4, "Wave")]), "'Wave' of video 'Monday one' is from -0.24 s to"),
    "zero rate": (task([region(4, 5, "Wave")], fps=-1), "task 1 has fps -1"),
    "no video": ({"data": {"image": "x", "text": "y"}, "annotations": []}, 'task 1 has no "video"'),
    "damaged": (task([{"type": "timelinelabels"}]), "task 1 has a region that is none of Label Studio's JSON"),
}  # fmt: skip


@pytest.mark.parametrize("content, said", BAD_TASKS.values(), ids=BAD_TASKS)
def test_what_is_wrong_in_tasks_is_said(read, content, said):
    with pytest.raises(UserError, match=said):
        read("x.json", json.dumps([content]))


def project(metadata, attributes=None, files=None, views=None):
    segment = {"aname": "action", "anchor_id": "FILE1_Z2_XY0", "type": 4, "options": {"0": "Wave", "1": "Bow"}}
    return {
        "project": {}, "config": {}, "attribute": {"1": segment, **(attributes or {})},
        "file": files or {"1": {"fid": 1, "fname": "Monday one.mp4", "type": 4, "loc": 1, "src": ""}},
        "view": views or {"1": {"fid_list": [1]}},
        "metadata": {f"m{n}": {"vid": "1", "flg": 0, "xy": [], **one} for n, one in enumerate(metadata)},
    }  # fmt: skip


def test_via_segments_of_options_texts_and_checkboxes(read):
    more = {
        "2": {"aname": "also", "anchor_id": "FILE1_Z2_XY0", "type": 2, "options": {"0": "Bend", "1": "Turn, left"}},
        "3": {"aname": "of the file", "anchor_id": "FILE1_Z0_XY0", "type": 1, "options": {}},
        "4": {"aname": "of a place", "anchor_id": "FILE1_Z1_XY1", "type": 1, "options": {}},
    }
    metadata = [
        {"z": [1.5, 2.25], "av": {"1": "0", "2": "0,1", "4": "no"}}, {"z": ["3.0", "4.0"], "av": {"1": "Jump"}},
        {"z": [], "av": {"3": "Outdoors"}}, {"z": [1.0], "xy": [2, 1, 1, 5, 5], "av": {"1": "0"}},
    ]  # fmt: skip
    (track,) = read("x.json", json.dumps(project(metadata, more)))
    times = (1.5, 2.25)
    assert track.video == "Monday one"
    found = {("Wave", *times), ("Bend", *times), ("Turn, left", *times), ("Jump", 3.0, 4.0), ("Outdoors", None, None)}
    assert plain(track.marks) == found


def test_times_that_are_no_numbers_are_refused(read):
    """JavaScript has no word for them in JSON, but Python writes it."""
    text = json.dumps(project([{"z": [1.0, 2.0], "av": {"1": "0"}}])).replace("2.0", "NaN")
    with pytest.raises(UserError, match=r"is from 1\.0 s to nan s"):
        read("x.json", text)


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"data": ' * 5_000, "<ANNOTATION_DOCUMENT>" * 100_000])
def test_deep_files_are_sentences(read, text):
    with pytest.raises(UserError):
        read("x.json", text)


BAD_PROJECTS = {
    "one time": (project([{"z": [1.0], "av": {"1": "0"}}]), "metadata 'm0' has times \\[1.0\\]"),
    "order": (project([{"z": [2.0, 1.0], "av": {"1": "0"}}]), "metadata 'm0' ends before it starts"),
    "view": (project([{"z": [1.0, 2.0], "vid": "9", "av": {"1": "0"}}]), "is of view 9, which is not there"),
    "two files": (project([], views={"1": {"fid_list": [1, 2]}}), "a view shows 2 files"),
    "damaged": (project([]) | {"file": 3}, "is no project of VIA 3"),
}


@pytest.mark.parametrize("content, said", BAD_PROJECTS.values(), ids=BAD_PROJECTS)
def test_what_is_wrong_in_a_project_is_said(read, content, said):
    with pytest.raises(UserError, match=said):
        read("x.json", json.dumps(content))


EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">%s</HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1007"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="2000"/>
<TIME_SLOT TIME_SLOT_ID="ts3"/></TIME_ORDER>
%s
<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="default-lt" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>"""


def tier(text, attributes='LINGUISTIC_TYPE_REF="default-lt" TIER_ID="acts"', slots=("ts1", "ts2")):
    return (
        f'<TIER {attributes}><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="{slots[0]}" '
        f'TIME_SLOT_REF2="{slots[1]}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>'
    )


def test_elan_tiers_of_text_and_of_classes(read):
    dependent = '<TIER LINGUISTIC_TYPE_REF="l" PARENT_REF="acts" TIER_ID="d"><ANNOTATION/></TIER>'
    of_class = 'LINGUISTIC_TYPE_REF="class" TIER_ID="Bow"'
    tiers = (
        tier(" Wave ")
        + tier("0.5", of_class)
        + tier("", 'LINGUISTIC_TYPE_REF="class" PARTICIPANT="Jump" TIER_ID="Jump #2"')
        + tier("", of_class.replace("TIER_ID", 'PARTICIPANT="Anna" TIER_ID'))
        + dependent
    )
    media = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///films/Monday%20one.mp4" MIME_TYPE="video/mp4"/>'
    (track,) = read("other.eaf", EAF % (media, tiers))
    times = (1.007, 2.0)
    assert track.video == "Monday one" and plain(track.marks) == {("Wave", *times), ("Bow", *times), ("Jump", *times)}
    assert read("other.eaf", EAF % ("", tier("Wave")))[0].video == "other"


BAD_EAF = {
    "no text": (EAF % ("", tier("")), "annotation a1 on tier 'acts', at 1.007 s, has no text"),
    "no time": (EAF % ("", tier("x", slots=("ts1", "ts3"))), "annotation a1 on tier 'acts' has no times"),
    "order": (EAF % ("", tier("x", slots=("ts2", "ts1"))), "ends before it starts"),
    "units": ((EAF % ("", tier("x"))).replace("milliseconds", "PAL-frames"), "counts PAL-frames"),
    "origin": (EAF % ('<MEDIA_DESCRIPTOR MEDIA_URL="file:///x.mp4" TIME_ORIGIN="5" MIME_TYPE="x"/>', tier("x")), "is shifted"),
    "damaged": ("<ANNOTATION_DOCUMENT", "is damaged"),
    "other": ("<html/>", "is XML, but none of ELAN"),
}  # fmt: skip


@pytest.mark.parametrize("text, said", BAD_EAF.values(), ids=BAD_EAF)
def test_what_is_wrong_in_elan_is_said(read, text, said):
    with pytest.raises(UserError, match=said):
        read("x.eaf", text)


def test_overlapping_marks_of_a_class_lie_on_further_tiers(tmp_path):
    """The schema: slots in order, tiers before types, references that lead somewhere, no overlaps on a tier."""
    made = clip(("A", 1.0, 5.0), ("A", 2.0, 3.0), ("A", 3.0, 4.0), ("A #2", 0.0, 9.0))
    (path,) = registry.write("elan", [made], ["A", "A #2", "B"], tmp_path)
    root = ElementTree.parse(path).getroot()
    assert [child.tag for child in root] == ["HEADER", "TIME_ORDER", *["TIER"] * 4, "LINGUISTIC_TYPE"]
    names = [(tier.get("TIER_ID"), tier.get("PARTICIPANT"), len(tier)) for tier in root.iter("TIER")]
    assert names == [("A", None, 1), ("A #3", "A", 2), ("A #2", None, 1), ("B", None, 0)]
    slots = {slot.get("TIME_SLOT_ID"): int(slot.get("TIME_VALUE")) for slot in root.iter("TIME_SLOT")}
    assert [*slots] == [f"ts{n}" for n in range(1, 9)] and [*slots.values()] == sorted(slots.values())
    for tier in root.iter("TIER"):
        ends = [[slots[one.get(f"TIME_SLOT_REF{n}")] for n in (1, 2)] for one in tier.iter("ALIGNABLE_ANNOTATION")]
        assert all(start < end for start, end in ends) and all(a[1] <= b[0] for a, b in pairwise(ends))
    assert {tier.get("LINGUISTIC_TYPE_REF") for tier in root.iter("TIER")} == {
        root.find("LINGUISTIC_TYPE").get("LINGUISTIC_TYPE_ID")
    }
    assert plain(registry.read(path)[0].marks) == plain(made.marks)


EAF_SCHEMA = {  # element: its children in order, attributes that it needs, attributes that it may have (EAF's own schema)
    "ANNOTATION_DOCUMENT": (["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"], {"AUTHOR", "DATE", "VERSION"}, {"FORMAT"}),
    "HEADER": (["MEDIA_DESCRIPTOR", "PROPERTY"], set(), {"MEDIA_FILE", "TIME_UNITS"}),
    "MEDIA_DESCRIPTOR": ([], {"MEDIA_URL", "MIME_TYPE"}, {"RELATIVE_MEDIA_URL", "TIME_ORIGIN", "EXTRACTED_FROM"}),
    "PROPERTY": ([], set(), {"NAME"}),
    "TIME_ORDER": (["TIME_SLOT"], set(), set()),
    "TIME_SLOT": ([], {"TIME_SLOT_ID"}, {"TIME_VALUE"}),
    "TIER": (["ANNOTATION"], {"TIER_ID", "LINGUISTIC_TYPE_REF"}, {"PARTICIPANT", "ANNOTATOR", "DEFAULT_LOCALE", "PARENT_REF"}),
    "ANNOTATION": (["ALIGNABLE_ANNOTATION"], set(), set()),
    "ALIGNABLE_ANNOTATION": (["ANNOTATION_VALUE"], {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"}, {"SVG_REF"}),
    "ANNOTATION_VALUE": ([], set(), set()),
    "LINGUISTIC_TYPE": ([], {"LINGUISTIC_TYPE_ID"}, {"TIME_ALIGNABLE", "CONSTRAINTS", "GRAPHIC_REFERENCES"}),
}  # fmt: skip


@pytest.mark.parametrize("made", [clip(), clip(*[(label, 1.0, 2.0 + n, 0.5) for n, label in enumerate([*NASTY, *LINES])])])
def test_elan_files_are_as_the_schema_says(tmp_path, made):
    (path,) = registry.write("elan", [made], [*NASTY, *LINES], tmp_path)
    for element in ElementTree.parse(path).iter():
        children, needed, allowed = EAF_SCHEMA[element.tag]
        order = [children.index(child.tag) for child in element]
        given = {name for name in element.attrib if not name.startswith("{")}
        assert order == sorted(order) and needed <= given <= needed | allowed, element.tag
        ids = [value for name, value in element.attrib.items() if name in ("TIME_SLOT_ID", "ANNOTATION_ID")]
        assert all(re.fullmatch("[a-z]+[0-9]+", name) for name in ids) and element.get("TIME_VALUE", "0").isdecimal()


def test_the_via_project_has_all_parts_of_one(tmp_path):
    """What via-3.x.y/src/js/_via_data.js looks up when it opens a project."""
    clips = [clip(("Wave", 1.0, 2.0)), clip(video="tuesday")]
    (path,) = registry.write("via", clips, ["Wave", "Bow"], tmp_path)
    found = json.loads(path.read_text())
    assert found["project"]["data_format_version"] == "3.1.1" and set(found["config"]["file"]["loc_prefix"]) == set("1234")
    assert found["project"]["pid"] == "__VIA_PROJECT_ID__" and found["project"]["vid_list"] == ["1", "2"] == [*found["view"]]
    assert [found["file"][view["fid_list"][0]]["fname"] for view in found["view"].values()] == ["monday.mp4", "tuesday.mp4"]
    assert found["file"]["1"] == {"fid": "1", "fname": "monday.mp4", "type": 4, "loc": 3, "src": "file:///films/monday.mp4"}
    (segment,) = found["metadata"].values()
    assert segment == {"vid": "1", "flg": 0, "z": [1.0, 2.0], "xy": [], "av": {"1": "Wave"}}
    assert (found["attribute"]["1"]["anchor_id"], found["attribute"]["1"]["options"]) == (
        "FILE1_Z2_XY0",
        {"Wave": "Wave", "Bow": "Bow"},
    )
