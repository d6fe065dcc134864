"""A short form of `make torture`: a feature store that is killed while it is written."""

import random
import sys

from scripts import torture


def test_a_killed_store_ends_in_the_same_bytes(tmp_path):
    work = torture.Work("store", tmp_path / "inputs")
    took_s = work.finish(tmp_path / "first")
    whole = torture.made(tmp_path / "first")
    assert set(whole) == {"store/rgb.npy", "store/manifest.json"}
    assert torture.kills(work, 2, tmp_path, random.Random(0), whole, took_s) == 2


def test_work_that_ends_otherwise_is_counted(tmp_path, monkeypatch):
    """The rule sees what it looks for: other bytes, and what is left behind."""
    script = "import os, pathlib; o = pathlib.Path('out'); o.mkdir(exist_ok=True); (o / 'a').write_text(str(os.getpid()))"
    monkeypatch.setattr(torture.Work, "command", lambda work, place: [sys.executable, "-c", script])
    work = torture.Work("store", tmp_path / "inputs")
    work.finish(tmp_path / "first")
    assert torture.kills(work, 1, tmp_path, random.Random(0), torture.made(tmp_path / "first"), 0.1) == 0
    (tmp_path / ".wstal-x.partial").mkdir()
    (tmp_path / ".wstal-x.lock").touch()
    assert [path.name for path in torture.left(tmp_path)] == [".wstal-x.partial"]


def test_work_that_fails_the_second_time_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(torture.Work, "command", lambda work, place: [sys.executable, "-c", "import sys; sys.exit('broken')"])
    assert not torture.again(torture.Work("store", tmp_path / "inputs"), tmp_path / "here", {})


def test_a_worker_is_killed_where_there_is_one(tmp_path, monkeypatch):
    alone = "import time; time.sleep(0.2)"
    several = "import subprocess, sys; sys.exit(subprocess.call(['sleep', '60']) == -9 and 'a worker was killed')"
    work = torture.Work("store", tmp_path / "inputs")
    for script, ends in ((alone, ("it has no worker", True)), (several, ("status 1", True))):
        monkeypatch.setattr(torture.Work, "command", lambda work, place, script=script: [sys.executable, "-c", script])
        assert torture.faulty(work, "worker killed", tmp_path, 0.1) == ends


def test_work_without_stderr_has_to_be_done(tmp_path, monkeypatch):
    monkeypatch.setattr(torture.Work, "command", lambda work, place: [sys.executable, "-c", "import sys; sys.exit(1)"])
    assert torture.faulty(torture.Work("store", tmp_path / "inputs"), "stderr closed", tmp_path, 0.1) == ("status 1", False)


def test_the_report_has_a_line_for_each(tmp_path):
    text = torture.table([("store", 2, 1)], [("Ctrl-C", "wstal train", "status 130", True, False)])
    assert "| store | 2 | 1 |" in text and "| Ctrl-C | wstal train | status 130 | yes | no |" in text
