"""VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised Video Pre-Training (Tong et al., NeurIPS 2022).

Its encoder, fine-tuned to classify: a clip of 16 frames is cut into tubelets of 2 frames and 16 x 16 pixels, which one
transformer sees all at once; places are told by sines of fixed periods. The feature is the normalized mean of all tokens.

Differences between the released codes: normalizations divide by the root of the variance plus 1e-6 in the authors' code; the
transformers library adds 1e-12 in the layers and 1e-5 behind the mean. Ours is the authors' for the files of both.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, scaled_dot_product_attention

from wstal.features.backbones.registry import Backbone, Layout

EPS = 1e-6
SIZE = 224  # pixels
TUBELET = (2, 16, 16)


class VideoMAELayer(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x)); keys have no bias. (N, L, D)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1, self.qkv, self.proj = nn.LayerNorm(width, EPS), nn.Linear(width, 3 * width, False), nn.Linear(width, width)
        self.q_bias, self.v_bias = nn.Parameter(torch.zeros(width)), nn.Parameter(torch.zeros(width))
        self.norm2, self.fc1, self.fc2 = nn.LayerNorm(width, EPS), nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens x (N, L, D) -> (N, L, D)."""
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias]).to(self.qkv.weight.dtype)
        each = linear(self.norm1(x), self.qkv.weight, bias).unflatten(-1, (3, self.heads, -1))
        q, k, v = each.permute(2, 0, 3, 1, 4)  # each (N, heads, L, D / heads)
        x = x + self.proj(scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))
        return x + self.fc2(gelu(self.fc1(self.norm2(x))))


class VideoMAE(nn.Module):
    """(N, 3, T, H, W), even T, H and W multiples of 16 -> (N, width)."""

    def __init__(self, classes: int, width: int, depth: int, heads: int):
        super().__init__()
        self.embed = nn.Conv3d(3, width, TUBELET, TUBELET)
        self.layers = nn.Sequential(*(VideoMAELayer(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Clips x (N, 3, T, H, W) -> features (N, width)."""
        tokens = self.embed(x).flatten(2).transpose(1, 2)  # (N, L, D), by frame, row, column
        return self.norm(self.layers(tokens + waves(tokens)).mean(1))


def waves(tokens: Tensor) -> Tensor:
    """Sines in even and cosines in odd dimensions, of periods from 2 π to 20000 π tokens, for tokens (N, L, D) -> (L, D)."""
    _, length, width = tokens.shape
    place = torch.arange(length, dtype=torch.float64, device=tokens.device)[:, None]
    even = torch.arange(0, width, 2, dtype=torch.float64, device=tokens.device)
    angle = place / 10000 ** (even / width)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1).float().to(tokens.dtype)


AUTHORS = Layout(
    "MCG-NJU/VideoMAE",
    (
        (r"^layers", "blocks"),
        (r"\.(qkv|proj|q_bias|v_bias)", r".attn.\1"),
        (r"\.(fc\d)", r".mlp.\1"),
        (r"^norm", "fc_norm"),
        (r"^embed", "patch_embed.proj"),
    ),
)
HUB = Layout(
    "transformers",
    (
        (r"^embed", "videomae.embeddings.patch_embeddings.projection"),
        (r"^layers", "videomae.encoder.layer"),
        (r"^(.*)\.qkv\.(\w+)$", "|".join(rf"\1.attention.attention.{part}.\2" for part in ("query", "key", "value"))),
        (r"\.([qv]_bias)", r".attention.attention.\1"),
        (r"\.proj\.", ".attention.output.dense."),
        (r"\.norm1\.", ".layernorm_before."),
        (r"\.norm2\.", ".layernorm_after."),
        (r"\.fc1\.", ".intermediate.dense."),
        (r"\.fc2\.", ".output.dense."),
        (r"^norm", "fc_norm"),
        (r"^head", "classifier"),
    ),
)
backbone = partial(
    Backbone, stream="rgb", fps=30.0, window_f=64, offsets=tuple(range(0, 64, 4)), short_side=SIZE, size=SIZE, fixed=True,
    mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375), layouts=(AUTHORS, HUB),
)  # fmt: skip
WEIGHTS = "the file fine-tuned on Kinetics-400, checkpoint.pth of github.com/MCG-NJU/VideoMAE or the model.safetensors of "
BACKBONES = (
    backbone(
        name="videomae_b16",
        width=768,
        network=partial(VideoMAE, width=768, depth=12, heads=12),
        weights=f"{WEIGHTS}MCG-NJU/videomae-base-finetuned-kinetics of the Hugging Face hub",
    ),
    backbone(
        name="videomae_l16",
        width=1024,
        network=partial(VideoMAE, width=1024, depth=24, heads=16),
        weights=f"{WEIGHTS}MCG-NJU/videomae-large-finetuned-kinetics of the Hugging Face hub",
    ),
)
