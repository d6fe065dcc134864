"""BaS-Net: Background Suppression Network (Lee, Uh, Byun, AAAI 2020).

Two branches share one classifier with a class for background. The base branch sees the whole video and must find
background in it; the suppressed branch sees snippets weighted by a filter and must find none. To serve both, the filter
has to learn where background is. Detections come from the suppressed branch.

symbol   meaning                          shape          here
λ        foreground weight of a snippet   (B, T)         weight
CAS      class activation sequence        (B, T, C + 1)  terms["cas_*"]    background last
p        video-level class probabilities  (B, C + 1)     terms["base"], terms["supp"], logarithms
k        snippets that a score averages   (B,)           T // params.top
γ, α     video score in a detection's score, weight of L_norm    params.yaml

Differences between the paper and the released code (both are presets in params.yaml; the paper's text was not at hand):
1. Classification: the paper has a cross-entropy, the code a binary one on each softmax probability: `classification`.
2. A detection's score adds γ p in the paper; the code makes p binary first and so adds γ: `scoring.video_binary`.
3. Thresholds reach from 0 to 0.5 in the paper and to 0.225 in the code.
Ours differs from both: the loss sums over bags where the code averages (params.yaml scales weight decay to match), k
follows the true length of a video, never below 1, and tests see all snippets instead of 750. The code finds nothing in
videos that keep class 0 alone, an accident of testing an array for truth; ours localizes it.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from wstal.methods import base
from wstal.nn import suppression
from wstal.nn.convolution import TimeConv
from wstal.nn.dropout import Dropout


class Params(base.Params):
    """Hyper-parameters of BaS-Net."""

    hidden: int  # width of both layers before the classifier
    filter_hidden: int  # width of the filter's first layer
    dropout: float  # before the classifier
    top: int  # a video-level score averages one in `top` snippets
    classification: Literal["cross_entropy", "bce"]


class BaSNet(base.Method[Params]):
    """BaS-Net on concatenated streams."""

    loss_names = ("base", "supp", "norm")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        self.filter = nn.ModuleList([TimeConv(dim, params.filter_hidden, 1), TimeConv(params.filter_hidden, 1, 1)])
        self.embed = nn.ModuleList([TimeConv(dim, params.hidden, 3), TimeConv(params.hidden, params.hidden, 3)])
        self.drop = Dropout(params.dropout)
        self.classify = TimeConv(params.hidden, classes + 1, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> the scores of the suppressed branch, terms of both."""
        weight = self.filter[1](leaky_relu(self.filter[0](x, mask)), mask).sigmoid()[..., 0]  # λ (B, T)
        features, masks = torch.cat([x, weight[..., None] * x]), mask.repeat(2, 1)  # (2B, T, D): base branch, suppressed branch
        for layer in self.embed:
            features = leaky_relu(layer(features, masks))
        cas = self.classify(self.drop(features), masks)
        log_p = suppression.log_score(cas, masks, self.params.top)
        (cas_base, cas_supp), (log_p_base, log_p_supp) = cas.chunk(2), log_p.chunk(2)
        return base.Scores(
            activation=cas_supp[..., : self.classes],
            logits=cas_supp,
            actionness=weight,
            video_score=log_p_supp.exp()[:, : self.classes],
            embedding=features.chunk(2)[1],
            terms={"base": log_p_base, "supp": log_p_supp, "cas_base": cas_base, "cas_supp": cas_supp, "weight": weight},
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """L_base: background occurs. L_supp: it does not. L_norm: the filter keeps little.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        return suppression.losses(self.params.classification, scores.terms, labels, mask)
