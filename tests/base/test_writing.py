"""What is written is there whole or not at all: killed in the middle, stopped between renames, refused by the system."""

import ast
import os
import re
import subprocess
import sys

import pytest

from wstal.app import folders
from wstal.base import files, locks
from wstal.base.code import PACKAGE
from wstal.base.errors import MachineError, UserError
from wstal.base.paths import ROOT

WRITES = {
    "write_text", "write_bytes", "touch", "mkdir", "rename", "rmtree", "copyfile", "copytree", "copy", "copy2", "move", "save",
    "savez", "savez_compressed", "savetxt", "savefig", "save_file", "serialize_file", "dump", "to_csv", "imwrite", "mkstemp",
    "mkdtemp", "TemporaryDirectory", "NamedTemporaryFile", "symlink_to", "hardlink_to", "unlink", "remove", "rmdir", "replace",
    "open",
}  # fmt: skip
INSIDE = "a folder that files.fresh, files.several or files.scratch gave"
ALLOWED = {  # file -> what it calls, and why that is no output by itself
    "app/notebooks.py": ({"TemporaryDirectory"}, "sockets"),
    "app/verify.py": ({"TemporaryDirectory", "mkdir", "symlink_to"}, "a clone that goes"),
    "app/smoke.py": ({"rmtree"}, "removes what processes have left"),
    "app/own_videos.py": ({"rename"}, INSIDE),
    "base/manifest.py": ({"write_bytes"}, INSIDE),
    "base/files.py": (None, "the mechanism"),
    "base/locks.py": (None, "locks"),
    "base/standard_streams.py": ({"open"}, "opens the void"),
    "base/progress.py": ({"mkdir", "open", "unlink"}, "a channel between processes"),
    "base/paths.py": ({"mkdir"}, "folders of what is written by others"),
    "app/api.py": ({"copytree", "mkdtemp", "rmtree"}, INSIDE + "; and a folder of this process for runs that nobody keeps"),
    "app/burn.py": ({"open"}, INSIDE),
    "app/first_look.py": ({"copy2", "mkdir", "rmtree", "symlink_to"}, "a copy of the sources, which is made anew each time"),
    "app/folds.py": ({"symlink_to"}, INSIDE),
    "app/run_summary.py": ({"savefig"}, INSIDE),
    "site/__main__.py": ({"copytree", "rmtree"}, "a copy of reports, which is made anew each time"),
    "site/pages.py": ({"unlink"}, "removes pages that nothing makes any more"),
    "datasets/clips/render.py": ({"open"}, INSIDE),
    "exchange/layouts/_objects.py": ({"open"}, INSIDE),
    "exchange/layouts/acmnet.py": ({"mkdir", "save"}, INSIDE),
    "exchange/layouts/actionformer.py": ({"mkdir", "save"}, INSIDE),
    "exchange/layouts/activitynet.py": ({"mkdir", "save"}, INSIDE),
    "exchange/layouts/cmcs.py": ({"mkdir", "save", "savez"}, INSIDE),
    "exchange/layouts/registry.py": ({"mkdir"}, INSIDE),
    "exchange/layouts/wtalc.py": ({"mkdir", "save"}, INSIDE),
    "features/backbones/weights.py": ({"write_text", "write_bytes"}, INSIDE),
    "features/extraction/importer.py": ({"mkdir"}, INSIDE),
    "features/extraction/streamfile.py": ({"open", "rename", "unlink"}, INSIDE),
    "features/extraction/partfiles.py": ({"save", "unlink"}, "serializes, and removes what is damaged"),
    "report/plots.py": ({"savefig"}, INSIDE),
    "training/interrupted.py": ({"unlink"}, "removes a training's state when it is done"),
    "training/experiment.py": ({"rename", "save", "unlink"}, INSIDE),
}
OURS = {"files", "tensorfile", "store"}  # whose functions of these names pass through the mechanism, or write nothing


def for_writing(call):
    """Whether a call of `open` names a mode that writes."""
    modes = [node.value for node in (*call.args, *(word.value for word in call.keywords)) if isinstance(node, ast.Constant)]
    return any(isinstance(mode, str) and re.fullmatch(r"[rwaxbt+]*[wax+][rwaxbt+]*", mode) for mode in modes)


def writes(path):
    """Names of functions that a file calls to change what lies on disk."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            owner, _, name = ast.unparse(node.func).rpartition(".")
            text = name == "replace" and (len(node.args) != 1 or owner in ("dataclasses", "msgspec.structs", ""))
            memory = name in ("remove", "copy") and not owner.endswith(("os", "shutil"))
            reading = name == "open" and not for_writing(node)
            if name in WRITES and owner not in OURS and not (text or memory or reading):
                found.add(name)
    return found


def test_nothing_else_writes():
    """A new output passes through wstal/base/files.py, or says here why it need not."""
    found = {path.relative_to(PACKAGE).as_posix(): writes(path) for path in PACKAGE.rglob("*.py")}
    assert {name: calls for name, calls in found.items() if ALLOWED.get(name, (set(), ""))[0] not in (calls, None)} == {}


def test_the_rule_sees_what_it_forbids():
    assert {"mkdir", "mkdtemp", "write_bytes", "rmtree", "rename", "replace"} <= writes(PACKAGE / "base/files.py")


def killed(body, folder):
    """Run lines of Python in `folder`, in a process that kills itself where they say `die()`."""
    head = "import os; from pathlib import Path; from wstal.base import files\ndie = lambda *_: os.kill(os.getpid(), 9)\n"
    done = subprocess.run([sys.executable, "-c", head + body], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == -9


def visible(folder):
    """{name: content} of what lies in a folder."""
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def old(tmp_path):
    """A folder `out` and a file `a.txt` of an earlier run."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/run.yaml").write_text("old")
    (tmp_path / "a.txt").write_text("old")
    return tmp_path


def test_a_killed_writer_leaves_the_old_and_the_next_one_sweeps(old):
    killed('with files.fresh(Path("a.txt")) as new: new.write_text("half"); die()', old)
    killed('with files.fresh(Path("out")) as new: new.mkdir(); (new / "run.yaml").write_text("half"); die()', old)
    assert (old / "a.txt").read_text() == (old / "out/run.yaml").read_text() == "old"
    assert len(list(old.glob(".wstal-*"))) == 1  # the second has swept what the first left
    files._sweep.cache_clear()
    files.write(old / "a.txt", "new")
    assert visible(old) == {"a.txt": "new", "out/run.yaml": "old"}


def test_what_another_process_is_writing_is_not_swept(old):
    with files.fresh(old / "out") as new:
        new.mkdir()
        files._sweep.cache_clear()
        files.write(old / "b.txt", "new")
        (new / "run.yaml").write_text("new")
    assert visible(old) == {"a.txt": "old", "b.txt": "new", "out/run.yaml": "new"}


@pytest.mark.parametrize("step", ["path.rename(_aside(path))", "new.rename(path)"])
def test_between_two_renames_the_next_run_finds_the_way_back(old, monkeypatch, step):
    """Where the system cannot exchange two folders."""
    before = "" if step.startswith("path") else 'os.rename("out", files._aside(Path("out"))); '
    killed(f"{before}die()", old)
    if before:
        assert not (old / "out").exists()
    monkeypatch.setattr(files, "_libc", lambda: None)
    with files.fresh(old / "out") as new:
        new.mkdir()
        (new / "run.yaml").write_text("new")
    assert visible(old) == {"a.txt": "old", "out/run.yaml": "new"}


def test_a_put_aside_folder_comes_back_though_the_next_run_fails(old, monkeypatch):
    (old / "out").rename(files._aside(old / "out"))
    with pytest.raises(UserError), files.fresh(old / "out") as new:
        raise UserError("x is bad; mend it.")
    assert not new.exists() and visible(old) == {"a.txt": "old", "out/run.yaml": "old"}


@pytest.mark.parametrize("moved", [0, 1, 2])
def test_several_files_come_together_though_killed_while_they_move(tmp_path, moved):
    (tmp_path / "gone.txt").write_text("old")
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "mine.txt").write_text("somebody's")
    body = f"""
move, done = Path.replace, []
def replace(path, target):
    done.append(path)
    die() if len(done) > {moved} else move(path, target)
Path.replace = replace
with files.several(Path("."), [Path("gone.txt")]) as new:
    (new / "elan").mkdir()
    for name in ("a.txt", "elan/b.txt", "c.txt"):
        (new / name).write_text("new")
"""
    killed(body, tmp_path)
    files.finish(tmp_path)
    new = {name: "new" for name in ("a.txt", "c.txt", "elan/b.txt")}
    assert visible(tmp_path) == new | {"mine.txt": "somebody's"} and not list(tmp_path.glob(".wstal*/*"))


def test_several_files_that_cannot_come_leave_all_as_it_was(old):
    (old / "elan").write_text("a file")
    with pytest.raises(UserError, match="cannot be written"), files.several(old, [old / "a.txt"]) as new:
        (new / "elan").mkdir()
        (new / "elan/b.txt").write_text("new")
    assert visible(old) == {"a.txt": "old", "elan": "a file", "out/run.yaml": "old"}


def test_sentences_name_a_file_by_its_place(tmp_path):
    with pytest.raises(UserError, match=rf"^{tmp_path}/store/rgb.npy is bad"), files.fresh(tmp_path / "store") as new:
        raise UserError(f"{new}/rgb.npy is bad; mend it.")
    full = pytest.raises(MachineError, match=rf"^{tmp_path}/a cannot be written, as its disk is full")
    with full, files.fresh(tmp_path / "a") as new:
        raise OSError(28, "No space left on device", str(new))
    assert list(tmp_path.iterdir()) == []


def test_a_file_never_takes_the_place_of_a_folder_or_a_folder_that_of_a_file(old):
    with pytest.raises(UserError, match=r"out cannot be written \(Is a directory\)"):
        files.write(old / "out", "new")
    with pytest.raises(UserError, match=r"a\.txt cannot be written \(Not a directory\)"), files.fresh(old / "a.txt") as new:
        new.mkdir()
    assert visible(old) == {"a.txt": "old", "out/run.yaml": "old"}


def test_a_link_stays_a_link(old):
    (old / "link").symlink_to(old / "a.txt")
    files.write(old / "link", "new")
    assert (old / "link").is_symlink() and (old / "a.txt").read_text() == "new"


def beside(body, folder):
    """Another process in `folder` that runs lines of Python, and has said that it is there."""
    head = "import sys, time; from pathlib import Path; from wstal.app import folders; from wstal.base import locks\n"
    other = subprocess.Popen(
        [sys.executable, "-c", head + body], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdout.readline() == "held\n"
    return other


def test_two_commands_do_not_write_to_one_folder(tmp_path):
    other = beside('with folders.taken(Path("out")): print("held", flush=True); sys.stdin.read()', tmp_path)
    busy = pytest.raises(UserError, match="out is being written by another command; wait for its end")
    with busy, folders.taken(tmp_path / "out"):
        pass
    other.communicate()
    other = beside('with folders.taken(Path("out")): print("held", flush=True); sys.stdin.read()', tmp_path)
    other.kill()  # its lock goes with it
    other.communicate()
    with folders.taken(tmp_path / "out"), folders.taken(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_waited_for(tmp_path):
    other = beside('with locks.held(Path("l"), "x"): print("held", flush=True); time.sleep(0.5); print("ends")', tmp_path)
    with locks.held(tmp_path / "l", "x"):
        assert other.communicate() == ("ends\n", None)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_never_goes_for_a_file_nor_a_file_for_a_folder(tmp_path):
    kept = tmp_path / "folder" / "kept"
    kept.parent.mkdir()
    kept.write_text("kept")
    with pytest.raises(UserError, match=r"folder is a folder|folder cannot be written \(Is a directory\)"):
        files.write(kept.parent, "new")
    with pytest.raises(UserError, match="kept"), files.fresh(kept) as fresh:
        fresh.mkdir()
    assert kept.read_text() == "kept" and list(tmp_path.iterdir()) == [kept.parent]
