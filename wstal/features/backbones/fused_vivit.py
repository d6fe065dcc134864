"""ViViT in 16 bits on CUDA devices; see fused.py."""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear, scaled_dot_product_attention

from wstal.features.backbones import vivit


def bent(x: Tensor, layer: nn.Linear) -> Tensor:
    """GELU of a linear layer of x (M, D), within the product.

    On CUDA devices the tanh form, at most 5e-4 from the exact one: what float16 rounds values from 1 to 2 by.
    """
    return torch._addmm_activation(layer.bias, x, layer.weight.T, use_gelu=True)


class FusedEncoder(nn.Module):
    """An encoder whose additions and normalizations are one pass. (N, L, D) -> (N, D)."""

    def __init__(self, plain: vivit.Encoder, dtype: torch.dtype):
        super().__init__()
        self.plain = plain.to(dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens x (N, L, D) -> the class token after the last layer, (N, D)."""
        from wstal.features.backbones import _kernels

        plain = self.plain
        x = torch.cat([plain.token.expand(len(x), -1, -1), x], dim=1) + plain.position
        layers = [layer for layer in plain.layers if isinstance(layer, vivit.ViViTLayer)]
        after = [layer.norm1 for layer in layers[1:]] + [plain.norm]
        y = layer_norm(x, x.shape[-1:], layers[0].norm1.weight, layers[0].norm1.bias, vivit.EPS)
        for layer, norm in zip(layers, after, strict=True):
            q, k, v = linear(y, layer.qkv.weight, layer.qkv.bias).unflatten(-1, (3, vivit.HEADS, -1)).permute(2, 0, 3, 1, 4)
            seen = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            change = linear(seen, layer.proj.weight, layer.proj.bias)
            y = _kernels.add_and_normalize(x, change, layer.norm2.weight, layer.norm2.bias, vivit.EPS)
            y = bent(y.flatten(0, 1), layer.fc1).unflatten(0, x.shape[:2])
            change = linear(y, layer.fc2.weight, layer.fc2.bias)
            y = _kernels.add_and_normalize(x, change, norm.weight, norm.bias, vivit.EPS)
        return y[:, 0]


FORMS = {vivit.Encoder: FusedEncoder}
