"""Where caches lie: beside the code, where a variable says, or in the user's own folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wstal.base import paths


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("WSTAL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_caches_lie_beside_the_code(tmp_path):
    assert paths.cache(tmp_path) == tmp_path / ".cache"


def test_a_variable_moves_them(tmp_path):
    program = "from wstal.base import paths; print(paths.CACHE, paths.scratch('a').root)"
    for value, place in (("mine", tmp_path / "mine"), (str(tmp_path / "x"), tmp_path / "x"), ("~/y", Path.home() / "y")):
        around = os.environ | {"WSTAL_CACHE": value, "PYTHONPATH": str(paths.ROOT)}
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, cwd=tmp_path, env=around, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(place), str(place / "smoke/a")]


@pytest.mark.parametrize("there", [True, False])
def test_a_checkout_that_may_not_be_written_leaves_them_to_the_user(tmp_path, monkeypatch, there):
    """Files of a read-only mount, which even an administrator may not write."""
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: not Path(path).is_relative_to(tmp_path / "code") and may(path, mode))
    (tmp_path / "code/.cache" if there else tmp_path / "code").mkdir(parents=True)
    assert paths.cache(tmp_path / "code") == Path.home() / ".cache/wstal"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "mine"))
    assert paths.cache(tmp_path / "code") == tmp_path / "mine/wstal"
