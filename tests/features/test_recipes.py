"""What params.yaml says of a backbone: streams that fit together, or a sentence."""

from dataclasses import replace

import msgspec
import pytest

from wstal.base import seeding
from wstal.base.errors import UserError
from wstal.base.extraction import Extraction, Speed
from wstal.base.timegrid import TimeGrid
from wstal.features.extraction import recipes
from wstal.features.pixels.motion import flow_images

HOW = Extraction(
    short_side=36, size=32, batch=2, workers=1,
    speed=Speed(precision="float32", channels_last=False, fold=False, compile=False),
)  # fmt: skip
GRID = TimeGrid(fps=25.0, stride_f=16, window_f=16)
RECIPE = recipes.Recipe(("rgb", "flow"), "i3d_{stream}", {"rgb": GRID, "flow": GRID}, HOW)


def test_rgb_and_flow_side_by_side(tmp_path):
    for name in ("rgb", "flow"):
        (tmp_path / f"{name}.pt").write_bytes(name.encode())
    how = msgspec.structs.replace(HOW, weights=str(tmp_path / "{stream}.pt"))
    made = recipes.streams(replace(RECIPE, extraction=how))
    assert {name: (stream.clips.name, stream.prepare) for name, stream in made.items()} == {
        "rgb": ("i3d_rgb", iter),
        "flow": ("i3d_flow", flow_images),
    }
    assert [(stream.clips.short_side, stream.clips.size) for stream in made.values()] == [(36, 32)] * 2
    assert made["flow"].origin.endswith("36 to 32 pixels, float32, flow by TV-L1") and "TV-L1" not in made["rgb"].origin


def test_the_origin_names_the_precision_that_auto_stands_for(tmp_path, monkeypatch):
    (tmp_path / "rgb.pt").write_bytes(b"rgb")
    speed = msgspec.structs.replace(HOW.speed, precision="auto")
    how = msgspec.structs.replace(HOW, weights=str(tmp_path / "{stream}.pt"), speed=speed)
    monkeypatch.setenv("WSTAL_DEVICE", "cpu")
    for fast, precision in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(seeding, "multiplies_bfloat16", lambda fast=fast: fast)
        made = recipes.streams(replace(RECIPE, streams=("rgb",), extraction=how))
        assert made["rgb"].origin.endswith(f"36 to 32 pixels, {precision}")


def test_backbones_of_other_rates_side_by_side():
    slow = replace(GRID, fps=30.0, window_f=64)
    both = recipes.Recipe(("i3d_rgb", "csn_ir152"), "{stream}", {"i3d_rgb": GRID, "csn_ir152": slow}, HOW)
    assert [one.fps for one in both.backbones().values()] == [25.0, 30.0]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"backbone": "i3d"}, "backbone 'i3d' is unknown; name one of"),
        ({"backbone": "i3d_rgb"}, "i3d_rgb sees rgb, which does not fit the stream 'flow'; call the stream 'rgb'"),
        ({"backbone": "i3d_flow"}, "i3d_flow sees flow, which does not fit the stream 'rgb'; call the stream 'flow'"),
        ({"streams": ("rgb",), "backbone": "vivit_b16x2"}, r"vivit_b16x2 takes 224 pixels, not 32; set extraction\.size"),
        ({"grids": {"rgb": replace(GRID, fps=30.0)}}, "has fps 30.0, but the network of stream 'rgb' was trained with 25.0"),
        ({"extraction": msgspec.structs.replace(HOW, size=40)}, r"extraction\.size 40 is above short_side 36"),
        (
            {"extraction": msgspec.structs.replace(HOW, weights="no_{stream}.pt")},
            r"no_rgb\.pt cannot be read .*; set extraction\.weights",
        ),
    ],
)
def test_what_does_not_fit_is_a_sentence(changes, sentence):
    with pytest.raises(UserError, match=sentence):
        recipes.streams(replace(RECIPE, **changes))


def test_other_settings_have_a_folder_of_their_own():
    sizes = [replace(RECIPE, extraction=msgspec.structs.replace(HOW, size=size)) for size in (16, 32, 32)]
    assert len({recipes.parts(one) for one in sizes}) == 2
