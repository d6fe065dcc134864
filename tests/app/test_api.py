"""`import wstal`: what README and docs/python.md promise to scripts and notebooks."""

import gc
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import wstal
from tests.app.test_own_videos import COLOURS, films, labels, raw, settings, weights  # noqa: F401 - fixtures
from wstal.app import api, cli, main_guard
from wstal.app.explain import explain
from wstal.app.own_videos import NAME
from wstal.base.conversion import merge
from wstal.base.paths import ROOT
from wstal.config import parameters

PAGE = ROOT / "docs" / "python.md"
SMALL = {"params": {"hidden": [16, 16]}, "training": {"batch_videos": 4}}
QUICK = {NAME: {"overrides": {"facnet": SMALL}, "burnt": {"short_side": 96}}}
START_S, END_S = 48 / 25, 112 / 25  # of the action in each film


@pytest.fixture
def place(films, labels, raw, tmp_path, monkeypatch):  # noqa: F811
    """A folder with all files that the page names, and settings of small networks."""
    monkeypatch.setattr(parameters, "read", lambda: merge(raw, QUICK))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(films, tmp_path / "videos")
    shutil.copy(films / "Red_new.mp4", "new.mp4")
    shutil.copy(films / "Blue_new.mp4", "other.mp4")
    rows = {"new": "Red", "other": "Blue"}
    database = {
        video: {"subset": "test", "annotations": [{"segment": [START_S, END_S], "label": label}]}
        for video, label in rows.items()
    }
    (tmp_path / "truth.json").write_text(json.dumps({"database": database}))
    return tmp_path


def blocks():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)


def test_the_page_runs_from_top_to_bottom(place):
    space = {}
    for block in blocks():
        exec(block, space)
    assert space["run"].classes == ("Blue", "Red") and len(space["found"]) == len(space["frame"])
    assert 'data-places="[&quot;new.mp4&quot;]"' in (place / "page.html").read_text()
    far = 'data-places="[&quot;new.mp4&quot;, &quot;../new.mp4&quot;]"'
    assert far in (place / "found" / "timeline.html").read_text() and "data-places" not in space["found"]._repr_html_()
    assert sorted(path.name for path in (place / "found" / "labelled").iterdir()) == ["new.mp4", "other.mp4"]
    assert space["run"].crossed is None and space["found"].left_out == {}
    assert (place / "runs" / "copy" / "run.yaml").is_file()
    assert space["score"].average == pytest.approx(wstal.evaluate("truth.json", space["found"]).average)


def test_every_public_name_has_a_place_on_the_page():
    heads = set(re.findall(r"^## `(?:wstal|run)\.(\w+)\(", PAGE.read_text(), re.M))
    assert heads == {"train", "load", "localize", "evaluate"}
    assert {name for name in wstal.__all__ if name.islower()} == heads - {"localize"}
    for name in heads - {"localize"}:
        (head,) = re.findall(rf"^## `wstal\.{name}\((.*)\)`", PAGE.read_text(), re.M)
        words = set(re.findall(r"\w+", head)) - {"None"}
        code = getattr(wstal, name).__code__
        assert words == set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def test_a_frame_holds_what_the_table_shows(place):
    run = wstal.train("labels.csv", "videos", method="wtalc", quiet=True)
    found = run.localize(["new.mp4", "other.mp4"], quiet=True)
    frame = found.to_dataframe()
    rows = [(r.video, f"{r.start_s:.3f}", f"{r.end_s:.3f}", r.label, f"{r.score:.4g}") for r in frame.itertuples()]
    assert [*frame] == ["video", "start_s", "end_s", "label", "score"] and rows == [*found.located.table.rows]
    best = frame.loc[frame.groupby("video").score.idxmax()]
    assert dict(zip(best.video, best.label, strict=True)) == {"new": "Red", "other": "Blue"}
    assert len(found.to_dataframe(every=True)) == len(found.detections) >= len(frame)
    assert "<iframe" in found._repr_html_() and "new" in found._repr_html_()


def test_saved_detections_say_where_they_come_from_as_the_command_does(place):
    """To the byte, and when the run of them is gone."""
    found = wstal.train("labels.csv", "videos", method="wtalc", quiet=True).localize(["new.mp4", "other.mp4"], quiet=True)
    gc.collect()
    assert not Path(found.located.run).exists()
    found.save("saved")
    wstal.train("labels.csv", "videos", out="run", method="wtalc", quiet=True)
    assert cli.main(["localize", "new.mp4", "other.mp4", "--run", "run", "--out", "told"]) == 0
    saved, told = ((place / folder / "provenance.yaml").read_text() for folder in ("saved", "told"))
    assert saved.splitlines()[0] == "command: wstal localize new.mp4 other.mp4 --run run --out OUT"
    assert saved.partition("\nfiles:")[0] == told.partition("\nfiles:")[0]
    assert explain(place / "saved").count(": yes, sha256") == 5


def test_training_that_fails_leaves_no_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(wstal.UserError):
        wstal.train("no labels.csv", "no videos", quiet=True)
    assert not list(tmp_path.glob("wstal.*"))


def test_a_run_without_a_folder_goes_with_its_object_unless_it_is_saved(place):
    run = wstal.train("labels.csv", "videos", method="wtalc", quiet=True)
    saved, folder = run.save("kept"), run.folder
    assert folder.is_dir() and "wtalc, seed 0, Blue, Red" in repr(run)
    del run
    gc.collect()
    assert not folder.exists() and wstal.load("kept").classes == saved.classes == ("Blue", "Red")


def test_a_trained_run_is_never_replaced_in_silence(place):
    wstal.train("labels.csv", "videos", out="mine", method="wtalc", quiet=True)
    before = (place / "mine" / "run.yaml").read_text()
    for again in (lambda: wstal.train("labels.csv", "videos", out="mine"), lambda: wstal.load("mine").save("mine")):
        with pytest.raises(wstal.UserError, match=r"mine holds a trained run; name a new folder, or add --replace"):
            again()
    assert (place / "mine" / "run.yaml").read_text() == before
    wstal.train("labels.csv", "videos", out="mine", method="wtalc", seed=1, replace=True, quiet=True)
    assert (place / "mine" / "run.yaml").read_text() != before


def test_average_precision_by_class(place):
    rows = [{"label": "Red", "score": 0.9, "segment": [START_S, END_S]}]
    (place / "p.json").write_text(json.dumps({"results": {"new": rows}}))
    score = wstal.evaluate("truth.json", "p.json", tious=[0.5, 0.9], protocol="thumos-wtalc")
    assert score.mAP == {0.5: 0.5, 0.9: 0.5} and score.average == 0.5
    expected = pd.DataFrame({0.5: [0.0, 1.0], 0.9: [0.0, 1.0]}, index=pd.Index(["Blue", "Red"], name="label"))
    pd.testing.assert_frame_equal(score.to_dataframe(), expected)
    assert "50.00 % on average" in score._repr_html_() and any("Blue" in note for note in score.notes)
    printed = wstal.evaluate("truth.json", "p.json", tious=[0.5], protocol="thumos-wtalc", as_published=True)
    assert printed.mAP == {0.5: 0.0}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wstal.load("none"), "holds no run.yaml"),
        (lambda: wstal.evaluate("truth.json", "truth.json", protocol="mine"), "no protocol 'mine'; there are activitynet"),
        (lambda: wstal.train("labels.csv", "videos", params={"onw": {}}), "no 'onw'"),
        (lambda: wstal.train("labels.csv", "nowhere"), "nowhere is no folder"),
    ],
)
def test_bad_input_is_a_sentence(place, call, words):
    with pytest.raises(wstal.UserError, match=words):
        call()


def test_importing_loads_nothing_heavy():
    code = "import wstal, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "pandas", "av", "wstal.app.api"} & set(done.stdout.split())
    assert set(wstal.__all__) <= set(dir(wstal)) and wstal.TrainedRun is api.TrainedRun
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        _ = wstal.trian


GUARDLESS = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from wstal.app import main_guard
print("script", flush=True)
with main_guard.not_run_again() if sys.argv[1] == "inside" else nullcontext():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        print("work", pool.submit(os.getpid).result() != os.getpid(), flush=True)
"""


def test_processes_do_not_run_the_callers_script(tmp_path):
    (tmp_path / "mine.py").write_text(GUARDLESS)
    done = {
        how: subprocess.run([sys.executable, tmp_path / "mine.py", how], cwd=ROOT, capture_output=True, text=True)
        for how in ("inside", "outside")
    }
    assert (done["inside"].stdout, done["inside"].stderr) == ("script\nwork True\n", "")
    assert done["outside"].returncode != 0 and done["outside"].stdout.count("script") > 1  # the trap that is avoided
    main = sys.modules["__main__"]
    with main_guard.not_run_again():
        assert sys.modules["__main__"] is not main
    assert sys.modules["__main__"] is main
