"""Caches are keyed by the source files that their contents depend on, which follow from imports."""

import pytest

from wstal.base import code
from wstal.base.code import PACKAGE
from wstal.base.extraction import Extraction, Speed
from wstal.base.timegrid import TimeGrid
from wstal.features.extraction import recipes
from wstal.training import experiment


@pytest.fixture
def package(tmp_path, monkeypatch):
    """package(files): a package of these sources {name: text} in place of wstal."""
    root = tmp_path / "wstal"
    monkeypatch.setattr(code, "PACKAGE", root)
    code.uses.cache_clear()

    def package(files):
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return lambda roots, spared=(), **how: [p.relative_to(root).as_posix() for p in code.closure(roots, spared, **how)]

    yield package
    code.uses.cache_clear()


FILES = {
    "a.py": "from wstal.room import b\nimport wstal.room.c as c\n\ndef f():\n    from wstal.room.d import x\n",
    "room/__init__.py": "",
    "room/b.py": "from wstal.room.e import y\nimport numpy\n",
    "room/c.py": "import os\n", "room/d.py": "x = 1\n", "room/e.py": "y = 1\n", "room/alone.py": "",
}  # fmt: skip


def test_a_closure_follows_imports_also_those_inside_functions(package):
    closure = package(FILES)
    assert closure(["a.py"]) == ["a.py", "room/b.py", "room/c.py", "room/d.py", "room/e.py"]
    assert closure(["a.py"], top_level=True) == ["a.py", "room/b.py", "room/c.py", "room/e.py"]


def test_what_is_spared_is_left_out_with_what_only_it_imports(package):
    closure = package(FILES)
    assert closure(["a.py"], ("room/b.py",)) == ["a.py", "room/c.py", "room/d.py"]
    assert closure(["a.py"], ("room",)) == ["a.py"]


def test_a_digest_knows_contents_and_names(package, tmp_path):
    package(FILES)
    one, other = code.PACKAGE / "room/d.py", code.PACKAGE / "room/e.py"
    before = {code.digest([one]), code.digest([other]), code.digest([one, other])}
    one.write_text("x = 2\n")
    assert len(before | {code.digest([one])}) == 4


def names(files):
    return {path.relative_to(PACKAGE).as_posix() for path in files}


def test_trained_weights_depend_on_what_training_runs(tiny_runs):
    rows = {"full": {}, "plugged": {"method": "stpn", "plugins": {"cw": {"temperatures": [1.0], "scale": 1.0, "bound": 1.0}},
            "weights": {"cw": 1.0}}}  # fmt: skip
    full, plugged = (names(experiment.code_files(run.settings)) for run in tiny_runs(rows, seeds=(0,)))
    assert {
        "training/train.py", "data/bags.py", "data/sampling.py", "data/store.py", "methods/facnet.py", "methods/base.py",
        "nn/hybrid.py", "base/seeding.py", "base/timegrid.py",
    } <= full  # fmt: skip
    assert "methods/stpn.py" not in full and "plugins/cw.py" not in full and {"methods/stpn.py", "plugins/cw.py"} <= plugged
    assert not [name for name in full if name.startswith(("report", "evaluation", "datasets", "app", "detect", "features"))]


def test_features_depend_on_what_extraction_runs():
    speed = Speed(precision="float32", channels_last=False, fold=False, compile=False)
    extraction = Extraction(short_side=256, size=224, batch=4, workers=1, speed=speed)
    grid = TimeGrid(25.0, 16, 16)
    recipe = recipes.Recipe(("rgb", "flow"), "i3d_{stream}", {"rgb": grid, "flow": grid}, extraction)
    found = names(recipes.code_files(recipe))
    assert {
        "features/backbones/i3d.py", "features/backbones/fused_i3d.py", "features/backbones/embed.py",
        "features/backbones/_kernels.py", "features/pixels/decode.py", "features/pixels/flow.py",
        "features/pixels/flow_triton.py", "features/pixels/tvl1.py", "features/extraction/extract.py", "base/timegrid.py",
    } <= found  # fmt: skip
    assert not [name for name in found if name.startswith(("training", "data", "methods", "report"))]
    assert "features/backbones/csn.py" not in found and "features/extraction/partfiles.py" not in found


@pytest.mark.parametrize("spared", [experiment.SPARED, recipes.SPARED])
def test_what_is_spared_is_there(spared):
    """A file that was renamed would count again, in silence."""
    assert [name for name in spared if not (code.PACKAGE / name).exists()] == []
