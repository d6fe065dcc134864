"""SAL: actions learnt with second-order statistics of a video and sums of two (Li et al., Neural Networks 182, 2025).

AICL's streams and scores. Second-order statistics of a video's snippets classify it and are added to its snippets where there
is action. Actionness is taught by pseudo-labels, on videos and on sums of two videos; snippets of unsure class count less.

symbol         meaning                                              shape       here
E, E^r, E^f    embedded snippets: both streams, RGB, flow           (B, T, H)   embedding (after (3)), e, e_rgb, e_flow
a^r, a^f, a    actionness of RGB, flow, both                        (B, T)      terms["a_rgb"], terms["a_flow"], actionness
ã^r, ã^f       actionness of a video plus the one before it         (B, T)      terms["mixed_rgb"], terms["mixed_flow"]
z              second-order statistics of an embedding, unit        (B, H²)     second_order
S, S^bg        class scores, the same of background                 (B, T, C)   logits
P              mean of class probability, a^r and a^f               (B, T, C)   activation
s, s^bg, s2    video-level scores of P, of S^bg, of z               (B, C)      terms["score"], ["background"], ["semantic"]
h              pseudo-label of a snippet                            (B, T)      action
μ, v           running mean and variance of the surest class        ()          self.mean, self.variance
m              how much a snippet counts                            (B, T)      sure

Steps of the released code (the paper's text was not at hand):
(1) E = ReLU(conv3 X) and so on, each followed by dropout; a = share a^f + (1 - share) a^r
(2) M = E Eᵀ / T²; z = sign(M) sqrt(|M| + 1e-5), to unit length
(3) E + a W z in place of E; S = conv1 E; S^bg = (1 - a) S; s2 = W' z, of E, E^r and E^f alike
(4) P = (softmax S + a^r + a^f) / 3; s is the mean of S over one in `top` snippets, the largest of P
(5) h = among one in `top` snippets and `extra` more of highest a, and in the half of highest sum of ReLU(S)
(6) μ, v move by 1 - ema towards mean and variance of p = max softmax S over the batch; m = exp(-2 min(p - μ, 0)² / v)
(7) mixed: features added, h the larger, m the mean of both videos

Oddities of the released code, kept: M is divided by T², not T; a video alone is added to itself.
Ours differs:
1. Losses sum over bags where the code averages (params.yaml scales weight decay to match).
2. Running statistics move in a verb of their own, `observe`, once for each part of a batch, so that losses stay pure.
3. A sum of videos of different lengths is as long as the longer; where one is longer, its snippets count as they do in it.
4. The last weights are kept; the published 50.6 is the best of an evaluation on test videos every 10 steps.
"""

import math

import torch
from torch import Tensor, nn

from wstal.base.record import Count, Index, Positive, Rate, Share
from wstal.methods import base
from wstal.nn.convolution import TimeConv
from wstal.nn.cosine import unit
from wstal.nn.dropout import Dropout
from wstal.nn.losses import generalized_cross_entropy, smoothed_cross_entropy
from wstal.nn.masking import real
from wstal.nn.pooling import largest, largest_of_each, mean_of_each, share


class Params(base.Params):
    """Hyper-parameters of SAL."""

    hidden: Count  # H, width of each embedding; its square that of second-order statistics
    dropout: Rate  # of each embedding
    flow_share: Share  # of a^f in a
    top: Count  # one in `top` snippets makes a video-level score
    extra: Index  # snippets that pseudo-labels have beyond one in `top`
    ema: Rate  # share of running statistics that a step keeps
    q: Positive  # exponent of the generalized cross-entropy
    semantic_share: Share  # of s2 in the video score

    @property
    def mixes_bags(self) -> bool:
        """Step (7) adds to each bag the one before."""
        return True


class SAL(base.Method[Params]):
    """SAL on RGB and flow side by side, of equal width."""

    loss_names = ("mil", "background", "actionness", "mix", "modality", "semantic")
    mean: Tensor  # μ
    variance: Tensor  # v

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        width, hidden = base.half(dim), params.hidden
        self.embed, self.classify = TimeConv(dim, hidden, 3), TimeConv(hidden, classes, 1)
        self.embed_rgb, self.attend_rgb = TimeConv(width, hidden, 3), TimeConv(hidden, 1, 1)
        self.embed_flow, self.attend_flow = TimeConv(width, hidden, 3), TimeConv(hidden, 1, 1)
        self.drop, self.drop_rgb, self.drop_flow = (Dropout(params.dropout) for _ in range(3))
        self.add, self.second = nn.Linear(hidden**2, hidden), nn.Linear(hidden**2, classes)
        nn.init.kaiming_normal_(self.add.weight)
        nn.init.zeros_(self.add.bias)
        self.register_buffer("mean", torch.tensor(1 / classes))
        self.register_buffer("variance", torch.tensor(1.0))

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, 2 D), mask (B, T) True = real snippet -> scores."""
        e = self.drop(self.embed(x, mask).relu())  # E (B, T, H)                                           (1)
        e_rgb, e_flow, a_rgb, a_flow = self.attended(x, mask)
        both = real(x, mask[..., None])
        either = mask | before(mask)
        _, _, mixed_rgb, mixed_flow = self.attended(both + before(both), either)  #                        (7)
        a = self.params.flow_share * a_flow + (1 - self.params.flow_share) * a_rgb
        z, z_rgb, z_flow = (second_order(one, mask) for one in (e, e_rgb, e_flow))
        e = e + a[..., None] * self.add(z)[:, None]  #                                                     (3)
        s = self.classify(e, mask)  # S (B, T, C)
        p = (s.softmax(-1) + a_rgb[..., None] + a_flow[..., None]) / 3  # P                                (4)
        s_bg, k = (1 - a[..., None]) * s, share(mask.sum(-1), self.params.top)
        score = mean_of_each(s, largest_of_each(p, mask, k))  # s (B, C)
        semantic, keep = self.second(z), self.params.semantic_share
        return base.Scores(
            activation=p,
            logits=s,
            actionness=a,
            video_score=((1 - keep) * score + keep * semantic).softmax(-1),
            embedding=e,
            terms={
                "a_rgb": a_rgb,
                "a_flow": a_flow,
                "mixed_rgb": mixed_rgb,
                "mixed_flow": mixed_flow,
                "score": score,
                "background": mean_of_each(s_bg, largest_of_each(s_bg.softmax(-1), mask, k)),
                "semantic": semantic,
                "semantic_rgb": self.second(z_rgb),
                "semantic_flow": self.second(z_flow),
            },
        )

    def attended(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Embeddings E^r, E^f (B, T, H) and actionness a^r, a^f (B, T) of x (B, T, 2 D), mask (B, T): (1)."""
        rgb, flow = x.chunk(2, dim=-1)
        e_rgb = self.drop_rgb(self.embed_rgb(rgb, mask).relu())
        e_flow = self.drop_flow(self.embed_flow(flow, mask).relu())
        a_rgb, a_flow = self.attend_rgb(e_rgb, mask)[..., 0].sigmoid(), self.attend_flow(e_flow, mask)[..., 0].sigmoid()
        return e_rgb, e_flow, a_rgb, a_flow

    def observe(self, scores: base.Scores, mask: Tensor) -> None:
        """Move μ and v, step (6): scores of B bags, mask (B, T)."""
        surest, count = scores.logits.softmax(-1).amax(-1), mask.sum()  # p (B, T)
        mean = real(surest, mask).sum() / count
        variance = real((surest - mean).square(), mask).sum() / (count - 1).clamp_min(1)
        for kept, new in ((self.mean, mean), (self.variance, variance)):
            kept.mul_(self.params.ema).add_((1 - self.params.ema) * new)

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """MIL, semantic: classes of the video. Background: none. Actionness, mix: pseudo-labels. Modality: streams agree.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        terms, length = scores.terms, mask.sum(-1)
        action, sure = self.pseudo(scores, mask), real(self.sure(scores.logits.detach()), mask)
        both = mask.to(sure.dtype) + before(mask).to(sure.dtype)
        mixed = torch.maximum(action, before(action)), (sure + before(sure)) / both.clamp_min(1)  #        (7)
        apart = real((terms["a_rgb"] - terms["a_flow"]).square(), mask).sum(-1) / length

        def actionness(kind: str, target: Tensor, weight: Tensor) -> Tensor:
            streams = (generalized_cross_entropy(terms[f"{kind}_{s}"], target, weight, self.params.q) for s in ("rgb", "flow"))
            return torch.stack([*streams]).sum()

        semantic = [smoothed_cross_entropy(terms[name], labels) for name in ("semantic", "semantic_rgb", "semantic_flow")]
        return {
            "mil": smoothed_cross_entropy(terms["score"], labels),
            "background": -(terms["background"].log_softmax(-1).mean(-1) + math.log(self.classes)).sum(),
            "actionness": actionness("a", action, sure),
            "mix": actionness("mixed", *mixed),
            "modality": apart.sum(),
            "semantic": torch.stack(semantic).sum(),
        }

    def pseudo(self, scores: base.Scores, mask: Tensor) -> Tensor:
        """Pseudo-labels h of snippets, step (5): mask (B, T) -> (B, T), 0 or 1."""
        length = mask.sum(-1)
        a, strength = scores.actionness.detach(), scores.logits.detach().relu().sum(-1)
        attended = largest(a, mask, share(length, self.params.top) + self.params.extra)
        return (mask & attended & largest(strength, mask, share(length, 2))).to(a.dtype)

    def sure(self, logits: Tensor) -> Tensor:
        """How much a snippet counts, step (6): S (B, T, C) -> m (B, T)."""
        below = (logits.softmax(-1).amax(-1) - self.mean).clamp_max(0)
        return (-2 * below.square() / self.variance).exp()


def before(values: Tensor) -> Tensor:
    """What belongs to the bag before, of the first to the last: (B, ...) -> (B, ...)."""
    return values.roll(1, 0)


def second_order(e: Tensor, mask: Tensor) -> Tensor:
    """Statistics z of an embedding, step (2): e (B, T, H), mask (B, T) -> (B, H²), of unit length."""
    e = real(e, mask[..., None])
    m = e.transpose(1, 2) @ e / mask.sum(-1)[:, None, None] ** 2  # M (B, H, H)
    return unit((m.sign() * (m.abs() + 1e-5).sqrt()).flatten(1))
