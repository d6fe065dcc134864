"""UM: Background Modeling via Uncertainty Estimation (Lee, Wang, Lu, Byun, AAAI 2021).

Background has no class of its own: it is what fits none of the classes. The length of a snippet's embedding says how
surely it is action. The longest embeddings of a video are pseudo-action and shall reach a margin, the shortest are
pseudo-background, shall vanish and be shared equally among the classes.

symbol         meaning                                      shape       here
f, ‖f_t‖       embedding, its magnitude                     (B, T, H)   features, magnitude
k_act, k_bkg   pseudo-action, -background snippets          (B,)        T // params.action_ratio, ... background_ratio
f_act, f_bkg   mean embedding of either                     (B, H)      terms["f_act"], terms["f_bkg"]
p_act, p_bkg   class probabilities of either                (B, C)      terms["act"], terms["bkg"], logarithms
m              margin of the magnitude                      scalar      params.margin
g              magnitude between both means, in [0, 1]      (B, T)      actionness

Differences between the paper and the released code (both are presets in params.yaml; the paper's text was not at hand):
1. L_cls and L_be: the paper has cross-entropies, the code binary ones on each softmax probability: `classification`.
2. Weight decay exists in the code only.
In the code, and here in both presets: in training, a random mask thins out the snippets that may be chosen; p_act takes
the highest activations of each class, not the chosen snippets, p_bkg the chosen ones.
Ours differs from both: losses sum over bags where the code averages (params.yaml scales weight decay to match), k follows
the true length of a video, never below 1, tests see all snippets instead of 750, equal means give g = 0 where the code
divides by 0, and of equal magnitudes the earlier snippets are chosen.
"""

from typing import Literal

import torch
from torch import Tensor

from wstal.methods import base
from wstal.nn.convolution import TimeConv
from wstal.nn.cosine import norm
from wstal.nn.dropout import Dropout
from wstal.nn.losses import compare, target
from wstal.nn.masking import real
from wstal.nn.pooling import largest, mean_over, share, share_mean
from wstal.nn.scaling import fraction


class Params(base.Params):
    """Hyper-parameters of UM."""

    hidden: int  # width of the embedding
    dropout: float  # before the classifier, and share of snippets that a training step leaves out of the choice
    action_ratio: int  # one in this many snippets is pseudo-action
    background_ratio: int  # one in this many snippets is pseudo-background
    margin: float  # m
    classification: Literal["cross_entropy", "bce"]


class UM(base.Method[Params]):
    """UM on concatenated streams."""

    loss_names = ("cls", "be", "um")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        self.embed = TimeConv(dim, params.hidden, 3)
        self.drop, self.thin = Dropout(params.dropout), Dropout(params.dropout)
        self.classify = TimeConv(params.hidden, classes, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores, activation weighted by the relative magnitude g."""
        features = self.embed(x, mask).relu()  # f (B, T, H)
        cas = self.classify(self.drop(features), mask)  # (B, T, C)
        k_act, k_bkg = (share(mask.sum(-1), ratio) for ratio in (self.params.action_ratio, self.params.background_ratio))
        magnitude = norm(features)  # (B, T)
        act, bkg = choose(magnitude, self.thin(torch.ones_like(magnitude)), mask, k_act, k_bkg)
        g = between(magnitude, act, bkg)
        log_p_act = share_mean(cas.transpose(1, 2), mask, self.params.action_ratio).log_softmax(-1)
        return base.Scores(
            activation=cas.softmax(-1) * g[..., None],
            logits=cas,
            actionness=g,
            video_score=log_p_act.exp(),
            embedding=features,
            terms={
                "act": log_p_act,
                "bkg": mean_over(cas, bkg).log_softmax(-1),
                "f_act": mean_over(features, act),
                "f_bkg": mean_over(features, bkg),
            },
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """L_cls: actions of the video. L_be: all classes are equally probable in background. L_um: magnitudes part.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        kind, terms = self.params.classification, scores.terms
        short = (self.params.margin - norm(terms["f_act"])).relu()  # (B,)
        return {
            "cls": compare(kind, terms["act"], target(labels)),
            "be": compare(kind, terms["bkg"], torch.full_like(terms["bkg"], 1 / self.classes)),
            "um": (short + norm(terms["f_bkg"])).square().sum(),
        }


def choose(magnitude: Tensor, factor: Tensor, mask: Tensor, k_act: Tensor, k_bkg: Tensor) -> tuple[Tensor, Tensor]:
    """Pseudo-action: the k_act longest; pseudo-background: the k_bkg shortest. All (B, T), k (B,) -> two masks (B, T).

    `factor`, 1 at test and in training 0 for most snippets, multiplies the magnitude and its distance from the longest.
    """
    longest = real(magnitude, mask).amax(-1, keepdim=True)
    return largest(magnitude * factor, mask, k_act), largest((longest - magnitude) * factor, mask, k_bkg)


def between(magnitude: Tensor, act: Tensor, bkg: Tensor) -> Tensor:
    """g: 0 at the mean magnitude of pseudo-background, 1 at that of pseudo-action, cut there. All (B, T)."""
    high, low = (mean_over(magnitude[..., None], chosen) for chosen in (act, bkg))  # (B, 1)
    return fraction(magnitude, low, high)
