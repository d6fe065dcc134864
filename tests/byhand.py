"""What tests of methods write formulas with: bags of random features, and functions in plain NumPy."""

import numpy as np
import torch


def bag(length=9, dim=5, padded=0):
    """x (1, T, D), mask (1, T): one video, `padded` more snippets behind it."""
    x = torch.rand(1, length + padded, dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x, (torch.arange(length + padded) < length)[None]


def bags(lengths, dim=5):
    """x (B, T, D), mask (B, T); padding holds anything."""
    x = torch.rand(len(lengths), max(lengths), dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return x.where(mask[..., None], 7.0), mask


def labels(*rows):
    return torch.tensor(rows, dtype=torch.float64)


LABELS = labels([1, 0, 1])


def softmax(v, axis=-1):
    e = np.exp(v - v.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def leaky(v):
    return np.where(v > 0, v, 0.01 * v)


def convolve(x, layer):
    """x (T, D) -> (T, out): neighbours beyond the ends are zero."""
    weight = layer.weight.detach().numpy()
    side = weight.shape[2] // 2
    padded = np.pad(x, ((side, side), (0, 0)))
    out = sum(padded[k : k + len(x)] @ weight[:, :, k].T for k in range(weight.shape[2]))
    return out if layer.bias is None else out + layer.bias.detach().numpy()
