"""`wstal evaluate`: what it prints and writes, and that bad input is one sentence."""

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from wstal.app import check
from wstal.app.cli import main, thresholds
from wstal.base.errors import UserError

ROW = {"label": "x", "score": 0.5, "segment": [0, 10]}
TRUTH = {"database": {"a": {"subset": "validation", "annotations": [{"label": "x", "segment": [0, 10]}]}}}


@pytest.fixture
def files(tmp_path):
    """files(truth, results) -> the two paths; text is written as it is."""

    def save(ground_truth=TRUTH, predictions=None):
        predictions = {"results": {"a": [ROW]}} if predictions is None else predictions
        for name, content in (("truth.json", ground_truth), ("predictions.json", predictions)):
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return [str(tmp_path / "truth.json"), str(tmp_path / "predictions.json")]

    return save


@pytest.mark.parametrize(
    ("words", "without"), [("['--help']", "numpy"), ("['train', '--help']", "torch"), ("['--version']", "yaml")]
)
def test_what_is_asked_for_often_starts_quickly(words, without):
    code = f"import sys, contextlib; from wstal.app.cli import main\nwith contextlib.suppress(SystemExit): main({words})"
    code += "\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert without not in done.stdout.splitlines()[-1].split() and "wstal" in done.stdout


def test_checking_loads_no_library_that_is_slow_to_load():
    code = "import sys; from wstal.app.cli import main; status = main(['check']); print(status, *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, *modules = done.stdout.splitlines()[-1].split()
    assert status == "0" and "numpy" in modules
    assert not {"av", "h5py", "matplotlib", "pandas", "scipy", "seaborn", "torch"} & set(modules)


@pytest.mark.parametrize("kept", ["", "    - path: 'dvc.ya", "    - path: dvc.ya", "    - path: dvc.yaml\n      si"])
def test_a_lock_that_was_cut_short_is_told_with_its_cure(tmp_path, kept):
    path, head = tmp_path / "dvc.lock", "schema: '2.0'\nstages:\n  plan:\n    deps:\n"
    check.check_lock(path)
    path.write_text(f"{head}    - path: dvc.yaml\n      size: 12\n")
    check.check_lock(path)
    path.write_text(kept and head + kept)
    with pytest.raises(UserError, match=r"dvc\.lock was cut short.*`git checkout dvc\.lock`"):
        check.check_lock(path)


def test_table_and_file(files, tmp_path, capsys):
    rows = [ROW, {**ROW, "segment": [0, 6.2], "score": 0.9}, {**ROW, "label": "unknown"}]
    out = tmp_path / "new" / "metrics.json"
    assert main(["evaluate", *files(predictions={"results": {"a": rows}}), "--json", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[:2] == ["tIoU     mAP %", "0.50    100.00"]
    assert captured.out.splitlines()[-2:] == ["0.95     50.00", "average  65.00"]
    assert captured.err == "note: Ignored 1 detection of 1 label without a ground-truth instance: 'unknown'.\n"
    metrics = json.loads(out.read_text())
    assert set(metrics) == {"average_mAP", "mAP", "seconds"} and metrics["average_mAP"] == pytest.approx(0.65)
    assert list(metrics["mAP"]) == [f"{t:.2f}" for t in np.linspace(0.5, 0.95, 10)]
    assert metrics["mAP"]["0.60"] == 1 and metrics["mAP"]["0.65"] == 0.5 and 0 < metrics["seconds"] < 10
    assert [path.name for path in out.parent.iterdir()] == ["metrics.json"]


def test_errors_stand_below_the_table(files, capsys):
    rows = [ROW, {**ROW, "segment": [0, 4], "score": 0.9}]
    assert main(["evaluate", *files(predictions={"results": {"a": rows}}), "--tiou", "0.5", "--errors", "0.5"]) == 0
    table, errors = capsys.readouterr().out.split("\n\n")
    assert table == "tIoU     mAP %\n0.50     50.00\naverage  50.00"
    assert "at tIoU 0.5, " in errors and "localization     100.00 +50.00\n" in errors
    assert "true positive      0.00\n" in errors and errors.endswith("\n0.00 % of the instances are matched by no detection.\n")
    assert main(["evaluate", *files(), "--errors", "2"]) == 1
    assert "tIoU 2 must be above 0" in capsys.readouterr().err


def test_protocol_and_subset_are_used(files, capsys):
    database = {"a": {**TRUTH["database"]["a"], "subset": "test"}, "b": TRUTH["database"]["a"]}
    paths = files({"database": database})
    assert main(["evaluate", *paths, "--protocol", "thumos-wtalc", "--tiou", "0.5,0.125"]) == 0
    assert capsys.readouterr().out == "tIoU     mAP %\n0.50    100.00\n0.125   100.00\naverage 100.00\n"
    assert main(["evaluate", *paths, "--subset", "validation"]) == 0
    assert "average   0.00" in capsys.readouterr().out


def test_thresholds_are_linspace():
    assert thresholds("0.5:0.95:0.05") == tuple(np.linspace(0.5, 0.95, 10).tolist())
    assert thresholds("0.1:0.7:0.1") == tuple(np.linspace(0.1, 0.7, 7).tolist())
    assert thresholds("0.3:0.3:0.1") == (0.3,) and thresholds("0.5, 0.75") == (0.5, 0.75)


@pytest.mark.parametrize(
    "text", ["", "x", "0.5:0.9", "0.5:0.95:0.1", "0.9:0.5:0.1", "0.1:0.5:0", "0", "1.5", "nan", "0.1:inf:0.1"]
)
def test_wrong_thresholds_are_a_wrong_command_line(files, text, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *files(), "--tiou", text])
    assert stop.value.code == 2 and "--tiou" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["evaluate"], ["evaluate", "a", "b", "--protocol", "mine"], ["unknown"]])
def test_wrong_command_line(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: wstal" in capsys.readouterr().err


def test_no_predictions_is_a_note(files, capsys):
    for results in ({}, {"a": []}):
        assert main(["evaluate", *files(predictions={"results": results})]) == 0
        captured = capsys.readouterr()
        assert "average   0.00" in captured.out and "There are no detections" in captured.err


@pytest.mark.parametrize(
    "protocol, mean, fate", [("activitynet", " 50.00", "false positives"), ("thumos-facnet", "100.00", "left out")]
)
def test_foreign_videos_are_a_note(files, capsys, protocol, mean, fate):
    results = {"a": [ROW], "foreign": [{**ROW, "score": 0.9}]}
    assert main(["evaluate", *files(predictions={"results": results}), "--protocol", protocol]) == 0
    captured = capsys.readouterr()
    assert f"average {mean}" in captured.out and fate in captured.err and "'foreign'" in captured.err


TWO = {
    "database": {
        "a": {"subset": "validation", "annotations": [{"label": "x", "segment": [0, 10]}, {"label": "y", "segment": [20, 30]}]},
        "b": {"subset": "validation", "annotations": [{"label": "x", "segment": [0, 10]}]},
    }
}


def test_a_class_without_detections_is_named_and_the_table_means_something(files, tmp_path, capsys):
    """thumos-facnet's code makes mAP 0 of it; --as-published prints that."""
    options = ["--protocol", "thumos-facnet", "--tiou", "0.5", "--json", str(tmp_path / "m.json")]
    paths = files(TWO, {"results": {"a": [ROW], "b": [ROW]}})
    for more, mean, said in (
        ([], 50.0, "has AP 0 for the class, `--as-published`"),
        (["--as-published"], 0.0, "prints that 0"),
    ):
        assert main(["evaluate", *paths, *options, *more]) == 0
        captured = capsys.readouterr()
        assert captured.out.endswith(f"average {mean:6.2f}\n") and said in captured.err
        assert "mAP is 0 under this protocol (with AP 0 for it 50.00 %): 'y'" in captured.err
        assert json.loads((tmp_path / "m.json").read_text())["average_mAP"] == mean / 100
    assert main(["evaluate", *paths, "--protocol", "activitynet", "--tiou", "0.5"]) == 0
    assert "their AP is 0: 'y'" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['["b"]', "b\n", "\ufeffv_b\r\nelsewhere\r\n"])
def test_listed_videos_are_left_out(files, tmp_path, capsys, text):
    paths = files(
        TWO, {"results": {"a": [ROW, {**ROW, "label": "y", "segment": [20, 30]}], "b": [{**ROW, "segment": [50, 60]}]}}
    )
    (tmp_path / "gone.txt").write_text(text, encoding="utf-8")
    assert main(["evaluate", *paths, "--tiou", "0.5"]) == 0
    assert "average  62.50" in capsys.readouterr().out
    assert main(["evaluate", *paths, "--tiou", "0.5", "--leave-out", str(tmp_path / "gone.txt")]) == 0
    captured = capsys.readouterr()
    assert captured.out.endswith("average 100.00\n") and captured.err == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"b": 1}', "holds no list of ids; write"),
        ("[1, 2]", "holds no list of ids; write"),
        ("nobody\n", "none of the listed videos ('nobody'); mend the list"),
        ("A\n", "none of the listed videos ('A'); mend the list"),
        ("a\nb\n", "no other videos than those listed; mend"),
        (None, "cannot be read"),
    ],
)
def test_a_list_that_leaves_out_nothing_or_everything_is_a_mistake(files, tmp_path, capsys, text, said):
    if text:
        (tmp_path / "gone.txt").write_text(text)
    assert main(["evaluate", *files(TWO), "--leave-out", str(tmp_path / "gone.txt")]) == 1
    assert said in capsys.readouterr().err


def test_videos_without_detections_are_counted(files, capsys):
    assert main(["evaluate", *files(TWO, {"results": {"a": [ROW], "b": []}})]) == 0
    assert "Found no detection in 1 of 2 annotated videos, whose instances count as missed" in capsys.readouterr().err


def test_all_faults_of_a_file_are_one_answer(files, capsys):
    rows = [{**ROW, "score": None}, {**ROW, "segment": [3]}, {**ROW, "label": ""}, {"label": "x"}, ROW]
    many = {"results": {"a": rows, "b": 7, "c": [{**ROW, "segment": [2, 1]}] * 30}}
    assert main(["evaluate", *files(predictions=many)]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "(and 15 more)" in said and "video 'b' is not a list" in said
    for number in range(4):
        assert f"detection {number} (counting from 0) of video 'a'" in said
    late = [{**ROW, "segment": [2, 1]}, ROW, {**ROW, "segment": [4, 3]}, {**ROW, "label": " "}]
    assert main(["evaluate", *files(predictions={"results": {"a": late}})]) == 1
    said = capsys.readouterr().err
    assert (
        all(f"detection {number} (counting from 0) of video 'a'" in said for number in (0, 2, 3)) and "detection 1 " not in said
    )
    bad = [{"label": "x", "segment": [0]}, {"label": 3, "segment": [0, 1]}, {"label": " ", "segment": [0, 1]}]
    assert main(["evaluate", *files({"database": {"a": {"subset": "validation", "annotations": bad}}})]) == 1
    said = capsys.readouterr().err
    assert all(f"annotation {number} (counting from 0) of video 'a'" in said for number in range(3)) and said.count("\n") == 1


def test_blanks_and_spellings_of_unicode_make_no_classes(files, capsys):
    truth = {"database": {"a": {"subset": "validation", "annotations": [{"label": "Caf\u00e9 ", "segment": [0, 10]}]}}}
    found = {
        "results": {"a": [{**ROW, "label": "Cafe\u0301"}, {**ROW, "label": " Caf\u00e9", "segment": [50, 60], "score": 0.1}]}
    }
    assert main(["evaluate", *files(truth, found)]) == 0
    captured = capsys.readouterr()
    assert "average 100.00" in captured.out and captured.err == ""


def test_inspect(files, tmp_path, capsys):
    truth, predictions = files(TWO)
    assert main(["inspect", truth]) == 0
    captured = capsys.readouterr().out
    assert "3 with times" in captured and captured.endswith(
        "x                      2                     2\ny                      1                     1\n"
    )
    TWO["database"]["b"]["annotations"].append({"label": "x", "segment": [-1, 2]})
    assert main(["inspect", files(TWO)[0]]) == 1
    TWO["database"]["b"]["annotations"].pop()
    assert "refused: " in (said := capsys.readouterr().out) and "[-1.0, 2.0] of video 'b' starts before its video" in said
    assert main(["inspect", predictions]) == 0 and "detections:            1" in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "none")]) == 1
    assert "is no file and no dataset of params.yaml" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["-1", "1.5", "x", str(2**31)])
def test_wrong_seeds_are_a_wrong_command_line(value, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["train", "labels.csv", "--videos", "videos", "--out", "run", "--seed", value])
    assert "is no seed; write" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_sentence_and_ends_the_processes(number, tmp_path):
    code = """
import multiprocessing, os, sys, time
from wstal.app import cli

def work(options):
    child = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    child.start()
    os.kill(os.getpid(), int(sys.argv[1]))
    time.sleep(60)

if __name__ == "__main__":
    cli._check = work
    sys.exit(cli.main(["check"]))
"""
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, str(tmp_path / "script.py"), str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "wstal: stopped; what is finished is kept: the same command goes on.\n"


def test_a_damaged_file_of_the_pipeline_can_be_made_again(files, capsys):
    assert main(["evaluate", *files(predictions="{")]) == 1
    assert "`dvc repro` makes those under runs/" in capsys.readouterr().err


BAD = {
    "score": (
        TRUTH,
        {"results": {"a": [ROW, {**ROW, "score": float("nan")}]}},
        "detection 1 (counting from 0) of video 'a'",
    ),
    "time": (TRUTH, {"results": {"a": [{**ROW, "segment": [0, float("inf")]}]}}, "has segment [0, inf]"),
    "order": (TRUTH, {"results": {"a": [{**ROW, "segment": [2, 1]}]}}, "ends at 1.0 s before it starts at 2.0 s"),
    "label": (TRUTH, {"results": {"a": [{**ROW, "label": 7}]}}, "has label 7"),
    "layout": (TRUTH, [ROW], 'holds no "results" object'),
    "cut": (TRUTH, '{"results": {"a": [{"label"', "is not JSON or was cut short"),
    "not json": (TRUTH, "label score", "is not JSON or was cut short"),
    "truth layout": ({"results": {}}, None, 'holds no "database" object'),
    "truth cut": ('{"database": {"a"', None, "is not JSON or was cut short"),
    "truth empty": ({"database": {"a": {"subset": "validation", "annotations": []}}}, None, "holds no action instance"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(files, name, capsys):
    ground_truth, predictions, words = BAD[name]
    paths = files(ground_truth, predictions)
    assert main(["evaluate", *paths]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and words in captured.err and captured.err.count("\n") == 1
    assert captured.err.startswith(f"wstal: {paths['truth' not in name]}")


def test_missing_files_and_unwritable_outputs(files, tmp_path, capsys):
    paths = files()
    missing = str(tmp_path / "none.json")
    for arguments in ([missing, paths[1]], [paths[0], missing], [str(tmp_path), paths[1]]):
        assert main(["evaluate", *arguments]) == 1
        assert "cannot be read" in capsys.readouterr().err
    for out in (tmp_path, tmp_path / "truth.json" / "x.json"):
        assert main(["evaluate", *paths, "--json", str(out)]) == 1
        assert "cannot be written" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["predictions.json", "truth.json"]


def test_nothing_that_is_read_is_written_over(files, tmp_path, capsys):
    paths = files()
    (tmp_path / "link.json").symlink_to("predictions.json")
    (tmp_path / "gone").write_text("b\n")
    subtitles = tmp_path / "v.vtt"
    subtitles.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nJump\n")
    for name in ("set", "other"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "v.npy", np.ones((3, 2), np.float32))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    evaluate = ["evaluate", *paths, "--leave-out", str(tmp_path / "gone"), "--json"]
    new = str(tmp_path / "new")
    for command in (
        *([*evaluate, str(path)] for path in (*paths, tmp_path / "link.json", tmp_path / "gone")),
        ["labels", str(subtitles), "--out", new, "--truth", new],
        ["labels", str(subtitles), "--out", new, "--truth", str(subtitles)],
        ["compare", str(tmp_path / "set"), str(tmp_path / "other"), "--csv", str(tmp_path / "set" / "v.npy")],
    ):
        assert main(command) == 1
        assert "would be written over what this command reads or writes" in capsys.readouterr().err
        assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_process_without_torch_or_traceback(files, tmp_path):
    code = "import sys; from wstal.app.cli import main; sys.exit(main(sys.argv[1:]) or 7 * ('torch' in sys.modules))"
    run = [sys.executable, "-W", "error", "-c", code, "evaluate"]
    assert subprocess.run([*run, *files()], capture_output=True, check=True).stderr == b""
    module = [sys.executable, "-W", "error", "-m", "wstal", "evaluate", *files(predictions="{"), "--tiou", "0.5"]
    broken = subprocess.run(module, capture_output=True, text=True, env={**os.environ, "PYTHONUTF8": "1"})
    assert broken.returncode == 1 and broken.stderr.count("\n") == 1 and "Traceback" not in broken.stderr
    helped = subprocess.run([sys.executable, "-m", "wstal", "evaluate", "--help"], capture_output=True, text=True, check=True)
    assert "thumos-facnet" in helped.stdout and "0.5:0.95:0.05" in helped.stdout


@pytest.mark.filterwarnings("error")
def test_times_that_no_video_has_are_no_warning(files, capsys):
    rows = [ROW, ROW | {"score": 0.1, "segment": [-1e308, 1e308]}]
    assert main(["evaluate", *files(predictions={"results": {"a": rows}})]) == 0
    assert "average 100.00" in capsys.readouterr().out
