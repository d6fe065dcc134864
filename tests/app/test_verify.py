"""A fresh clone that runs the pipeline again: what is compared, and what is said. The pipeline is played by the test."""

import subprocess

import numpy as np
import pytest
import yaml

from wstal.app import verify
from wstal.base.errors import UserError


def git(folder, *words):
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=folder, check=True, capture_output=True)


def lock(md5):
    return yaml.safe_dump({"stages": {"features@x": {"outs": [{"path": "data/features/x", "md5": md5}]}}})


@pytest.fixture
def repository(tmp_path):
    """A repository with a report, a lock, and features that DVC keeps."""
    root = tmp_path / "root"
    (root / "reports").mkdir(parents=True)
    (root / "reports/a.csv").write_text("1,2\n")
    (root / "dvc.lock").write_text(lock("old"))
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "a")
    (root / "data/features/x").mkdir(parents=True)
    (root / "data/raw").mkdir()
    np.save(root / "data/features/x/rgb.npy", np.zeros(3))
    return root


@pytest.fixture
def playing(monkeypatch):
    """playing(repro) -> `dvc repro` in the clone is repro(clone)."""

    def playing(repro):
        run = verify.run
        monkeypatch.setattr(
            verify, "run", lambda command, folder: repro(folder) if "repro" in command else run(command, folder)
        )

    return playing


def test_a_pipeline_that_makes_the_same_is_identical(repository, playing, tmp_path):
    playing(lambda clone: (clone / "reports/a.csv").write_text("1,2\n"))
    assert verify.verify([], tmp_path / "place", repository) == []


def test_what_differs_is_said_down_to_the_value(repository, playing, tmp_path):
    def repro(clone):
        (clone / "reports/a.csv").write_text("1,3\n")
        (clone / "dvc.lock").write_text(lock("new"))
        (clone / "data/features/x").mkdir(parents=True)
        np.save(clone / "data/features/x/rgb.npy", np.array([0.0, 0.5, 0.0]))

    playing(repro)
    assert verify.verify([], tmp_path / "place", repository) == [
        "reports/a.csv: line 1, column 2 is '3', and was '2'",
        "data/features/x/rgb.npy: array[1] is 0.5, and was 0.0 (1 of 3 differ)",
    ]


def test_without_files_here_hashes_are_compared(repository, playing, tmp_path):
    (repository / "data/features/x/rgb.npy").unlink()
    (repository / "data/features/x").rmdir()
    playing(lambda clone: (clone / "dvc.lock").write_text(lock("new")))
    assert verify.verify([], tmp_path / "place", repository) == [
        "data/features/x has another hash than in dvc.lock, new for old"
    ]


def test_a_stage_that_fails_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"^git clone .* failed in the clone: .*; mend it, commit, and verify again\.$"):
        verify.verify([], tmp_path, tmp_path / "none")
