"""The commands of README and docs/ that go to other tools and back, run as they stand."""

import re
import shlex
import shutil
from glob import glob

import numpy as np
import yaml

from tests.app.test_own_videos import COLOURS, films, labels, once, raw, run, settings, weights  # noqa: F401 - fixtures
from wstal.app import cli
from wstal.base import paths
from wstal.base.paths import ROOT, Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets import annotations
from wstal.features.extraction.importer import import_features


def block(word):
    """The lines of the one shell block of README and docs/ in which this word stands, without comments."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    (found,) = [body for text in texts for body in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) if word in body]
    return [shlex.split(line, comments=True) for line in found.splitlines()]


def filled(words):
    """A line with its patterns replaced by the files that they match."""
    return [name for word in words for name in (sorted(glob(word)) if "*" in word else [word])]  # noqa: PTH207


def test_to_annotation_tools_and_back(run, settings, films, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new").mkdir()
    (tmp_path / "runs").mkdir()
    for label in COLOURS:
        shutil.copy(films / f"{label}_new.mp4", tmp_path / "new" / f"{label} new.mp4")
    run.rename(tmp_path / "runs" / "mine")
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(settings))
    for words in block("wstal labels"):
        assert words[0] == "wstal"
        more = ["--params", "small.yaml"] if words[1] in ("train", "localize") else []
        more += ["--method", "wtalc"] if words[1] == "train" else []
        assert cli.main([*filled(words[1:]), *more]) == 0, words
    assert (tmp_path / "runs" / "better" / "run.yaml").is_file()
    assert sorted((tmp_path / "corrected.csv").read_text().splitlines()[1:]) == ["Blue new.mp4,Blue", "Red new.mp4,Red"]
    assert float(re.search(r"0\.50 +([\d.]+)", capsys.readouterr().out)[1]) == 100  # its own detections, uncorrected


def test_to_other_codes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(paths, "PIPELINE", tree := Tree(tmp_path))
    videos = (Video("a", "train", 6.4, ("x",)), Video("b", "test", 6.4, ("x",)))
    made = Annotations(("x",), videos, tuple(Segment(video, "x", 1.0, 2.0) for video in "ab"))
    items = {
        video: {stream: np.full((10, 1024), k, np.float32) for k, stream in enumerate(("rgb", "flow"), 1)} for video in "ab"
    }
    annotations.write(made, tree.annotations("activitynet13"), origin="here")
    grids = dict.fromkeys(("rgb", "flow"), TimeGrid(25.0, 16, 16))
    import_features(items.items(), grids, made, tree.features("activitynet13"), backbone="x", slack_s=1.0)
    for words in block("wstal export"):
        assert words[0] == "dvc" or cli.main(words[1:]) == 0, words
    (arrays,) = (tmp_path / "exported").glob("*.npy")
    assert arrays.name == "activitynet13-I3D-JOINTFeatures.npy"
    assert capsys.readouterr().out.endswith("\nevery number is the same\n") and (tmp_path / "differences.csv").is_file()
