"""`wstal localize --formats` and `wstal labels`: there, corrected, and back."""

import csv
import hashlib
import json

import numpy as np
import pytest

from tests.features.films import grey, write
from tests.made import make_detections
from wstal.app import cli, own_videos
from wstal.app.own_videos import Located
from wstal.app.provenance import Origin
from wstal.exchange.tools import registry
from wstal.features.extraction.extract import ExtractionSummary
from wstal.report.timeline import Film
from wstal.training import card

CLASSES = ("Wave", "Bow, low")
EVERY = {
    "csv": ["segments.csv"],
    "elan": ["elan/Tag zwei.eaf", "elan/monday.eaf"],
    "fiftyone": ["fiftyone/data.json", "fiftyone/labels.json"],
    "labelstudio": ["labelstudio/config.xml", "labelstudio/tasks.json"],
    "srt": ["srt/Tag zwei.srt", "srt/monday.srt"],
    "via": ["via/project.json"],
    "webvtt": ["webvtt/Tag zwei.vtt", "webvtt/monday.vtt"],
}


@pytest.fixture
def localize(tmp_path, monkeypatch):
    """localize(formats) -> exit status, as if a run had found three actions in the first of two films."""
    for name in ("monday", "Tag zwei"):
        write(tmp_path / f"{name}.mp4", grey(30), rate=20)
    shown = make_detections(
        [(0, 0, 0.1, 0.5, 0.9), (0, 1, 0.1004, 0.7, 0.5), (0, 0, 0.8, 1.2, 0.3)], ("monday", "Tag zwei"), CLASSES
    )
    times_s = np.zeros(0)
    whys = {"monday": "", "Tag zwei": "nothing stands out"}
    seen = [Film(video, 1.5, times_s, times_s, {}, [], [], [], why=why) for video, why in whys.items()]
    located = Located(shown, shown, seen, "run", CLASSES, ExtractionSummary(), Origin("wstal localize", {}, "", {}))

    class Run:
        classes = CLASSES

    monkeypatch.setattr(card, "read", lambda folder: Run)
    monkeypatch.setattr(own_videos, "localize", lambda *arguments: located)

    def localize(formats=None):
        videos = [str(tmp_path / f"{name}.mp4") for name in ("monday", "Tag zwei")]
        more = ["--formats", formats] if formats else []
        return cli.main(["localize", *videos, "--run", "run", "--out", str(tmp_path / "found"), *more])

    return localize


def found(out):
    return sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", EVERY)
def test_a_format_is_its_files(localize, tmp_path, name):
    assert localize(name) == 0 and found(tmp_path / "found") == sorted([*EVERY[name], "formats.json"])


def test_without_formats_nothing_is_written_beside(localize, tmp_path):
    assert localize() == 0 and found(tmp_path / "found") == []


def test_all_formats_at_once_and_then_one(localize, tmp_path):
    """What an earlier run has written and nobody has touched makes room."""
    assert localize(",".join(EVERY)) == 0
    assert found(tmp_path / "found") == sorted([*(name for names in EVERY.values() for name in names), "formats.json"])
    assert localize("srt") == 0 and found(tmp_path / "found") == sorted([*EVERY["srt"], "formats.json"])
    assert localize() == 0 and found(tmp_path / "found") == []


def test_what_was_corrected_is_never_lost(localize, tmp_path, capsys):
    assert localize("elan,srt") == 0
    path = tmp_path / "found" / "elan" / "monday.eaf"
    path.write_text(path.read_text().replace("0.900", "sure"))
    before = found(tmp_path / "found")
    for formats in ("srt", None):
        assert localize(formats) == 1 and "monday.eaf was changed since it was written; move it" in capsys.readouterr().err
    assert found(tmp_path / "found") == before and "sure" in path.read_text()


def test_what_others_wrote_is_never_lost(localize, tmp_path, capsys):
    (tmp_path / "found" / "elan").mkdir(parents=True)
    (tmp_path / "found" / "elan" / "monday.eaf").write_text("by hand, from the text that ELAN imports")
    assert localize("srt,elan") == 1 and "monday.eaf is somebody else's; move it" in capsys.readouterr().err
    assert found(tmp_path / "found") == ["elan/monday.eaf"] and localize("srt") == 0


@pytest.mark.parametrize("name", ["../mine.txt", "/etc/hostname", "elan/../../mine.txt"])
def test_a_list_of_files_that_leads_elsewhere_removes_nothing(localize, tmp_path, capsys, name):
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (tmp_path / "found").mkdir()
    digest = hashlib.sha256(b"mine").hexdigest()
    (tmp_path / "found" / "formats.json").write_text(json.dumps({name: digest}))
    assert localize("srt") == 1 and "cannot name a file" in capsys.readouterr().err and mine.read_text() == "mine"


def test_the_command_line_lists_the_formats(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["localize", "--help"])
    text = capsys.readouterr().out
    listed = text[text.index("formats, beside these") :].splitlines()[1 : 1 + len(EVERY)]
    assert sorted(line.split()[0] for line in listed) == sorted(EVERY) == sorted(registry.formats())


def test_unknown_formats_are_a_wrong_command_line(localize, capsys):
    with pytest.raises(SystemExit, match="2"):
        localize("elan,praat")
    assert "'praat' is no format; write some of csv, elan" in capsys.readouterr().err


def test_a_class_that_a_format_cannot_hold_is_said_before_work(localize, monkeypatch, capsys):
    monkeypatch.setattr(card.read(""), "classes", ("two\nlines",))
    monkeypatch.setattr(own_videos, "localize", lambda *arguments: pytest.fail("it has begun"))
    assert localize("webvtt,srt") == 1
    assert "class 'two\\nlines' cannot be written as srt" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["elan", "labelstudio", "srt", "via", "webvtt"])
def test_back_to_labels_and_times(localize, tmp_path, capsys, name):
    localize(name)
    capsys.readouterr()
    out, truth = tmp_path / "corrected.csv", tmp_path / "truth.json"
    paths = [str(tmp_path / "found" / path) for path in EVERY[name] if not path.endswith(".xml")]
    assert cli.main(["labels", *paths, "--out", str(out), "--truth", str(truth)]) == 0
    captured = capsys.readouterr()
    cure = "if it shows no action, add it there with the label -"
    assert captured.err == f"note: Tag zwei has no label, so it is not in {out}; {cure}.\n"
    assert captured.out.splitlines()[0] == f"{out}: 1 videos, 2 labels"
    with out.open(newline="") as file:
        video = "monday" if name in ("srt", "webvtt") else "monday.mp4"  # subtitles do not name their video
        assert list(csv.reader(file)) == [["video", "label"], [video, "Bow, low"], [video, "Wave"]]
    database = json.loads(truth.read_text())["database"]
    assert database["Tag zwei"] == {"subset": "test", "annotations": []}
    segments = [(x["label"], *x["segment"]) for x in database["monday"]["annotations"]]
    assert segments == [("Wave", 0.1, 0.5), ("Bow, low", 0.1, 0.7), ("Wave", 0.8, 1.2)]
    predictions = {"results": {"monday": [{"label": x[0], "score": 1, "segment": x[1:]} for x in segments]}}
    (tmp_path / "predictions.json").write_text(json.dumps(predictions))
    assert cli.main(["evaluate", str(truth), str(tmp_path / "predictions.json")]) == 0
    assert "average 100.00" in capsys.readouterr().out


def subtitle(path, *labels):
    path.write_text("".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},500\n{label}\n\n" for n, label in enumerate(labels)))
    return str(path)


def test_files_of_one_video_are_put_together_and_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "b").mkdir()
    paths = [subtitle(tmp_path / "x.srt", "Wave", "Bow"), subtitle(tmp_path / "b" / "x.srt", "Wave", "Bow", "Jump")]
    command = ["labels", *paths, "--out", str(tmp_path / "labels.csv")]
    assert cli.main(command) == 0 and (tmp_path / "labels.csv").read_text() == "video,label\nx,Bow\nx,Jump\nx,Wave\n"
    assert cli.main(command) == 1 and "labels.csv exists; name a new file" in capsys.readouterr().err


def test_no_labels_and_no_times_are_sentences(tmp_path, capsys):
    empty = subtitle(tmp_path / "x.srt")
    assert cli.main(["labels", empty, "--out", str(tmp_path / "l.csv")]) == 1
    assert "x.srt: no label is there" in capsys.readouterr().err
    tasks = [
        {"data": {"video": f"{name}.mp4", **more}, "annotations": [{"result": [
            {"type": "timelinelabels", "value": {"ranges": [{"start": 1, "end": 25}], "timelinelabels": ["Wave"]}}
        ]}]} for name, more in (("a", {}), ("b", {"fps": 25}))
    ]  # fmt: skip
    for count, code, said in ((1, 1, "no video has times for all its labels"), (2, 0, "note: a has a label without times")):
        (tmp_path / "x.json").write_text(json.dumps(tasks[:count]))
        command = ["labels", str(tmp_path / "x.json"), "--out", str(tmp_path / "l.csv"), "--truth", str(tmp_path / "t.json")]
        assert cli.main(command) == code and said in capsys.readouterr().err
    assert [*json.loads((tmp_path / "t.json").read_text())["database"]] == ["b"]


def test_the_table_trains(tmp_path):
    """The reader of `wstal train` takes it: names without endings, labels with commas and quotes."""
    from wstal.datasets.readers import labels_csv

    write(tmp_path / "x.mp4", grey(5))
    (tmp_path / "tool").mkdir()
    path = subtitle(tmp_path / "tool" / "x.srt", 'say "hi", low')
    assert cli.main(["labels", path, "--out", str(tmp_path / "labels.csv")]) == 0
    source = labels_csv.Source(root=str(tmp_path), labels="labels.csv", videos=".", test_every=0, exclude=[])
    assert labels_csv.trained(source) == {'say "hi", low'}
