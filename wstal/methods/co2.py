"""CO2-Net: Cross-modal Consensus Network (Hong, Feng, Xu, Shan, Zheng, ACM MM 2021).

Features made for another task hold what this one does not need. A module filters each stream by what the whole video shows in
it and by what the other stream shows in each snippet; both streams' attentions teach each other.

symbol    meaning                                     shape            here
m, a      the stream that is filtered, the other one  (B, T, D)        main, other
g, l      what the video shows, what the other does   (B, 1 or T, D)   whole, local
m'        filtered features                           (B, T, D)        x_v, x_f
A^v, A^f  attention of RGB, flow                      (B, T)           terms["v"], terms["f"]
A         their mean                                  (B, T)           actionness
Z         embedding                                   (B, T, 2 D)      embedding
S         class scores, background last               (B, T, C + 1)    logits
S'        the same with background suppressed         (B, T, C + 1)    terms["supp"]

The network and its losses are in wstal/nn/consensus.py; steps of the released code, which stand in for the equations of the
paper (its text was not at hand), LR being leaky ReLU of slope 0.2 and convk a convolution over k snippets:
(1) g = LR(conv1 of the mean of m)       (5) A = (A^v + A^f) / 2
(2) l = LR(conv3 a)                      (6) Z = LR(conv1 [m'_v; m'_f])
(3) m' = σ(l g) m                        (7) S = conv1 LR(conv3 Z)
(4) attention = σ(conv1 LR(conv3         (8) S' = A (S - min S) + min S, the minimum over the classes of a snippet
    LR(conv3 m')))                       (9) W = A S, at test
Each LR is followed by dropout but the second of (4), whose logit has it instead; Z has it twice in front of (7).

Oddities of the released code, kept:
1. Attention weights scores by a product at test, (9), and shifted by the minimum in training, (8).
2. The dropout on the attention's logit leaves half of all snippets at exactly 0.5 in training.
3. The mutual loss has the value of the mean squared difference and half its gradient: each stream takes the other for fixed.
4. A loss weight of the mutual loss exists for THUMOS14 only; ActivityNet has 1, as has this one.
Ours differs: losses sum over bags where the code averages (params.yaml scales weight decay to match); CASL, an average over
pairs and shared classes, counts once a bag; g is a linear map, as of its three taps the outer ones see zeros alone; a layer
that the code builds and does not use is left out; runs of the first snippet alone are not lost.
"""

from torch import Tensor

from wstal.base.record import Count, Index, NonNegative, Rate
from wstal.base.types import Groups
from wstal.methods import base
from wstal.nn import consensus
from wstal.nn.suppression import log_score


class Params(base.Params):
    """Hyper-parameters of CO2-Net."""

    attention_hidden: Count  # width of the attention's layers
    attention_dropout: Rate  # of the attention, its logit included, and of what filters the features
    dropout: Rate  # of the embedding and the classifier
    smooth: Count  # odd number of snippets that class scores and attention are averaged over; 1: they are not
    top: Count  # a video-level score averages one in `top` snippets in training
    test_top: Count  # ... and at test
    margin: NonNegative  # of CASL
    pairs: Index  # pairs that a batch begins with; losses of a smaller batch see fewer

    @property
    def bag_groups(self) -> Groups:
        """The bags that CASL compares."""
        return Groups(self.pairs, 2, replace=False)


class CO2(base.Method[Params]):
    """CO2-Net on RGB and flow side by side, of equal width."""

    loss_names = ("mil_orig", "mil_supp", "contrastive", "mutual", "norm", "guide")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        front = consensus.Consensus(base.half(dim), params.attention_hidden, params.attention_dropout)
        self.network = consensus.Network(front, dim, classes, params.dropout, params.smooth)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, 2 D), mask (B, T) True = real snippet -> scores, logits with background."""
        seen = self.network(x, mask)
        weighted = seen.attention[..., None] * seen.logits  # W (B, T, C + 1)                               (9)
        return base.Scores(
            activation=weighted[..., :-1],
            logits=seen.logits,
            actionness=seen.attention,
            video_score=log_score(weighted, mask, self.params.test_top).exp()[:, :-1],
            embedding=seen.embedding,
            terms=seen.terms,
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """MIL with background and without, CASL, mutual agreement of the streams, sparse attention, and its guide, background.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        seen = consensus.Seen(scores.logits, scores.terms["supp"], scores.actionness, scores.embedding, scores.terms)
        return consensus.losses(seen, labels, mask, self.params.top, self.params.pairs, self.params.margin)
