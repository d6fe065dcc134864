"""FAC-Net: Foreground-Action Consistency Network (Huang, Wang, Li, ICCV 2021).

Three branches share an embedding X_e, an action classifier W_a (with a background row) and a foreground classifier W_f,
all compared by cosine. The class-wise branch asks whether the snippets of an action are foreground (CW), the
class-agnostic branch which action the foreground is (CA), the multiple-instance branch which actions occur (MIL). Each
averages over several temperatures ("hybrid attention"): sharp heads find key frames, soft ones cover the rest.

symbol   meaning                          shape        here
X_e      embedded snippets                (B, T, H)    x_e
W_a      action classifier                (C', H)      self.action        C' = C + 1 with background, last
W_f      foreground classifier            (1, H)       self.foreground
S_a      frame-wise class activation      (B, C', T)   s_a                Eq. (1)
A_a      class-wise attention             (B, C', T)   a_a                Eq. (2)
S_f      foreground activation            (B, 1, T)    s_f                Eq. (8)
A_f      foreground attention             (B, 1, T)    a_f                Eq. (9)
R, P     video-level scores, probability  (B, C')      r_*, log_p          Eqs. (4), (5), (11), (13)
δ, τ     scale of cosines, temperature    scalars      params.scale, params.temperatures

A temperature multiplies the activation, softmax(τ S), as in Eqs. (2) and (9): a higher one is sharper, a lower one softer.

Differences between the paper and the released code (both are presets in params.yaml):
1. Embedding: the paper has a two-layer temporal convolution, the code two linear layers: `kernel` 3 or 1.
2. W_f starts random in the paper and as the negated background row in the code: `foreground_init`.
3. Video-level logits use δ = 5 in the paper and 10 (MIL: 2·R_m) in the code: `video_scale` 1 or 2.
4. Adam's β2 = 0.99 and weight decay 0.005 exist in the code only: `optimizer`.
5. The code localizes on snippets, the paper on the class activation sequence up-sampled to frames: `localize`.
Our choices, where neither says: without a background class W_f starts random; a model without the CA branch takes its
video score from the branch that is trained (`video_score`); a snippet whose embedding is zero has cosine 0.
Eq. (7) is an analysis of Eq. (5) and is not computed.
"""

from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn

from wstal.base.record import Count, Positive, Rate
from wstal.methods import base
from wstal.nn.cosine import unit
from wstal.nn.embedding import Embedding
from wstal.nn.hybrid import aggregate, attention
from wstal.nn.losses import normalized_cross_entropy


class Params(base.Params):
    """Hyper-parameters of FAC-Net, Sec. 4.2."""

    hidden: tuple[Count, Count]  # widths of the two embedding layers
    kernel: Literal[1, 3]  # temporal width of both embedding layers
    dropout: Rate  # after each activation (for ReLU the same as before it)
    scale: Positive  # δ, Eqs. (1), (4), (8), (11)
    video_scale: Positive  # factor on all video-level logits
    temperatures: Annotated[tuple[Positive, ...], Meta(min_length=1)]  # τ of each attention head, Sec. 3.5; multiplies
    background: bool  # whether W_a has a background row
    foreground_init: Literal["random", "negated_background"]  # where W_f starts
    video_score: Literal["cw", "ca", "mil"]  # branch whose probabilities reject classes at test


class FACNet(base.Method[Params]):
    """FAC-Net for one feature stream; streams are trained apart and fused by `wstal.detect.localize`."""

    loss_names = ("cw", "ca", "mil")
    tau: Tensor  # (N,) temperatures

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        last = params.hidden[-1]
        self.embed = Embedding(dim, params.hidden, params.kernel, params.dropout)
        self.action = nn.Parameter(torch.empty(classes + params.background, last))
        self.foreground = nn.Parameter(torch.empty(1, last))
        nn.init.xavier_uniform_(self.action)
        nn.init.xavier_uniform_(self.foreground)
        self.register_buffer("tau", torch.tensor(params.temperatures), persistent=False)
        if params.background and params.foreground_init == "negated_background":
            self.foreground.data.copy_(-self.action.data[-1:])

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores, logits with background; terms: log P of each branch."""
        x_e = self.embed(x, mask)  # (B, T, H)                                         Sec. 3.1
        w = unit(torch.cat([self.action, self.foreground]))  # (C' + 1, H)
        w_a, w_f = w[:-1], w[-1]
        both = self.params.scale * w @ unit(x_e).transpose(1, 2)  # (B, C' + 1, T)
        s_a, s_f = both[:, :-1], both[:, -1]  # (B, C', T), (B, T)                     Eqs. (1), (8)
        a = attention(both, mask, self.tau)  # (B, N, C' + 1, T)       Eqs. (2), (9)
        f = unit(aggregate(a, x_e))  # (B, N, C' + 1, H)                               Eqs. (3), (10)
        cw = self.params.scale * f[:, :, :-1] @ w_f  # is class j foreground?           Eq. (4)
        ca = self.params.scale * f[:, :, -1] @ w_a.T  # which class is the foreground?  Eq. (11)
        mil = (a[:, :, :-1] * s_a[:, None]).sum(-1)  # which classes occur?             Eq. (13)
        r = torch.stack([cw, ca, mil])  # (3, B, N, C')
        log_p = dict(zip(self.loss_names, self.log_probability(r), strict=True))
        return base.Scores(
            activation=s_a.transpose(1, 2).softmax(-1)[..., : self.classes],
            logits=s_a.transpose(1, 2),
            actionness=s_f,
            video_score=log_p[self.params.video_score].exp()[:, : self.classes],
            embedding=x_e,
            terms=log_p,
        )

    def log_probability(self, heads: Tensor) -> Tensor:
        """Hybrid attention (Sec. 3.5) and Eq. (5): video-level scores of N heads (..., N, C') -> log P (..., C')."""
        return (self.params.video_scale * heads.mean(-2)).log_softmax(-1)

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The three terms of Eq. (14): background counts as absent for CW and CA, as present for MIL.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        extra = scores.logits.shape[-1] - self.classes  # 1 with background, else 0
        absent = torch.nn.functional.pad(labels, (0, extra), value=0.0)
        present = torch.nn.functional.pad(labels, (0, extra), value=1.0)
        return {
            "cw": normalized_cross_entropy(scores.terms["cw"], absent),  #             Eq. (6)
            "ca": normalized_cross_entropy(scores.terms["ca"], absent),  #             Eq. (12)
            "mil": normalized_cross_entropy(scores.terms["mil"], present),  #          Sec. 3.4
        }
