"""ViViT: A Video Vision Transformer (Arnab, Dehghani, Heigold, Sun, Lučić, Schmid, ICCV 2021): the factorised encoder.

A clip is cut into tubelets of 2 frames and 16 x 16 pixels. A spatial transformer sees the tubelets of one moment and sums
them up in a class token; a temporal transformer sees these tokens, one a moment, and sums them up in another (Model 2,
Section 3.3). Both normalize before each part of a layer.

Differences between the released codes: Scenic (the authors') has the tanh form of GELU and maps pixels to [-1, 1]; TAdaConv
has the exact GELU and statistics of its own. A backbone below is one of these. The checkpoints of the transformers library
are of the joint model (Model 1), another network, and do not fit.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from wstal.features.backbones.registry import Backbone, Layout

EPS = 1e-6
WIDTH, HEADS, MLP = 768, 12, 3072  # ViT-B
TUBELET = (2, 16, 16)


class ViViTLayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)). (N, L, D)."""

    def __init__(self, approximate: str):
        super().__init__()
        self.norm1, self.qkv, self.proj = nn.LayerNorm(WIDTH, EPS), nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.norm2, self.fc1, self.fc2 = nn.LayerNorm(WIDTH, EPS), nn.Linear(WIDTH, MLP), nn.Linear(MLP, WIDTH)
        self.approximate = approximate

    def forward(self, x: Tensor) -> Tensor:
        """Tokens x (N, L, D) -> (N, L, D)."""
        q, k, v = self.qkv(self.norm1(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)  # each (N, heads, L, 64)
        x = x + self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.fc2(gelu(self.fc1(self.norm2(x)), approximate=self.approximate))


class Encoder(nn.Module):
    """A class token in front, positions added, `depth` layers, normalization; the class token comes out. (N, L, D)."""

    def __init__(self, tokens: int, depth: int, approximate: str):
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.position = nn.Parameter(torch.zeros(1, 1 + tokens, WIDTH))
        self.layers = nn.Sequential(*(ViViTLayer(approximate) for _ in range(depth)))
        self.norm = nn.LayerNorm(WIDTH, EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens x (N, L, D) -> the class token after the last layer, (N, D)."""
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.position
        return self.norm(self.layers(x)[:, 0])  # (N, D)


class ViViT(nn.Module):
    """(N, 3, frames, size, size) -> (N, 768)."""

    def __init__(self, classes: int, frames: int, size: int, approximate: str):
        super().__init__()
        self.embed = nn.Conv3d(3, WIDTH, TUBELET, TUBELET)
        self.spatial = Encoder((size // TUBELET[1]) ** 2, 12, approximate)
        self.temporal = Encoder(frames // TUBELET[0], 4, approximate)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, 3, T, H, W), T and size as made for -> features (N, 768)."""
        tokens = self.embed(x).flatten(3).permute(0, 2, 3, 1)  # (N, T / 2, H W / 256, D)
        moments = self.spatial(tokens.flatten(0, 1)).unflatten(0, tokens.shape[:2])  # (N, T / 2, D)
        return self.temporal(moments)


TADACONV = Layout(
    "TAdaConv",
    (
        (r"^embed", "backbone.stem.conv1"),
        (r"^spatial\.token", "backbone.cls_token"),
        (r"^temporal\.token", "backbone.cls_token_out"),
        (r"^spatial\.position", "backbone.pos_embd"),
        (r"^temporal\.position", "backbone.temp_embd"),
        (r"^spatial\.norm", "backbone.norm"),
        (r"^temporal\.norm", "backbone.norm_out"),
        (r"^spatial\.layers", "backbone.layers"),
        (r"^temporal\.layers", "backbone.layers_temporal"),
        (r"\.norm1\.", ".norm."),
        (r"\.qkv\.", ".attn.to_qkv."),
        (r"\.proj\.", ".attn.proj."),
        (r"\.norm2\.", ".norm_ffn."),
        (r"\.fc1\.", ".ffn.net.0."),
        (r"\.fc2\.", ".ffn.net.3."),
        (r"^head", "head.linear"),
    ),
)


def flax(theirs: str, tensor: Tensor) -> Tensor:
    """The tensor of a Flax checkpoint in torch's order of axes; biases of heads in one row.

    Kernels (I, O), with the heads an axis of their own, -> (O, I).
    """
    if theirs == "embedding/kernel":
        return tensor.permute(4, 3, 0, 1, 2)
    if theirs.endswith("out/kernel"):
        return tensor.flatten(0, -2).T
    if theirs.endswith("kernel"):
        return tensor.flatten(1).T
    return tensor.flatten() if theirs.endswith("bias") else tensor


ATTENTION = "MultiHeadDotProductAttention_0"
SCENIC = Layout(
    "Scenic",
    (
        (r"\.", "/"),
        (r"/weight$", "/kernel"),
        (r"(norm\d?)/kernel", r"\1/scale"),
        (r"^embed/", "embedding/"),
        (r"^(spatial|temporal)/", lambda m: f"{m[1].capitalize()}Transformer/"),
        (r"^(\w+)/token", r"cls_\1"),
        (r"/position", "/posembed_input/pos_embedding"),
        (r"Transformer/norm", "Transformer/encoder_norm"),
        (r"/layers/(\d+)", r"/encoderblock_\1"),
        (r"/norm1/", "/LayerNorm_0/"),
        (r"/norm2/", "/LayerNorm_1/"),
        (r"/fc1/", "/MlpBlock_0/Dense_0/"),
        (r"/fc2/", "/MlpBlock_0/Dense_1/"),
        (r"/proj/", f"/{ATTENTION}/out/"),
        (r"^(.*)/qkv/(\w+)$", "|".join(rf"\1/{ATTENTION}/{part}/\2" for part in ("query", "key", "value"))),
        (r"^head", "output_projection"),
    ),
    convert=flax,
)
backbone = partial(
    Backbone, stream="rgb", fps=30.0, window_f=64, offsets=tuple(range(0, 64, 2)), short_side=256, size=224, fixed=True,
    width=WIDTH,
)  # fmt: skip
BACKBONES = (
    backbone(
        name="vivit_b16x2",
        mean=(114.75,) * 3,
        std=(57.375,) * 3,
        network=partial(ViViT, frames=32, size=224, approximate="none"),
        layouts=(TADACONV,),
        weights="vivit_fac_enc_b16x2_k400_32x224x224_7935_public.pyth of github.com/alibaba-mmai-research/TAdaConv",
    ),
    backbone(
        name="vivit_b16x2_scenic",
        mean=(127.5,) * 3,  # to [-1, 1]
        std=(127.5,) * 3,
        network=partial(ViViT, frames=32, size=224, approximate="tanh"),
        layouts=(SCENIC,),
        weights="the factorised encoder ViViT-B/16x2 for Kinetics-400 of github.com/google-research/scenic, its file "
        "`checkpoint` under the ending .msgpack",
    ),
)
