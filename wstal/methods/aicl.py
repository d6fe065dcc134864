"""AICL: Actionness Inconsistency-guided Contrastive Learning (Li, Wang, Liu, AAAI 2023).

Two kinds of actionness, of classes and of streams, agree on some snippets and not on others. In embedding space, the
snippets of which they disagree are drawn to those of which they agree: action to action, background to background.

symbol        meaning                                             shape       here
E, E^r, E^f   embedded snippets: both streams, RGB, flow          (B, T, H)   embedding, terms["rgb"], terms["flow"]
S             class scores, no background                         (B, T, C)   logits
a^r, a^f      actionness of RGB, flow                             (B, T)      terms["a_rgb"], terms["a_flow"]
a1, a2        class-aware, class-agnostic actionness              (B, T)      aware, actionness
P             mean of class probability, a^r and a^f              (B, T, C)   activation
I             one in `top` snippets, the largest of P             (B, T, C)   terms["chosen"], 0 or 1
s             mean of S over I                                    (B, C)      terms["score"]
h             pseudo-label: chosen for a class of the video       (B, T)      action
CA, CB        snippets that both find action, background          (B, T)      Sets.action, Sets.background
IA, IB        snippets of which they disagree, high, low in a1    (B, T)      Sets.high, Sets.low

Steps of the released code (the paper's text was not at hand, its supplement was), convk being a convolution over k snippets:
(1) E = ReLU(conv3 X), S = conv1 E; E^r, E^f and a^r, a^f = σ(conv1 E^r), σ(conv1 E^f) of the streams
(2) a1 = σ(sum of S over classes), a2 = (a^r + a^f) / 2
(3) P = (softmax S + a^r + a^f) / 3
(4) each of a1, a2 says action above its median over the video; of each set one in `set_ratio` snippets counts
(5) GCE: generalized cross-entropy with exponent q
(6) NCE over IA with CA against CB, IB with CB against CA, CA with IA against CB, CB with IB against CA

Differences between supplement and released code (both are presets in params.yaml):
1. The size of the four sets: a twentieth of one in `top` snippets, or of all in the code: `set_ratio`.
2. Length of the outer parts in the score of a run: a quarter, or a fifth in the code, which takes one constant for another.
3. The supplement tests on randomly drawn snippets, the code on evenly spaced ones; here all are seen.
Oddities of the code, kept: dropout is declared and never used; all four sets are ranked by a1; snippets of which both agree
are moved, too. Ours differs: losses sum over bags where the code averages (params.yaml scales weight decay to match); a set
smaller than asked for holds what there is, where the code fills it with arbitrary snippets, and NCE of an empty one is 0.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from wstal.base.record import Count, Positive
from wstal.methods import base
from wstal.nn.contrast import contrast
from wstal.nn.convolution import TimeConv
from wstal.nn.losses import generalized_cross_entropy, smoothed_cross_entropy
from wstal.nn.masking import real
from wstal.nn.pooling import largest, largest_of_each, mean_of_each, median, share


class Params(base.Params):
    """Hyper-parameters of AICL."""

    hidden: Count  # H, width of each embedding
    top: Count  # one in `top` snippets makes a video-level score and is pseudo-labelled
    set_ratio: Count  # one in so many snippets is in each of the four sets
    q: Positive  # exponent of GCE
    temperature: Positive  # of NCE; divides


class Sets(NamedTuple):
    """Snippets of each video that are contrasted, (B, T) bool each."""

    action: Tensor
    background: Tensor
    high: Tensor
    low: Tensor


class AICL(base.Method[Params]):
    """AICL on RGB and flow side by side, of equal width."""

    loss_names = (
        "base", "agnostic_flow", "agnostic_rgb", "modality", "action", "contrast_joint", "contrast_rgb", "contrast_flow",
    )  # fmt: skip

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        width, hidden = base.half(dim), params.hidden
        self.embed, self.classify = TimeConv(dim, hidden, 3), TimeConv(hidden, classes, 1)
        self.embed_rgb, self.attend_rgb = TimeConv(width, hidden, 3), TimeConv(hidden, 1, 1)
        self.embed_flow, self.attend_flow = TimeConv(width, hidden, 3), TimeConv(hidden, 1, 1)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, 2 D), mask (B, T) True = real snippet -> scores."""
        rgb, flow = x.chunk(2, dim=-1)
        e, e_rgb, e_flow = (  # E, E^r, E^f (B, T, H)                                                      (1)
            layer(part, mask).relu() for layer, part in ((self.embed, x), (self.embed_rgb, rgb), (self.embed_flow, flow))
        )
        s = self.classify(e, mask)  # S (B, T, C)
        a_rgb = self.attend_rgb(e_rgb, mask)[..., 0].sigmoid()
        a_flow = self.attend_flow(e_flow, mask)[..., 0].sigmoid()
        p = (s.softmax(-1) + a_rgb[..., None] + a_flow[..., None]) / 3  # P                                (3)
        chosen = largest_of_each(p, mask, share(mask.sum(-1), self.params.top))  # I
        score = mean_of_each(s, chosen)  # s (B, C)
        terms = {"rgb": e_rgb, "flow": e_flow, "a_rgb": a_rgb, "a_flow": a_flow, "chosen": chosen.to(s.dtype), "score": score}
        return base.Scores(
            activation=p,
            logits=s,
            actionness=(a_rgb + a_flow) / 2,  # a2                                                         (2)
            video_score=score.softmax(-1),
            embedding=e,
            terms=terms,
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Base: classes of the video. Agnostic: pseudo-labels. Modality, action: kinds of actionness agree. Contrast: NCE.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        terms, length = scores.terms, mask.sum(-1)
        aware = scores.logits.sum(-1).sigmoid()  # a1                                                      (2)
        action = (terms["chosen"] * labels[:, None]).amax(-1)  # h
        sets = self.sets(aware.detach(), scores.actionness.detach(), mask)

        def squared(one: Tensor, other: Tensor) -> Tensor:
            return (real((one - other).square(), mask).sum(-1) / length).sum()

        def agnostic(found: Tensor) -> Tensor:
            return generalized_cross_entropy(found, action, mask.to(found.dtype), self.params.q).sum()  #  (5)

        return {
            "base": smoothed_cross_entropy(terms["score"], labels),
            "agnostic_flow": agnostic(terms["a_flow"]),
            "agnostic_rgb": agnostic(terms["a_rgb"]),
            "modality": squared(terms["a_flow"], terms["a_rgb"]),
            "action": squared(aware, scores.actionness),
            "contrast_joint": self.contrasted(scores.embedding, sets),
            "contrast_rgb": self.contrasted(terms["rgb"], sets),
            "contrast_flow": self.contrasted(terms["flow"], sets),
        }

    def sets(self, aware: Tensor, agnostic: Tensor, mask: Tensor) -> Sets:
        """The four sets of step (4): a1, a2, mask (B, T) -> `Sets`."""
        one, other = (a > median(a, mask) for a in (aware, agnostic))
        k = share(mask.sum(-1), self.params.set_ratio)
        both, neither, either = mask & one & other, mask & ~one & ~other, mask & (one ^ other)

        def most(values: Tensor, among: Tensor) -> Tensor:
            return largest(values, among, k) & among

        return Sets(most(aware, both), most(-aware, neither), most(aware, either), most(-aware, either))

    def contrasted(self, e: Tensor, sets: Sets) -> Tensor:
        """NCE of all four sets, step (6): e (B, T, H) -> scalar, summed over the bags."""
        action, background, high, low = sets
        queries = (
            (high, action, background), (low, background, action), (action, high, background), (background, low, action),
        )  # fmt: skip
        return torch.stack([contrast(e, *each, self.params.temperature) for each in queries]).sum()
