"""The network that CO2-Net, DELU and DDG-Net share: attention to RGB and flow, a classifier with background, six losses.

Equations are numbered as the steps are in the docstring of wstal/methods/co2.py.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from wstal.nn.coactivity import co_activity
from wstal.nn.convolution import TimeConv
from wstal.nn.dropout import Dropout
from wstal.nn.losses import compare
from wstal.nn.masking import real
from wstal.nn.pooling import mean_over, moving_mean
from wstal.nn.suppression import log_score

SLOPE = 0.2  # of every leaky ReLU


class Attended(NamedTuple):
    """Features of both streams and where they show action."""

    x_v: Tensor  # (B, T, D) of RGB
    x_f: Tensor  # (B, T, D) of flow
    a_v: Tensor  # (B, T) attention of RGB
    a_f: Tensor  # (B, T) attention of flow
    terms: dict[str, Tensor]  # what losses of this front end need


class Seen(NamedTuple):
    """What the network says about B padded bags."""

    logits: Tensor  # S (B, T, C + 1)
    suppressed: Tensor  # S' (B, T, C + 1)
    attention: Tensor  # A (B, T)
    embedding: Tensor  # Z (B, T, 2 D)
    terms: dict[str, Tensor]  # "v", "f" (B, T), A of each stream; "supp", S'; those of the front end


class AttentionUnit(nn.Module):
    """Three convolutions -> attention; the last dropout is on the logit, so that training sees many of exactly 0.5."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        self.layers = nn.ModuleList([TimeConv(dim, hidden, 3), TimeConv(hidden, hidden, 3), TimeConv(hidden, 1, 1)])
        self.drops = nn.ModuleList([Dropout(dropout), Dropout(dropout)])

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, T) -> (B, T) in (0, 1)."""
        (first, second, last), (inner, outer) = self.layers, self.drops
        x = leaky_relu(second(inner(leaky_relu(first(x, mask), SLOPE)), mask), SLOPE)
        return outer(last(x, mask))[..., 0].sigmoid()


class CrossModal(nn.Module):
    """Cross-modal consensus module (CCM): one stream, filtered by what it shows in all and by the other stream."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        self.whole, self.local = nn.Linear(dim, dim), TimeConv(dim, dim, 3)
        self.drops = nn.ModuleList([Dropout(dropout), Dropout(dropout)])
        self.attention = AttentionUnit(dim, hidden, dropout)

    def forward(self, main: Tensor, other: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """main, other (B, T, D), mask (B, T) -> filtered features m' (B, T, D), attention (B, T)."""
        drop_whole, drop_local = self.drops
        whole = drop_whole(leaky_relu(self.whole(mean_over(main, mask)), SLOPE)[:, None])  # g (B, 1, D)   (1)
        local = drop_local(leaky_relu(self.local(other, mask), SLOPE))  # l (B, T, D)                      (2)
        filtered = (local * whole).sigmoid() * main  # m'                                                  (3)
        return filtered, self.attention(filtered, mask)  #                                                 (4)


class Consensus(nn.Module):
    """The front end of CO2-Net: each stream filtered by its module."""

    def __init__(self, dim: int, hidden: int, dropout: float):
        super().__init__()
        self.v, self.f = (CrossModal(dim, hidden, dropout) for _ in range(2))

    def forward(self, x_v: Tensor, x_f: Tensor, mask: Tensor) -> Attended:
        """x_v, x_f (B, T, D), mask (B, T) -> filtered features and attention."""
        (m_v, a_v), (m_f, a_f) = self.v(x_v, x_f, mask), self.f(x_f, x_v, mask)
        return Attended(m_v, m_f, a_v, a_f, {})


class Network(nn.Module):
    """A front end that attends to both streams, halves of the features, and a classifier of what it leaves of them.

    Class scores and attention are averaged over `smooth` snippets, an odd number.
    """

    def __init__(self, front: nn.Module, dim: int, classes: int, dropout: float, smooth: int):
        super().__init__()
        self.front, self.smooth = front, smooth
        self.embed = TimeConv(dim, dim, 1)
        self.layers = nn.ModuleList([TimeConv(dim, dim, 3), TimeConv(dim, classes + 1, 1)])
        self.drops = nn.ModuleList([Dropout(dropout) for _ in range(3)])
        self.apply(start)

    def forward(self, x: Tensor, mask: Tensor) -> Seen:
        """x (B, T, 2 D) RGB and flow, mask (B, T) True = real snippet -> what the network says."""
        seen = self.front(*x.chunk(2, dim=-1), mask)
        drop_embed, drop_first, drop_last = self.drops
        z = drop_embed(leaky_relu(self.embed(torch.cat([seen.x_v, seen.x_f], -1), mask), SLOPE))  # Z    (6)
        first, last = self.layers
        s = last(drop_last(leaky_relu(first(drop_first(z), mask), SLOPE)), mask)  # S                    (7)
        streams = torch.stack([seen.a_v, seen.a_f], -1)
        if self.smooth > 1:
            s, streams = moving_mean(s, mask, self.smooth), moving_mean(streams, mask, self.smooth)
        a = streams.mean(-1)  # A                                                                        (5)
        least = s.amin(-1, keepdim=True)
        suppressed = a[..., None] * (s - least) + least  # S'                                            (8)
        a_v, a_f = streams.unbind(-1)
        return Seen(s, suppressed, a, z, seen.terms | {"supp": suppressed, "v": a_v, "f": a_f})


def start(layer: nn.Module) -> None:
    """Kaiming-uniform weights, biases 0; a Linear stands for the middle of three taps."""
    if isinstance(layer, TimeConv):
        nn.init.kaiming_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]  # all layers here have one
    elif isinstance(layer, nn.Linear):
        bound = math.sqrt(6 / (3 * layer.in_features))
        nn.init.uniform_(layer.weight, -bound, bound)
        nn.init.zeros_(layer.bias)


def losses(seen: Seen, labels: Tensor, mask: Tensor, top: int, pairs: int, margin: float) -> dict[str, Tensor]:
    """The six losses of CO2-Net: labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.

    A video-level score averages one in `top` snippets; `pairs` and `margin` are those of `co_activity`.
    """
    a_v, a_f = seen.terms["v"], seen.terms["f"]
    mutual = ((a_v - a_f.detach()).square() + (a_f - a_v.detach()).square()) / 2
    casl = co_activity(seen.embedding, seen.suppressed[..., :-1], labels, mask, pairs, margin)
    return {
        "mil_orig": classification(seen.logits, labels, mask, top, background=1.0),
        "mil_supp": classification(seen.suppressed, labels, mask, top, background=0.0),
        "contrastive": len(labels) * casl,
        "mutual": time_mean(mutual, mask).sum(),
        "norm": time_mean(seen.attention, mask).sum(),
        "guide": time_mean(disagreement(seen), mask).sum(),
    }


def classification(cas: Tensor, labels: Tensor, mask: Tensor, top: int, background: float) -> Tensor:
    """Cross-entropy of the mean of one in `top` snippets, where `background` says whether background occurs.

    cas (B, T, C + 1), labels (B, C) multi-hot, mask (B, T) -> scalar, summed over the bags.
    """
    present = pad(labels, (0, 1), value=background)
    return compare("cross_entropy", log_score(cas, mask, top), present / (present.sum(-1, keepdim=True) + 1e-4))


def disagreement(seen: Seen) -> Tensor:
    """How far attention is from one minus the probability of background, mean of A, A^v and A^f -> (B, T)."""
    attended = torch.stack([seen.attention, seen.terms["v"], seen.terms["f"]])  # (3, B, T)
    return (1 - seen.logits.softmax(-1)[..., -1] - attended).abs().mean(0)


def time_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over the real snippets of each bag: values, mask (B, T) -> (B,)."""
    return real(values, mask).sum(-1) / mask.sum(-1)
