"""From a user's files to a sentence: the whole path through params.yaml, the readers and a notebook, nothing lost."""

import json

import nbformat
import numpy as np
import pytest

from tests.made import dataset_plan
from wstal.app import opening
from wstal.base import paths
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.datasets import prepare

VIDEOS = {"a": "training", "b": "training", "c": "validation"}


@pytest.fixture
def mine(raw, tmp_path):
    """A dataset of three videos in the generic layout: (its plan, its folder, an empty tree)."""
    root = tmp_path / "mine"
    (root / "features").mkdir(parents=True)
    rng = np.random.default_rng(0)
    database = {}
    for video, subset in VIDEOS.items():
        np.save(root / "features" / f"{video}.npy", rng.random((30, 8), dtype=np.float32))
        annotation = {"label": "Jump", "segment": [2.0, 5.0]}
        database[video] = {"subset": subset, "duration": 19.0, "annotations": [annotation]}
    (root / "annotations.json").write_text(json.dumps({"classes": ["Jump", "Run"], "database": database}))
    source = {
        "root": str(root), "annotations": "annotations.json", "features": {"rgb": "features/{video}.npy"},
        "splits": {"train": "training", "test": "validation"}, "lists": {}, "exclude": [],
    }  # fmt: skip
    base = raw["datasets"]["thumos14-sim"]
    features = base["features"] | {"reader": "activitynet_json", "source": source, "streams": ["rgb"]}
    return dataset_plan("mine", features), root, Tree(tmp_path / "tree")


def make(mine):
    plan, _, tree = mine
    prepare.annotate(plan, tree)
    prepare.extract(plan, tree)


def edit(root, change):
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def save(root, array):
    np.save(root / "features" / "b.npy", array)


def truncate(root):
    path = root / "features" / "b.npy"
    path.write_bytes(path.read_bytes()[:150])


def poison(root):
    array = np.ones((30, 8), dtype=np.float32)
    array[7, 3] = np.nan
    save(root, array)


class Trap:
    """A pickle that would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


DAMAGE = {
    "missing feature file": (lambda root: (root / "features" / "b.npy").unlink(), "b.npy"),
    "wrong dimension": (lambda root: save(root, np.ones((30, 5), np.float32)), "b.npy"),
    "not two-dimensional": (lambda root: save(root, np.ones((30, 8, 1), np.float32)), "b.npy"),
    "NaN": (poison, "snippet 7"),
    "too few snippets": (lambda root: save(root, np.ones((3, 8), np.float32)), "b.npy"),
    "features on another grid": (lambda root: save(root, np.ones((3000, 8), np.float32)), "grid"),
    "no test video": (lambda root: edit(root, lambda c: c["database"].pop("c")), "no test video"),
    "truncated": (truncate, "b.npy"),
    "integers": (lambda root: save(root, np.ones((30, 8), int)), "b.npy"),
    "a pickle that runs code": (lambda root: save(root, np.array([Trap(str(root / "ran"))], dtype=object)), "b.npy"),
    "label not in the class list": (
        lambda root: edit(root, lambda c: c["database"]["a"]["annotations"].append({"label": "Fly", "segment": [1, 2]})),
        "Fly",
    ),
    "end before start": (
        lambda root: edit(root, lambda c: c["database"]["a"]["annotations"].append({"label": "Run", "segment": [3, 2]})),
        "ends before it starts",
    ),
    "not JSON": (lambda root: (root / "annotations.json").write_text("{"), "annotations.json"),
    "no annotations": (lambda root: (root / "annotations.json").unlink(), "annotations.json"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_one_sentence_and_the_old_store_stays(mine, kind):
    make(mine)
    tree = mine[2]
    before = {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()}
    damage, says = DAMAGE[kind]
    damage(mine[1])
    with pytest.raises(UserError) as caught:
        make(mine)
    text = str(caught.value)
    assert says in text and "\n" not in text and text.endswith(".")
    assert not (mine[1] / "ran").exists()
    assert {path: path.read_bytes() for path in tree.root.rglob("*") if path.is_file()} == before


def test_a_good_dataset_passes(mine):
    make(mine)
    manifest = json.loads((mine[2].features("mine") / "manifest.json").read_text())
    assert set(manifest["videos"]) == set(VIDEOS) and manifest["streams"] == {"rgb": {"dim": 8, "dtype": "float32"}}


def run_cell(notebook, words, plan, tree, monkeypatch):
    """The code cell of a notebook that holds `words`, on a dataset of one's own."""
    monkeypatch.setattr(opening, "dataset", lambda *_: (plan, tree))
    cells = nbformat.read(paths.ROOT / "notebooks" / f"{notebook}.ipynb", 4).cells
    (code,) = (cell.source for cell in cells if words in cell.source and cell.cell_type == "code")
    exec(code, {"smoke": False, "dataset": "mine"})


def test_notebooks_say_what_is_odd(mine, monkeypatch, capsys):
    """The class list has a class without videos, an instance is there twice, and features of a video are constant."""
    plan, root, tree = mine
    save(root, np.full((30, 8), 3.0, np.float32))
    edit(root, lambda c: c["database"]["a"]["annotations"].append(c["database"]["a"]["annotations"][0]))
    run_cell("01_annotations", "prepare.annotate", plan, tree, monkeypatch)
    said = [line.split(":")[1] for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert said == [" untrained class", " doubled segment"]
    run_cell("02_extract_features", "prepare.extract", plan, tree, monkeypatch)
    (note,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert note.startswith("note: constant features: all 30 snippets of stream 'rgb' of video 'b'")


def test_a_notebook_raises_the_sentence(mine, monkeypatch):
    plan, root, tree = mine
    (root / "annotations.json").write_text("{")
    monkeypatch.setattr(opening, "dataset", lambda *_: (plan, tree))
    cells = nbformat.read(paths.ROOT / "notebooks" / "01_annotations.ipynb", 4).cells
    (code,) = (cell.source for cell in cells if "prepare.annotate" in cell.source)
    with pytest.raises(UserError, match=r"annotations\.json"):
        exec(code, {"smoke": False, "dataset": "mine"})
