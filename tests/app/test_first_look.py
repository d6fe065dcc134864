"""The copy with fewer seeds: the project itself but for one line, with results of its own."""

import pytest

from wstal.app import first_look
from wstal.base import paths
from wstal.base.errors import UserError


def test_the_copy_differs_in_its_seeds_alone_and_keeps_its_results(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.setattr(first_look, "SHARED", ())
    folder = first_look.make(2)
    assert folder == tmp_path / "seeds-2"
    here, there = (root.joinpath("params.yaml").read_text().splitlines() for root in (paths.ROOT, folder))
    assert [line for line, old in zip(there, here, strict=True) if line != old] == ["seeds: [0, 1]"]
    assert (folder / "wstal/app/first_look.py").read_bytes() == (paths.ROOT / "wstal/app/first_look.py").read_bytes()
    assert str(paths.ROOT / ".dvc/cache") in (folder / ".dvc/config.local").read_text()
    (folder / "dvc.lock").write_text("mine")
    (folder / "reports/index.html").write_text("mine")
    (folder / "wstal/stray.py").write_text("")
    first_look.make(2)
    assert (folder / "dvc.lock").read_text() == (folder / "reports/index.html").read_text() == "mine"
    assert not (folder / "wstal/stray.py").exists()


def test_what_takes_long_to_make_is_shared(tmp_path, monkeypatch):
    root = tmp_path / "root"
    (root / ".dvc").mkdir(parents=True)
    (root / "params.yaml").write_text("seeds: [0]\n")
    (root / "dvc.lock").write_text("")
    monkeypatch.setattr(paths, "ROOT", root)
    monkeypatch.setattr(paths, "PARAMS", root / "params.yaml")
    monkeypatch.setattr(paths, "CACHE", root / ".cache")
    monkeypatch.setattr(first_look, "listed", lambda: ["params.yaml", "dvc.lock"])
    (root / ".cache/seeds-3/.dvc").mkdir(parents=True)
    folder = first_look.make(3)
    (root / ".cache/rows/weights").write_text("trained")
    assert (folder / ".cache/rows/weights").read_text() == "trained" and (folder / "data/raw").is_dir()


def test_seeds_are_one_line():
    assert first_look.with_seeds("a: 1\nseeds: [7] # of all\nb: {seeds: 2}\n", 3) == "a: 1\nseeds: [0, 1, 2]\nb: {seeds: 2}\n"
    with pytest.raises(UserError, match="one line"):
        first_look.with_seeds("seeds:\n  - 0\n", 3)


@pytest.mark.parametrize("argument", [["0"], ["three"], [], ["1", "2"]])
def test_what_is_no_number_of_seeds_is_a_sentence(argument, capsys):
    assert first_look.main(argument) == 1
    assert "is no number of seeds" in capsys.readouterr().err
