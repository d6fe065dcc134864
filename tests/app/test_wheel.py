"""The wheel, installed into a folder of its own: all that own videos need is inside, from any folder, in a plain script."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

import wstal
from wstal.base.paths import ROOT

SOURCES = ("wstal", "pyproject.toml", "setup.py", "MANIFEST.in", "params.yaml", "README.md", "LICENSE")
SCRIPT = """
import pathlib, resource, sys
import msgspec, torch
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import wstal
from wstal.base import paths
from wstal.border import tensorfile
from wstal.config import parameters
from wstal.datasets.clips.render import render
from wstal.datasets.clips.storyboards import Source, storyboards
from wstal.features.backbones import registry

print("script", flush=True)
raw = parameters.read()
small = raw["smoke"]["own"]
films = raw["datasets"]["clips"]["features"]["source"] | small["films"] | {"train_videos": 4, "test_videos": 1}
render(source := msgspec.convert(films, Source), pathlib.Path("my films"))
shown = {s.id: sorted({source.classes[shot.label] for shot in s.shots}) for s in storyboards(source)}
rows = [f"{video},{label}" for video, labels in shown.items() if "train" in video for label in labels]
pathlib.Path("labels.csv").write_text("\\n".join(["video,label", *rows]))
torch.manual_seed(0)
tensorfile.save(registry.load("i3d_rgb").build(classes=2).state_dict(), pathlib.Path("random.safetensors"))
extraction = {"short_side": 40, "size": 32, "weights": str(pathlib.Path("random.safetensors").resolve())}
params = {"own": {"steps": 8, "features": {"extraction": extraction}, "overrides": small["overrides"]}}
run = wstal.train("labels.csv", "my films", out="runs/mine", params=params)
new = [video for video in shown if "test" in video]
found = run.localize([f"my films/{video}.mp4" for video in new], params=params)
found.save("found")
print(paths.PARAMS, paths.CACHE, *found.located.shown.videos)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that the wheel is installed to; built from a copy, so that nothing is left in the checkout."""
    place = tmp_path_factory.mktemp("wheel")
    (place / "source").mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / "source" / name)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(place), str(place / "source")]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = place.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "wstal/params.yaml" in names and wheel.name.startswith(f"wstal-{wstal.__version__}-")
    assert {name.split("/")[0] for name in names} == {"wstal", f"wstal-{wstal.__version__}.dist-info"}
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", str(place / "site"), str(wheel)], check=True)
    return place / "site"


def test_own_videos_with_the_wheel_alone(installed, tmp_path):
    """Installed in a folder that may be read only, run from another with blanks, without a __main__ guard, with 256 files."""
    place = tmp_path / "a folder"
    place.mkdir()
    (place / "my script.py").write_text(SCRIPT)
    env = os.environ | {"PYTHONPATH": str(installed), "WSTAL_HOME": str(tmp_path / "home"), "PYTHONDONTWRITEBYTECODE": "1"}
    before = sorted(installed.rglob("*"))
    done = subprocess.run([sys.executable, "my script.py"], cwd=place, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == "script"
    assert last.startswith(f"{installed / 'wstal' / 'params.yaml'} {tmp_path / 'home' / '.cache'} ") and "test" in last
    assert sorted(path.name for path in (place / "found").iterdir() if path.is_file()) == [
        "detections.csv", "predictions.json", "provenance.yaml", "timeline.html",
    ]  # fmt: skip
    assert (place / "runs" / "mine" / "run.yaml").is_file() and list((tmp_path / "home" / ".cache" / "parts").iterdir())
    assert sorted(installed.rglob("*")) == before
    for words, said in (("--version", f"wstal {wstal.__version__}\n"), ("check", "params.yaml is well-formed: ")):
        told = subprocess.run([sys.executable, "-m", "wstal", words], cwd=place, env=env, capture_output=True, text=True)
        assert told.stdout.startswith(said), told.stderr
