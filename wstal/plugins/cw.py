"""CW: the class-wise foreground branch of FAC-Net (Huang, Wang, Li, ICCV 2021) beside any method, Sec. 4.4, Table 5.

The host's class activation sequence says where each class is active. The embedding, summed by it, shall look like
foreground for classes of the video and unlike it for all others. One vector is added; the host's detections are its own,
made better, if at all, through what its embedding and activation learn from this loss.

symbol   meaning                              shape           here
X_e      the host's embedding                 (B, T, H)       scores.embedding
S        the host's class activation          (B, C', T)      scores.logits, cut off        C' = C, or C + 1 with background
A, F     class-wise attention, its features   (B, N, C', ..)  a, f                          N heads
W_f      foreground classifier                (1, H)          self.foreground
R, P     foreground scores, confidences       (B, C')         r, log_p
τ, δ     temperatures, scale of the cosines                   params.temperatures, params.scale      τ multiplies

The paper says of this use no more than its results. Ours, where it is silent: W_f starts random; S is the raw activation,
cut off at ±`bound`, so that a temperature means for unbounded logits what it means for FAC-Net's, which never exceed it.
With FAC-Net's own numbers (`scale` 10, `bound` 5) the term is FAC-Net's L_cw.
"""

from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import pad

from wstal.base.record import Params as Base
from wstal.base.record import Positive
from wstal.methods.base import Scores
from wstal.nn.cosine import unit
from wstal.nn.hybrid import aggregate, attention
from wstal.nn.losses import normalized_cross_entropy
from wstal.plugins.base import Plugin


class Params(Base):
    """Parameters of the CW branch."""

    temperatures: Annotated[tuple[Positive, ...], Meta(min_length=1)]  # τ of each attention head
    scale: Positive  # of the video-level cosines (FAC-Net: 5 in the paper, 10 in the code)
    bound: Positive  # where the host's class activation is cut off (FAC-Net's: 5)


class ClassWise(Plugin[Params]):
    """The loss L_cw on a host's class activation and embedding (B, T, H)."""

    tau: Tensor  # (N,) temperatures

    def __init__(self, width: int, params: Params):
        super().__init__(width, params)
        self.foreground = nn.Parameter(torch.empty(1, width))
        nn.init.xavier_uniform_(self.foreground)
        self.register_buffer("tau", torch.tensor(params.temperatures), persistent=False)

    def forward(self, scores: Scores, labels: Tensor, mask: Tensor) -> Tensor:
        """labels (B, C) multi-hot, mask (B, T) -> L_cw; background, where the host has it, counts as absent."""
        bound = self.params.bound
        s = scores.logits.clamp(-bound, bound).transpose(1, 2)  # (B, C', T)
        a = attention(s, mask, self.tau)  # (B, N, C', T)               Eq. (2)
        f = aggregate(a, scores.embedding)  # (B, N, C', H)                             Eq. (3)
        r = self.params.scale * (unit(f) @ unit(self.foreground)[0]).mean(1)  # (B, C') Eq. (4), Sec. 3.5
        log_p = r.log_softmax(-1)  #                                                    Eq. (5)
        absent = pad(labels, (0, s.shape[1] - labels.shape[1]), value=0.0)
        return normalized_cross_entropy(log_p, absent)  #                               Eq. (6)
