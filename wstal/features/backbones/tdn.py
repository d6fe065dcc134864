"""TDN: Temporal Difference Networks for Efficient Action Recognition (Wang, Tong, Ji, Wu, CVPR 2021).

A 2D ResNet-101 sees S segments of five consecutive frames each, the middle frame as an image. Short-term: the four
differences of neighbouring frames pass a branch of their own and join the image features behind the stem and behind the
first stage. Long-term: in every bottleneck of the later stages, differences between neighbouring segments say which
channels to strengthen, and a learned shift mixes neighbouring segments. Every convolution of the ResNet has a bias.

The short-term branch joins with weights 0.5 and 0.5 for 8 segments, 0.75 and 0.25 for any other number, as in the released
code. The branch of the long-term module that the paper draws at a quarter of the size works at full size there, and here.

Ours differs from the released code: it draws segments' frames at random on Kinetics even in tests; ours takes the middle,
as it does on other datasets.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, max_pool2d

from wstal.features.backbones.blocks import ConvNorm, Residual
from wstal.features.backbones.registry import Backbone, Layout

EPS = 1e-5
FRAMES = 5  # of a segment
BLOCKS = (3, 4, 23, 3)  # ResNet-101


class Excitation(nn.Module):
    """Long-term differences: channels that change between neighbouring segments are strengthened. (N S, C, H, W)."""

    def __init__(self, channels: int, segments: int):
        super().__init__()
        inner = channels // 16
        self.segments = segments
        self.squeeze = ConvNorm(nn.Conv2d(channels, inner, 1, bias=False), EPS, active=False)
        self.align = nn.Conv2d(inner, inner, 3, padding=1, groups=inner, bias=False)
        self.coarse = ConvNorm(nn.Conv2d(inner, inner, 3, padding=1, bias=False), EPS, active=False)
        self.fine = ConvNorm(nn.Conv2d(inner, inner, 3, padding=1, bias=False), EPS, active=False)
        self.expand = ConvNorm(nn.Conv2d(inner, channels, 1, bias=False), EPS, active=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (N S, C, H, W) -> the same shape, channels that change strengthened."""
        squeezed = self.squeeze(x)
        aligned = self.align(squeezed).unflatten(0, (-1, self.segments))  # (N, S, C / 16, H, W)
        here = squeezed.unflatten(0, (-1, self.segments))
        none = torch.zeros_like(here[:, :1])
        to_next = torch.cat([aligned[:, 1:] - here[:, :-1], none], dim=1)
        to_last = torch.cat([none, aligned[:, :-1] - here[:, 1:]], dim=1)
        return x + x * (self.attend(to_next.flatten(0, 1)) + self.attend(to_last.flatten(0, 1))) / 2

    def attend(self, change: Tensor) -> Tensor:
        """Differences (N S, C / 16, H, W) at three scales -> weights (N S, C, H, W) from -0.5 to 0.5."""
        coarse = interpolate(self.coarse(avg_pool2d(change, 2)), change.shape[-2:])
        return self.expand((change + coarse + self.fine(change)) / 3).sigmoid() - 0.5


class Shift(nn.Module):
    """A learned convolution of each channel over three neighbouring segments. (N S, C, H, W)."""

    def __init__(self, channels: int, segments: int):
        super().__init__()
        self.segments = segments
        self.conv = nn.Conv1d(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (N S, C, H, W) -> the same shape."""
        _, channels, height, width = x.shape
        by_segment = x.reshape(-1, self.segments, channels, height * width).transpose(1, 2)  # (N, C, S, H W)
        mixed = conv2d(by_segment, self.conv.weight[..., None], padding=(1, 0), groups=channels)
        return mixed.transpose(1, 2).reshape(x.shape)


def stage(channels: int, inner: int, blocks: int, stride: int, segments: int | None) -> nn.Sequential:
    """Bottlenecks of a ResNet with biases; with `segments`, each has both long-term modules behind its first unit."""
    layers, out = [], 4 * inner
    for block in range(blocks):
        step = stride if block == 0 else 1
        long_term = {} if segments is None else {"excite": Excitation(inner, segments), "shift": Shift(inner, segments)}
        layers.append(
            Residual(
                ConvNorm(nn.Conv2d(channels, out, 1, step), EPS, active=False) if block == 0 else None,
                a=ConvNorm(nn.Conv2d(channels, inner, 1), EPS),
                **long_term,
                b=ConvNorm(nn.Conv2d(inner, inner, 3, step, 1), EPS),
                c=ConvNorm(nn.Conv2d(inner, out, 1), EPS, active=False),
            )
        )
        channels = out
    return nn.Sequential(*layers)


class TDN(nn.Module):
    """(N, 3, S * 5, H, W), five frames after the other -> (N, 2048), the mean over segments."""

    def __init__(self, classes: int, segments: int):
        super().__init__()
        self.segments = segments
        self.keep = 0.5 if segments == 8 else 0.75  # weight of the image features where differences join
        self.stem = ConvNorm(nn.Conv2d(3, 64, 7, 2, 3), EPS)
        self.difference_stem = ConvNorm(nn.Conv2d(3 * (FRAMES - 1), 64, 7, 2, 3, bias=False), EPS)
        self.difference_layer1 = stage(64, 64, BLOCKS[0], 1, None)
        self.layer1 = stage(64, 64, BLOCKS[0], 1, None)
        self.layer2 = stage(256, 128, BLOCKS[1], 2, segments)
        self.layer3 = stage(512, 256, BLOCKS[2], 2, segments)
        self.layer4 = stage(1024, 512, BLOCKS[3], 2, segments)
        self.head = nn.Linear(2048, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, 3, 5 S, H, W) -> features (N, 2048)."""
        frames = x.unflatten(2, (self.segments, FRAMES)).permute(0, 2, 3, 1, 4, 5).flatten(0, 1)  # (N S, 5, 3, H, W)
        changes = (frames[:, 1:] - frames[:, :-1]).flatten(1, 2)  # (N S, 12, H, W)
        changes = max_pool2d(self.difference_stem(avg_pool2d(changes, 2)), 3, 2, 1)
        x = self.join(max_pool2d(self.stem(frames[:, FRAMES // 2]), 3, 2, 1), changes)
        x = self.join(self.layer1(x), self.difference_layer1(changes))
        x = self.layer4(self.layer3(self.layer2(x)))
        return x.mean((2, 3)).unflatten(0, (-1, self.segments)).mean(1)

    def join(self, images: Tensor, changes: Tensor) -> Tensor:
        """Short-term differences (N S, C, H / 2, W / 2), enlarged, added to image features: (N S, C, H, W) -> the same."""
        return self.keep * images + (1 - self.keep) * interpolate(changes, images.shape[-2:])


def released(head: str) -> Layout:
    """The authors' files, whose classifier has either of two names."""
    return Layout(
        "MCG-NJU/TDN",
        (
            (r"^(short|.*\.short)\.conv", r"\1.0"),
            (r"^(.*\.short)\.norm", r"\1.1"),
            (r"\.short\.", ".downsample."),
            (r"^stem\.conv", "base_model.conv1"),
            (r"^stem\.norm", "base_model.bn1"),
            (r"^difference_stem\.conv", "base_model.conv1_5.0"),
            (r"^difference_stem\.norm", "base_model.conv1_5.1"),
            (r"^difference_layer1", "base_model.resnext_layer1"),
            (r"^layer(\d)", r"base_model.layer\1_bak"),
            (r"\.excite\.squeeze", ".mse.a"),
            (r"\.excite\.align", ".mse.conv2"),
            (r"\.excite\.expand", ".mse.c"),
            (r"\.excite\.(coarse|fine)\.conv", lambda m: f".mse.conv3_smallscale{'2' if m[1] == 'coarse' else '4'}"),
            (r"\.excite\.(coarse|fine)\.norm", lambda m: f".mse.bn3_smallscale{'2' if m[1] == 'coarse' else '4'}"),
            (r"\.branch\.", "."),
            (r"\.([abc])\.conv", lambda m: f".conv{'abc'.index(m[1]) + 1}"),
            (r"\.([abc])\.norm", lambda m: f".bn{'abc'.index(m[1]) + 1}"),
            (r"^head", head),
        ),
        unused=r"^base_model\.conv1_temp\.",
    )


def middle(segments: int, window_f: int) -> tuple[int, ...]:
    """Frames of a window of `window_f`: five from the middle of each of `segments` equal parts."""
    part_f = (window_f - FRAMES + 1) / segments
    return tuple(int(part_f * (i + 0.5)) + frame for i in range(segments) for frame in range(FRAMES))


backbone = partial(
    Backbone, stream="rgb", fps=30.0, short_side=256, size=224, width=2048,
    mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375),
    layouts=(released("new_fc"), released("base_model.classifier")),
)  # fmt: skip
BACKBONES = (
    backbone(
        name="tdn_r101",
        window_f=64,
        offsets=middle(8, 64),
        network=partial(TDN, segments=8),
        weights="the file, whatever its name, of TDN-ResNet101 with 8 frames for Kinetics-400 of github.com/MCG-NJU/TDN",
    ),
    backbone(
        name="tdn_r101_16",
        window_f=128,
        offsets=middle(16, 128),
        network=partial(TDN, segments=16),
        weights="the file, whatever its name, of TDN-ResNet101 with 16 frames for Kinetics-400 of github.com/MCG-NJU/TDN",
    ),
)
