"""The tools themselves open what is written: `pip install -e ".[tools]"` brings them; without one its test is skipped."""

import html
import json
import warnings

import pytest

from tests.exchange.tools.clips import LINES, NASTY, clip
from wstal.exchange.tools import registry

WHY = "needs the tool itself: pip install -e '.[tools]'"


def tool(name):
    """The module of a tool, whose own warnings are not ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=WHY, exc_type=ImportError)


def written(name, classes, out):
    marks = [(label, number + 0.25, number + 1.505, 0.5) for number, label in enumerate(classes)]
    return registry.write(name, [clip(*marks, folder=out)], classes, out)


def test_webvtt_py_reads_webvtt(tmp_path):
    webvtt = tool("webvtt")
    labels = [*NASTY, *LINES]
    (path,) = written("webvtt", labels, tmp_path)
    captions = webvtt.read(path).captions
    assert [html.unescape(caption.raw_text) for caption in captions] == labels
    assert (captions[1].start, captions[1].end, captions[1].identifier) == ("00:00:01.250", "00:00:02.505", "2")


def test_webvtt_py_reads_subrip(tmp_path):
    webvtt = tool("webvtt")
    (path,) = written("srt", NASTY, tmp_path)
    captions = webvtt.from_srt(path).captions
    assert [caption.raw_text for caption in captions] == list(NASTY)
    assert (captions[1].start, captions[1].end) == ("00:00:01.250", "00:00:02.505")


def test_pympi_reads_elan(tmp_path):
    pympi = tool("pympi")
    labels = [*NASTY, *LINES]
    (path,) = written("elan", labels, tmp_path)
    document = pympi.Elan.Eaf(path)
    assert list(document.get_tier_names()) == labels
    assert [document.get_annotation_data_for_tier(label) for label in labels[:2]] == [
        [(250, 1505, "0.500")],
        [(1250, 2505, "0.500")],
    ]
    assert [file["MIME_TYPE"] for file in document.get_linked_files()] == ["video/mp4"]


def test_what_pympi_corrects_is_read(tmp_path):
    """A moved annotation, a new one, a new tier of free text, a renamed tier."""
    pympi = tool("pympi")
    (path,) = written("elan", ["Wave", "Bow"], tmp_path)
    document = pympi.Elan.Eaf(path)
    document.remove_annotation("Wave", 300)
    document.add_annotation("Wave", 4000, 5001)
    document.rename_tier("Bow", "Bend")
    document.add_linguistic_type("free")
    document.add_tier("notes", "free")
    document.add_annotation("notes", 10, 20, "Jump")
    document.to_file(tmp_path / "corrected.eaf")
    (track,) = registry.read(tmp_path / "corrected.eaf")
    found = sorted((mark.label, mark.start_s, mark.end_s) for mark in track.marks)
    assert track.video == "monday" and found == [("Bend", 1.25, 2.505), ("Jump", 0.01, 0.02), ("Wave", 4.0, 5.001)]


def test_label_studio_takes_the_interface_and_the_tasks(tmp_path):
    interface = tool("label_studio_sdk.label_interface")
    labels = [*NASTY, *LINES]
    tasks, config = written("labelstudio", labels, tmp_path)
    view = interface.LabelInterface(config.read_text())
    view.validate()
    (task,) = json.loads(tasks.read_text())
    (prediction,) = task["predictions"]
    assert view.validate_task({"data": task["data"]}) and view.validate_prediction(prediction, return_errors=True) == []
    assert list(view.get_control("actions").labels) == labels
    prediction["result"][0]["value"]["timelinelabels"] = ["unknown"]
    assert view.validate_prediction(prediction, return_errors=True) != []


def test_label_studios_converter_takes_them(tmp_path):
    converter = tool("label_studio_sdk.converter")
    tasks, config = written("labelstudio", ["Wave", "Bow"], tmp_path)
    (task,) = json.loads(tasks.read_text())
    annotation = task["predictions"][0] | {"id": 5, "was_cancelled": False, "completed_by": 1}
    (tmp_path / "export.json").write_text(json.dumps([task | {"id": 1, "annotations": [annotation]}]))
    converter.Converter(config.read_text(), project_dir=None).convert_to_json_min(
        str(tmp_path / "export.json"), str(tmp_path / "min"), is_dir=False
    )
    (short,) = json.loads((tmp_path / "min" / "result.json").read_text())
    assert [region["timelinelabels"] for region in short["actions"]] == [["Wave"], ["Bow"]]


def test_fiftyone_imports_them(tmp_path):
    importers = tool("fiftyone.utils.data.importers")
    classes = list(NASTY)
    written("fiftyone", classes, tmp_path)
    kind = importers.FiftyOneTemporalDetectionDatasetImporter
    with kind(dataset_dir=str(tmp_path / "fiftyone"), data_path="data.json") as found:
        ((path, _, label, _),) = list(found)
    assert path == str(tmp_path / "monday.mp4") and [x.label for x in label.detections] == classes
    assert (label.detections[1].support, label.detections[1].confidence) == ([32, 63], 0.5)
    assert label.detections[1]["start_s"] == 1.25
