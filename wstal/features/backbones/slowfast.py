"""SlowFast Networks for Video Recognition (Feichtenhofer, Fan, Malik, He, ICCV 2019).

Two 3D ResNets see the same clip: the slow pathway few frames with many channels, the fast one alpha times as many frames
with an eighth of the channels. After the stem and the first three stages, a convolution strided in time brings the fast
features to the slow pathway, behind whose channels they are put.

symbol   meaning                                       here
alpha    frames of the fast pathway per slow frame     alpha
beta     channels of the fast per slow channel, 1/8    BETA

Differences between the released codes: PySlowFast and pytorchvideo take the slow frames evenly from first to last, put
batch normalization and ReLU behind the lateral convolutions and name slow features first; mmaction2 takes every alpha-th
frame, has bare lateral convolutions and names fast features first. Kernels of the laterals differ too (5 or 7), and so do
the blocks of the third stage that see neighbouring frames. A backbone below is one of these. What papers call SlowFast R152
is mmaction's: the slow pathway has 152 layers, the fast one 50; `slowfast_r152`, with 152 in both, was never published.
"""

import re
from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from wstal.features.backbones.blocks import ConvNorm, Residual, Stem3d
from wstal.features.backbones.registry import CAFFE2_ENDINGS, CAFFE2_UNUSED, Backbone, Layout

EPS = 1e-5
BETA = 8
DEPTHS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
STAGES = ("stem", "res2", "res3", "res4", "res5")


def bottleneck(channels: int, inner: int, kernel_t: int, stride: int) -> Residual:
    """kernel_t x 1 x 1, 1 x 3 x 3 with the stride in space, 1 x 1 x 1 to 4 x inner channels."""
    out, step = 4 * inner, (1, stride, stride)
    return Residual(
        ConvNorm(nn.Conv3d(channels, out, 1, step, bias=False), EPS, active=False) if channels != out else None,
        a=ConvNorm(nn.Conv3d(channels, inner, (kernel_t, 1, 1), padding=(kernel_t // 2, 0, 0), bias=False), EPS),
        b=ConvNorm(nn.Conv3d(inner, inner, (1, 3, 3), step, (0, 1, 1), bias=False), EPS),
        c=ConvNorm(nn.Conv3d(inner, out, 1, bias=False), EPS, active=False),
    )


def pathway(depth: int, width: int, stem_t: int, joined: bool, temporal_from: int, temporal_res4: int) -> nn.ModuleDict:
    """One ResNet, `width` channels behind its stem; `joined` by lateral features before each stage.

    Blocks see neighbouring frames from stage number `temporal_from` on, in res4 the first `temporal_res4` ones alone.
    """
    stages: dict[str, nn.Module] = {"stem": Stem3d(width, stem_t, EPS)}
    channels = width
    for stage, (name, blocks) in enumerate(zip(STAGES[1:], DEPTHS[depth], strict=True)):
        channels += 2 * channels // BETA if joined else 0
        inner, layers = width * 2**stage, []
        for block in range(blocks):
            temporal = stage >= temporal_from and (name != "res4" or block < temporal_res4)
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(bottleneck(channels, inner, 3 if temporal else 1, stride))
            channels = 4 * inner
        stages[name] = nn.Sequential(*layers)
    return nn.ModuleDict(stages)


def lateral(channels: int, kernel_t: int, alpha: int, bare: bool) -> nn.Module:
    """From the fast pathway to the slow one: twice the channels, every alpha-th frame."""
    size, stride, padding = (kernel_t, 1, 1), (alpha, 1, 1), (kernel_t // 2, 0, 0)
    conv = nn.Conv3d(channels, 2 * channels, size, stride, padding, bias=False)
    return nn.Sequential(OrderedDict(conv=conv)) if bare else ConvNorm(conv, EPS)


def evenly(frames: int, slow: int, device: torch.device) -> Tensor:
    """Indices (S,) of `slow` of so many frames, evenly from first to last; made on the device, which need not wait."""
    return torch.arange(slow, device=device) * (frames - 1) // (slow - 1)


class SlowFast(nn.Module):
    """(N, 3, T, H, W), the frames of the fast pathway -> (N, 2304)."""

    def __init__(
        self,
        classes: int,
        *,
        slow: int,  # depth of the slow pathway
        fast: int,  # depth of the fast pathway
        alpha: int,
        kernel_t: int,  # of the lateral convolutions
        temporal_res4: int,  # blocks of res4 that see neighbouring frames
        mmaction: bool,  # its slow frames, bare laterals and order of features
    ):
        super().__init__()
        self.alpha, self.mmaction = alpha, mmaction
        self.slow = pathway(slow, 64, 1, True, 2, temporal_res4)
        self.fast = pathway(fast, 64 // BETA, 5, False, 0, temporal_res4)
        fast_width = 64 // BETA  # then a bottleneck quadruples the width of the stem, and each stage doubles it
        widths = (fast_width, 4 * fast_width, 8 * fast_width, 16 * fast_width)
        self.lateral = nn.ModuleList(lateral(width, kernel_t, alpha, bare=mmaction) for width in widths)
        self.head = nn.Linear(32 * 64 + 32 * fast_width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, 3, T, H, W) -> features (N, 2304), those of the slow pathway first, or as mmaction2 orders them."""
        frames = x.shape[2]
        picked = slice(None, None, self.alpha) if self.mmaction else evenly(frames, frames // self.alpha, x.device)
        slow, fast = x[:, :, picked], x
        for i, stage in enumerate(STAGES):
            slow, fast = self.slow[stage](slow), self.fast[stage](fast)
            if i < len(self.lateral):
                slow = torch.cat([slow, self.lateral[i](fast)], dim=1)
        slow, fast = slow.mean((2, 3, 4)), fast.mean((2, 3, 4))  # (N, 2048), (N, 256)
        return torch.cat([fast, slow] if self.mmaction else [slow, fast], dim=1)


def number(match: re.Match) -> str:
    """Number of the pathway, 0 or 1, that a matched name begins with: slow or fast."""
    return "0" if match[1] == "slow" else "1"


PYSLOWFAST = Layout(
    "PySlowFast",
    (
        (r"^(slow|fast)\.stem\.", lambda m: f"s1.pathway{number(m)}_stem."),
        (r"^(slow|fast)\.res(\d)\.", lambda m: f"s{m[2]}.pathway{number(m)}_res"),
        (r"^lateral\.(\d)\.conv", lambda m: f"s{int(m[1]) + 1}_fuse.conv_f2s"),
        (r"^lateral\.(\d)\.norm", lambda m: f"s{int(m[1]) + 1}_fuse.bn"),
        (r"_stem\.norm", "_stem.bn"),
        (r"\.short\.conv", ".branch1"),
        (r"\.short\.norm", ".branch1_bn"),
        (r"\.branch\.(\w)\.conv", r".branch2.\1"),
        (r"\.branch\.(\w)\.norm", r".branch2.\1_bn"),
        (r"^head", "head.projection"),
    ),
)
PYTORCHVIDEO = Layout(
    "pytorchvideo",
    (
        (r"^(slow|fast)\.stem\.", lambda m: f"blocks.0.multipathway_blocks.{number(m)}."),
        (r"^(slow|fast)\.res(\d)\.", lambda m: f"blocks.{int(m[2]) - 1}.multipathway_blocks.{number(m)}.res_blocks."),
        (r"^lateral\.(\d)\.conv", r"blocks.\1.multipathway_fusion.conv_fast_to_slow"),
        (r"^lateral\.(\d)\.norm", r"blocks.\1.multipathway_fusion.norm"),
        (r"\.short\.", ".branch1_"),
        (r"\.branch\.(\w)\.(conv|norm)", r".branch2.\2_\1"),
        (r"^head", "blocks.6.proj"),
    ),
)
TADACONV = Layout(
    "TAdaConv",
    (
        (r"^(slow|fast)\.stem\.conv", r"backbone.\1_conv1.a"),
        (r"^(slow|fast)\.stem\.norm", r"backbone.\1_conv1.a_bn"),
        (r"^(slow|fast)\.res(\d)\.(\d+)", lambda m: f"backbone.{m[1]}_conv{m[2]}.res_{int(m[3]) + 1}"),
        (r"^lateral\.(\d)\.conv", lambda m: f"backbone.slowfast_fusion{int(m[1]) + 1}.conv_fast_to_slow"),
        (r"^lateral\.(\d)\.norm", lambda m: f"backbone.slowfast_fusion{int(m[1]) + 1}.bn"),
        (r"\.short\.conv", ".short_cut"),
        (r"\.short\.norm", ".short_cut_bn"),
        (r"\.branch\.(\w)\.conv", r".conv_branch.\1"),
        (r"\.branch\.(\w)\.norm", r".conv_branch.\1_bn"),
        (r"^head", "head.out"),
    ),
)
MMACTION = Layout(
    "mmaction2",
    (
        (r"^(slow|fast)\.stem", r"backbone.\1_path.conv1"),
        (r"^(slow|fast)\.res(\d)", lambda m: f"backbone.{m[1]}_path.layer{int(m[2]) - 1}"),
        (r"^lateral\.0", "backbone.slow_path.conv1_lateral"),
        (r"^lateral\.(\d)", r"backbone.slow_path.layer\1_lateral"),
        (r"\.short", ".downsample"),
        (r"\.branch\.([abc])", lambda m: f".conv{'abc'.index(m[1]) + 1}"),
        (r"\.norm\.", ".bn."),
        (r"^head", "cls_head.fc_cls"),
    ),
)


def caffe2(fast: int) -> Layout:
    """PySlowFast's Caffe2 files; laterals are named after the last block before them, of the fast pathway of that depth."""
    last = [None, *(blocks - 1 for blocks in DEPTHS[fast])]
    return Layout(
        "PySlowFast for Caffe2",
        (
            *CAFFE2_ENDINGS,
            (r"^lateral\.0\.", "t_pool1_subsample."),
            (r"^lateral\.(\d)\.", lambda m: f"t_res{int(m[1]) + 1}_{last[int(m[1])]}_branch2c_bn_subsample."),
            (r"_subsample\.conv", "_subsample"),
            (r"_subsample\.norm", "_subsample_bn"),
            (r"^slow\.", ""),
            (r"^fast\.", "t_"),
            (r"stem\.conv", "conv1"),
            (r"stem\.norm", "res_conv1_bn"),
            (r"(res\d)\.(\d+)\.short\.", r"\1_\2_branch1."),
            (r"(res\d)\.(\d+)\.branch\.(\w)\.", r"\1_\2_branch2\3."),
            (r"\.conv_", "_"),
            (r"\.norm_", "_bn_"),
            (r"^head", "pred"),
        ),
        unused=CAFFE2_UNUSED,
    )


backbone = partial(
    Backbone, stream="rgb", fps=30.0, window_f=64, offsets=tuple(range(0, 64, 2)), short_side=256, size=224, width=2304
)
facebook_backbone = partial(backbone, mean=(114.75,) * 3, std=(57.375,) * 3)
imagenet_backbone = partial(backbone, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
BACKBONES = (
    facebook_backbone(
        name="slowfast_r101",
        network=partial(SlowFast, slow=101, fast=101, alpha=4, kernel_t=5, temporal_res4=23, mmaction=False),
        layouts=(PYSLOWFAST, PYTORCHVIDEO, TADACONV, caffe2(101)),
        weights="SLOWFAST_8x8_R101.pyth of pytorchvideo's model zoo",
    ),
    facebook_backbone(
        name="slowfast_r101_50_50",
        network=partial(SlowFast, slow=101, fast=101, alpha=4, kernel_t=5, temporal_res4=6, mmaction=False),
        layouts=(PYSLOWFAST, PYTORCHVIDEO, TADACONV, caffe2(101)),
        weights="SLOWFAST_16x8_R101_50_50.pyth of pytorchvideo's model zoo",
    ),
    imagenet_backbone(
        name="slowfast_r101_mmaction",
        network=partial(SlowFast, slow=101, fast=101, alpha=4, kernel_t=7, temporal_res4=23, mmaction=True),
        layouts=(MMACTION,),
        weights="slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb_20220818-9c0e09bd.pth of mmaction2's model zoo",
    ),
    facebook_backbone(
        name="slowfast_r152",
        network=partial(SlowFast, slow=152, fast=152, alpha=4, kernel_t=7, temporal_res4=36, mmaction=False),
        layouts=(PYSLOWFAST, PYTORCHVIDEO, TADACONV, caffe2(152)),
        weights="a network of your own in PySlowFast's layout, since none was ever published",
    ),
    imagenet_backbone(
        name="slowfast_r152_r50",
        network=partial(SlowFast, slow=152, fast=50, alpha=8, kernel_t=5, temporal_res4=36, mmaction=True),
        layouts=(MMACTION,),
        weights="slowfast_r152_4x16x1_256e_kinetics400_rgb_20210122-bdeb6b87.pth of the model zoo of mmaction 0.x",
    ),
)
