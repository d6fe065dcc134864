"""DELU: Dual-Evidential Learning for Weakly-supervised Temporal Action Localization (Chen, Gao, Yang, Xu, ECCV 2022).

CO2-Net's network (see co2.py), taught with evidence: class scores of the most attended snippets are evidence of a Dirichlet
distribution, whose spread says how uncertain a video is; uncertain videos teach less. Snippets have an uncertainty, too,
by which their attention is guided by background more or less, and otherwise at the end of training than at its beginning.

symbol  meaning                                               shape        here, or in wstal/nn/evidence.py
A       attention of both streams, A^v and A^f of each        (B, T)       actionness, terms["v"], terms["f"]
S, S'   class scores, background last; suppressed             (B, T, C+1)  logits, terms["supp"]
J       one in `attention_rate` snippets, most attended       (B, T)       attended
v       mean of S' over J, actions only                       (B, C)       video
α, Σ    parameters of the Dirichlet distribution, their sum   (B, C)       alpha, total
u_t     uncertainty of a snippet                              (B, T)       uncertainty
ρ       share of training that is done                        ()           terms["progress"]
Δ       how far weights of snippets are from 1                scalar       params.amplitude

Steps of the released code (the paper's text was not at hand); their losses are in wstal/nn/evidence.py:
(1) α = exp(v) + 1, v cut off at ±10; loss = sum over c of w_c (log Σ - log α_c), w_c the share of y_c / α_c in its sum,
    times (1 - C / Σ), which is taken for fixed, and the number of labels
(2) on ActivityNet α = ReLU(v) + 1; loss = sum over c of (y_c - α_c / Σ)²
(3) u_t = C / the sum over classes and background of (exp(S'_t) + 1), S' cut off at ±10
(4) weight of a snippet = 1 + Δ tanh((2 (i + ½) / T - 1) (1 - 2 ρ)), i its place in the order of u; loss = mean over
    snippets of weight times |1 - attention - background|

Differences between paper and released code (both are presets in params.yaml; the paper as remembered, not checked):
1. i is the rank of a snippet; in the code it is which snippet has the rank, so that weights are all but random: `order`.
2. Certain snippets count more at first, uncertain ones at last; with ranks, the code's sign is the opposite: `first`.
3. The code of 2024, behind its latest numbers, has 20 thresholds and drops detections of one snippet; before, CO2-Net's 10.
Oddities of the code, kept: background is evidence of a snippet but not of a video; the two losses (1) and (2) are of
different kinds; gradient flows through w but for the factor that is named. Ours differs as CO2-Net's does; equal
uncertainties are in the order of time.
"""

from torch import Tensor

from wstal.base.record import Count, Index, NonNegative, Rate
from wstal.base.types import Groups
from wstal.methods import base
from wstal.nn import consensus, evidence
from wstal.nn.evidence import First, Kind, Order
from wstal.nn.suppression import log_score


class Params(base.Params):
    """Hyper-parameters of DELU: CO2-Net's, and its own."""

    attention_hidden: Count  # width of the attention's layers
    attention_dropout: Rate  # of the attention, its logit included, and of what filters the features
    dropout: Rate  # of the embedding and the classifier
    smooth: Count  # odd number of snippets that class scores and attention are averaged over; 1: they are not
    top: Count  # a video-level score averages one in `top` snippets in training
    test_top: Count  # ... and at test
    margin: NonNegative  # of CASL
    pairs: Index  # pairs that a batch begins with; losses of a smaller batch see fewer
    evidence: Kind  # steps (1), (2)
    attention_rate: Count  # one in so many snippets, the most attended, is evidence of a video
    amplitude: NonNegative  # Δ
    order: Order  # what i is: a snippet's rank, or the snippet of that rank
    first: First  # ranks that count more when training begins

    @property
    def bag_groups(self) -> Groups:
        """The bags that CASL compares."""
        return Groups(self.pairs, 2, replace=False)


class DELU(base.Method[Params]):
    """DELU on RGB and flow side by side, of equal width."""

    loss_names = ("mil_orig", "mil_supp", "contrastive", "mutual", "norm", "guide", "edl", "uct_guide")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        front = consensus.Consensus(base.half(dim), params.attention_hidden, params.attention_dropout)
        self.network = consensus.Network(front, dim, classes, params.dropout, params.smooth)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, 2 D), mask (B, T) True = real snippet -> scores, logits with background."""
        seen = self.network(x, mask)
        weighted = seen.attention[..., None] * seen.logits  # (B, T, C + 1)
        return base.Scores(
            activation=weighted[..., :-1],
            logits=seen.logits,
            actionness=seen.attention,
            video_score=log_score(weighted, mask, self.params.test_top).exp()[:, :-1],
            embedding=seen.embedding,
            terms=seen.terms,
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """CO2-Net's; edl: evidence of the video's classes; uct_guide: background guides attention, by uncertainty.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags. Without the term "progress",
        training begins.
        """
        seen = consensus.Seen(scores.logits, scores.terms["supp"], scores.actionness, scores.embedding, scores.terms)
        shared = consensus.losses(seen, labels, mask, self.params.top, self.params.pairs, self.params.margin)
        return shared | evidence.losses(
            seen, labels, mask, scores.terms.get("progress", 0.0), kind=self.params.evidence, rate=self.params.attention_rate,
            amplitude=self.params.amplitude, order=self.params.order, first=self.params.first,
        )  # fmt: skip
