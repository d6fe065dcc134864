"""CSN: Video Classification with Channel-Separated Convolutional Networks (Tran, Wang, Torresani, Feiszli, ICCV 2019).

A 3D ResNet in which a 3x3x3 convolution sees one channel at a time and 1x1x1 convolutions alone mix channels. The
interaction-reduced network (ir) makes the middle convolution of each bottleneck depthwise; the interaction-preserved one
(ip) puts another 1x1x1 convolution in front of it. All strides, in time too, are those of the depthwise convolutions.

Differences between the released codes: batch normalization has epsilon 1e-3 in VMZ (the authors') and mmaction2, 1e-5 in
pytorchvideo; each normalizes pixels by statistics of its own. A backbone below is one network with one such protocol.
"""

from functools import partial

from torch import Tensor, nn

from wstal.features.backbones.blocks import ConvNorm, Residual, Stem3d
from wstal.features.backbones.registry import CAFFE2_ENDINGS, CAFFE2_UNUSED, Backbone, Layout, Rule

DEPTHS = {101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


def bottleneck(channels: int, inner: int, stride: int, preserved: bool, eps: float) -> Residual:
    """Reduce, (mix,) depthwise, expand to 4 x inner; the first block of a stage has a convolution as its shortcut."""
    out = 4 * inner
    mix = {"mix": ConvNorm(nn.Conv3d(inner, inner, 1, bias=False), eps, active=False)} if preserved else {}
    changes = stride > 1 or channels != out
    return Residual(
        ConvNorm(nn.Conv3d(channels, out, 1, stride, bias=False), eps, active=False) if changes else None,
        a=ConvNorm(nn.Conv3d(channels, inner, 1, bias=False), eps),
        **mix,
        b=ConvNorm(nn.Conv3d(inner, inner, 3, stride, 1, groups=inner, bias=False), eps),
        c=ConvNorm(nn.Conv3d(inner, out, 1, bias=False), eps, active=False),
    )


class CSN(nn.Module):
    """(N, 3, T, H, W) -> (N, 2048)."""

    def __init__(self, classes: int, depth: int, preserved: bool, eps: float):
        super().__init__()
        self.stem = Stem3d(64, 3, eps)
        stages, channels = [], 64
        for stage, blocks in enumerate(DEPTHS[depth]):
            inner, layers = 64 * 2**stage, []
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(bottleneck(channels, inner, stride, preserved, eps))
                channels = 4 * inner
            stages.append(nn.Sequential(*layers))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, 3, T, H, W), T at least 8 -> features (N, 2048), the mean over time and space."""
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))  # (N, 2048, T / 8, H / 32, W / 32)
        return x.mean((2, 3, 4))


def vmz(b: str, mix: str) -> Layout:
    """The authors' PyTorch files, which name things as torchvision does; `b` and `mix` are modules of `conv2`."""
    return Layout(
        "facebookresearch/VMZ",
        (
            (r"^(stem|.*\.short|.*\.branch\.[ac])\.conv", r"\1.0"),
            (r"^(stem|.*\.short|.*\.branch\.[abc])\.norm", r"\1.1"),
            (r"\.branch\.b\.conv", f".branch.b.{b}"),
            (r"\.branch\.mix\.conv", f".branch.b.{mix}.0"),
            (r"\.branch\.mix\.norm", f".branch.b.{mix}.1"),
            (r"\.short", ".downsample"),
            (r"\.branch\.([abc])", lambda m: f".conv{'abc'.index(m[1]) + 1}"),
            (r"^head", "fc"),
        ),
    )


def mmaction2(b: str) -> Layout:
    """mmaction2's files; in `conv2`, the depthwise convolution is module `b`."""
    return Layout(
        "mmaction2",
        (
            (r"^stem", "backbone.conv1"),
            (r"^layer", "backbone.layer"),
            (r"\.branch\.a", ".conv1"),
            (r"\.branch\.mix", ".conv2.0"),
            (r"\.branch\.b", f".conv2.{b}"),
            (r"\.branch\.c", ".conv3"),
            (r"\.short", ".downsample"),
            (r"\.norm\.", ".bn."),
            (r"^head", "cls_head.fc_cls"),
        ),
    )


def caffe2(numbers: dict[str, str]) -> Layout:
    """VMZ's Caffe2 files of CSN-152: blocks are counted over all stages, the units of a block by `numbers`."""
    first = [sum(DEPTHS[152][:stage]) for stage in range(4)]
    return Layout(
        "VMZ for Caffe2",
        (
            *CAFFE2_ENDINGS,
            (r"^stem\.conv", "conv1"),
            (r"^stem\.norm", "conv1_spatbn_relu"),
            (r"^layer(\d)\.(\d+)\.", lambda m: f"{first[int(m[1]) - 1] + int(m[2])}."),
            (r"^(\d+)\.short\.conv", r"shortcut_projection_\1"),
            (r"^(\d+)\.short\.norm", r"shortcut_projection_\1_spatbn"),
            (r"^(\d+)\.branch\.(\w+)\.conv", lambda m: f"comp_{m[1]}_conv_{numbers[m[2]]}"),
            (r"^(\d+)\.branch\.(\w+)\.norm", lambda m: f"comp_{m[1]}_spatbn_{numbers[m[2]]}"),
            (r"^head", "last_out_L400"),
        ),
        unused=CAFFE2_UNUSED,
    )


PYTORCHVIDEO = Layout(
    "pytorchvideo",
    (
        (r"^stem", "blocks.0"),
        (r"^layer(\d)\.", r"blocks.\1.res_blocks."),
        (r"\.short\.", ".branch1_"),
        (r"\.branch\.(\w)\.(conv|norm)", r".branch2.\2_\1"),
        (r"^head", "blocks.5.proj"),
    ),
)
TADACONV_BODY: tuple[Rule, ...] = (
    (r"^stem\.conv", "backbone.conv1.a"),
    (r"^stem\.norm", "backbone.conv1.a_bn"),
    (r"^layer(\d)\.(\d+)\.", lambda m: f"backbone.conv{int(m[1]) + 1}.res_{int(m[2]) + 1}."),
    (r"\.short\.conv", ".short_cut"),
    (r"\.short\.norm", ".short_cut_bn"),
    (r"\.branch\.(\w)\.conv", r".conv_branch.\1"),
    (r"\.branch\.(\w)\.norm", r".conv_branch.\1_bn"),
)
TADACONV = Layout("TAdaConv", (*TADACONV_BODY, (r"^head", "head.out")))
TADACONV_EPIC = Layout(  # verbs and nouns have a head each
    "TAdaConv, Epic-Kitchens", (*TADACONV_BODY, (r"^head\.(\w+)", r"head.linear1.\1|head.linear2.\1"))
)
backbone = partial(
    Backbone, stream="rgb", fps=30.0, window_f=64, offsets=tuple(range(0, 64, 2)), short_side=256, size=224, width=2048
)
vmz_backbone = partial(backbone, mean=(110.2008, 100.63983, 95.99475), std=(58.14765, 56.46975, 55.332195))
facebook_backbone = partial(backbone, mean=(114.75,) * 3, std=(57.375,) * 3)
BACKBONES = (
    vmz_backbone(
        name="csn_ir152",
        network=partial(CSN, depth=152, preserved=False, eps=1e-3),
        layouts=(vmz("0", ""), mmaction2("0"), caffe2({"a": "1", "b": "3", "c": "4"})),
        weights="irCSN_152_ft_kinetics_from_ig65m of github.com/facebookresearch/VMZ, or mmaction2's copy of it",
    ),
    vmz_backbone(
        name="csn_ip152",
        network=partial(CSN, depth=152, preserved=True, eps=1e-3),
        layouts=(vmz("0.2", "0"), mmaction2("1"), caffe2({"a": "1", "mix": "2_middle", "b": "2", "c": "3"})),
        weights="ipCSN_152_ft_kinetics_from_ig65m of github.com/facebookresearch/VMZ, or mmaction2's copy of it",
    ),
    facebook_backbone(
        name="csn_ir101",
        network=partial(CSN, depth=101, preserved=False, eps=1e-5),
        layouts=(PYTORCHVIDEO,),
        weights="CSN_32x2_R101.pyth of pytorchvideo's model zoo",
    ),
    facebook_backbone(
        name="csn_ir152_tadaconv",
        network=partial(CSN, depth=152, preserved=False, eps=1e-5),
        layouts=(TADACONV_EPIC, TADACONV, PYTORCHVIDEO),
        weights="the file, whatever its name, of ir-CSN-R152 under Epic-Kitchens Action Recognition in MODEL_ZOO.md of "
        "github.com/alibaba-mmai-research/TAdaConv",
    ),
)
