"""What every backbone promises: names, shapes, costs; and that running one fast changes no feature."""

import dataclasses
import os
import shutil

import pytest
import torch
from torch._inductor import config as inductor

from wstal import published
from wstal.base import seeding
from wstal.base.errors import UserError
from wstal.base.extraction import Speed
from wstal.features.backbones import registry
from wstal.features.backbones.embed import embedder, settled
from wstal.report.network_cost import cost, table

NAMES = [backbone.name for backbone in registry.every()]
CPU = torch.device("cpu")
OFF = {"precision": "float32", "channels_last": False, "fold": False, "compile": False}
PLAIN = Speed(**OFF)


@pytest.mark.parametrize("name", NAMES)
def test_shapes(name):
    backbone = registry.load(name)
    channels, frames, *_ = backbone.clip
    assert channels == len(backbone.std) == {"rgb": 3, "flow": 2}[backbone.stream]
    assert frames == len(backbone.offsets) == len(set(backbone.offsets))
    assert sorted(backbone.offsets) == list(backbone.offsets) and backbone.offsets[0] >= 0
    assert backbone.offsets[-1] < backbone.window_f and backbone.size <= backbone.short_side
    with torch.device("meta"):
        network = backbone.build(7)
        features = network(torch.empty(2, *backbone.clip))
        assert features.shape == (2, backbone.width) and network.head(features).shape == (2, 7)
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_names_say_the_file():
    for backbone in registry.every():
        module = backbone.network.func.__module__
        assert backbone.name.partition("_")[0] == module.rpartition(".")[2]
    assert len(NAMES) == len(set(NAMES)) and registry.load("tdn_r101").name == "tdn_r101"


def test_an_unknown_name_is_a_sentence():
    with pytest.raises(UserError, match=r"backbone 'i3d' is unknown; name one of: csn_ir152, .*i3d_rgb"):
        registry.load("i3d")


def test_segments_of_tdn_lie_in_the_middle_of_equal_parts():
    """60 places where five frames may start, 7.5 a segment: the middles 3.75, 11.25, ... rounded down."""
    starts = registry.load("tdn_r101").offsets[::5]
    assert starts == (3, 11, 18, 26, 33, 41, 48, 56)


PRINTED = published.backbones().backbones.rows


@pytest.mark.parametrize("name", PRINTED)
def test_costs_are_those_published(name):
    """To the last printed digit in parameters, to 3 % in multiply-adds, which model zoos count in different ways."""
    backbone, printed = registry.load(name), PRINTED[name]
    counted = cost(backbone, 400, printed.frames or len(backbone.offsets), printed.size or backbone.size)
    if printed.parameters:
        assert counted.parameters / 1e6 == pytest.approx(printed.parameters, rel=0.01)
    if printed.macs:
        assert counted.macs / 1e9 == pytest.approx(printed.macs, rel=0.03)


def test_cost_by_hand():
    """ViViT: tubelets, then each layer's products with weights, and with each other in attention."""
    frames, places, width = 16, 196, 768

    def layer(tokens):
        return tokens * 12 * width**2 + 2 * tokens**2 * width

    expected = frames * places * 2 * 16 * 16 * 3 * width + 12 * frames * layer(places + 1) + 4 * layer(frames + 1) + width * 400
    assert cost(registry.load("vivit_b16x2"), 400, 32, 224).macs == expected


def test_table(monkeypatch):
    few = [registry.load(name) for name in ("i3d_flow", "csn_ir101")]
    monkeypatch.setattr(registry, "every", lambda: few)
    made = table()
    assert len(made.header) == len(made.rows[0]) == 7
    assert made.rows[0] == ("i3d_flow", "12.68", "–", "16 x 224²", "25.6", "–", "–")
    assert made.rows[1][:6] == ("csn_ir101", "22.21", "22.21", "32 x 256²", "73.8", "75.62")


@pytest.fixture(scope="module")
def small():
    """I3D for clips of 64 pixels, its statistics of batch normalization no longer trivial, and three clips."""
    torch.manual_seed(0)
    backbone = dataclasses.replace(registry.load("i3d_rgb"), size=64, mean=(100.0, 120.0, 140.0), std=(50.0, 60.0, 70.0))
    weights = backbone.build(5).state_dict()
    for name, values in weights.items():
        if "norm" in name and values.is_floating_point():
            values.copy_(torch.rand(values.shape) + 0.5)
        elif name.endswith("conv.weight"):
            values.normal_(std=(2 / values[0].numel()) ** 0.5)

    def network():
        fresh = backbone.build(5)
        fresh.load_state_dict(weights)
        return fresh

    return backbone, network, torch.randint(0, 256, (3, *backbone.clip), dtype=torch.uint8)


def test_embed_normalizes_channel_by_channel(small):
    backbone, network, clips = small
    x = torch.stack([(clips[:, c].float() - backbone.mean[c]) / backbone.std[c] for c in range(3)], dim=1)
    features = embedder(backbone, network(), PLAIN, CPU)(clips)
    assert features.dtype == torch.float32 and features.shape == (3, 1024)
    torch.testing.assert_close(features, network()(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("change", [{"channels_last": True}, {"fold": True}, {"channels_last": True, "fold": True}])
def test_speed_changes_no_feature(small, change):
    backbone, network, clips = small
    plain = embedder(backbone, network(), PLAIN, CPU)(clips)
    fast = embedder(backbone, network(), Speed(**(OFF | change)), CPU)(clips)
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-4 * plain.abs().max())


def of_one_convolution(small, change):
    """Features (3, 8) of a network of one convolution: plain ones, and those with a changed `Speed`."""
    backbone, _, clips = small
    backbone = dataclasses.replace(backbone, network=Pixels, width=8)
    torch.manual_seed(0)
    network = backbone.build(1)
    return [embedder(backbone, network, Speed(**(OFF | one)), CPU)(clips) for one in ({}, change)]


@pytest.mark.parametrize(("precision", "error"), [("bfloat16", 0.02), ("float16", 0.0025)])
def test_16_bits_change_features_by_their_rounding_alone(small, precision, error):
    """Of one convolution, for CPUs that lack these numbers are slow at them. bfloat16 has 8 bits, float16 has 11."""
    plain, rough = of_one_convolution(small, {"precision": precision})
    assert rough.dtype == torch.float32 and not torch.equal(rough, plain)
    torch.testing.assert_close(rough, plain, rtol=error, atol=error)


@pytest.mark.parametrize(
    ("given", "device", "fast", "found"),
    [
        ("auto", "cpu", False, "float32"), ("auto", "cpu", True, "bfloat16"), ("auto", "cuda", False, "float16"),
        ("float32", "cpu", True, "float32"), ("bfloat16", "cuda", False, "bfloat16"),
    ],
)  # fmt: skip
def test_auto_takes_16_bits_where_they_are_fast(monkeypatch, given, device, fast, found):
    monkeypatch.setattr(seeding, "multiplies_bfloat16", lambda: fast)
    speed = Speed(**(OFF | {"precision": given}))
    assert settled(speed, torch.device(device)) == Speed(**(OFF | {"precision": found}))


def test_compiling_in_a_folder_with_blanks_is_a_sentence(small, monkeypatch):
    monkeypatch.setattr(torch, "__path__", ["/my project/torch"])
    with pytest.raises(UserError, match=r"torch lies in /my project/torch, .* set `compile: false`"):
        of_one_convolution(small, {"compile": True})


@pytest.mark.skipif(" " in torch.__path__[0], reason="torch's compiler takes no folder with blanks")
@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method.*:DeprecationWarning")  # torch's own, on import
@pytest.mark.skipif(not shutil.which(os.environ.get("CXX", "g++")), reason="no C++ compiler, which torch.compile needs")
def test_compiling_changes_no_feature(small, monkeypatch, tmp_path):
    compiled = []
    original = torch.compile
    monkeypatch.setattr(torch, "compile", lambda forward: compiled.append(forward) or original(forward))
    monkeypatch.setattr(inductor, "cpp_cache_precompile_headers", False)  # worth their time for many kernels only
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    plain, fast = of_one_convolution(small, {"compile": True})
    assert len(compiled) == 1
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-5)


class Pixels(torch.nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv = torch.nn.Conv3d(3, 8, 1)

    def forward(self, x):
        return self.conv(x)[:, :, 0, 0, 0]


def test_a_clip_does_not_see_its_neighbours(small):
    backbone, network, clips = small
    embed = embedder(backbone, network(), PLAIN, CPU)
    together, alone = embed(clips)[1:2], embed(clips[1:2])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4 * alone.abs().max())


@pytest.mark.parametrize("shape", [(3, 3, 16, 64, 60), (3, 16, 64, 64), (3, 2, 16, 64, 64), (3, 3, 8, 64, 64)])
def test_clips_of_another_shape_are_a_sentence(small, shape):
    backbone, network, _ = small
    with pytest.raises(UserError, match=r"clips of the shape .* do not fit i3d_rgb, which wants \(N, \*\(3, 16, 64, 64\)\);"):
        embedder(backbone, network(), PLAIN, CPU)(torch.zeros(shape, dtype=torch.uint8))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_gpu_agrees_with_cpu(small, precision):
    backbone, network, clips = small
    plain = embedder(backbone, network(), PLAIN, CPU)(clips)
    speed = Speed(precision=precision, channels_last=True, fold=True, compile=False)
    fast = embedder(backbone, network(), speed, torch.device("cuda"))(clips).cpu()
    assert torch.nn.functional.cosine_similarity(fast, plain).min() > 0.999
