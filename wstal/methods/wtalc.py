"""W-TALC: Weakly-supervised Temporal Activity Localization and Classification (Paul, Roy, Roy-Chowdhury, ECCV 2018).

A multiple-instance loss on the strongest snippets of each class, and the co-activity similarity loss (CASL): in two
videos that share a class, the parts where it is active shall look alike, and unlike the parts where it is not.

symbol   meaning                                       shape      here
u        embedded snippets, after dropout              (B, T, H)  embedding
A        class activation sequence, unbounded logits   (B, T, C)  activation
k        snippets that a class score averages          (B,)       ⌈T / top⌉ in training, ⌊T / top⌋ at test, at least 1
p        video-level class probabilities               (B, C)     terms["mil"], logarithms
H, L     mean of u where a class is active, is not     (B, C, H)  in wstal/nn/coactivity.py
δ        margin of CASL                                scalar     params.margin

A batch begins with `pairs` pairs of neighbouring bags that share a class, as the code draws them; other bags follow.
Differences between the paper and the released code (both are presets in params.yaml; the paper's text was not at hand):
1. The paper's figure has two layers before the classifier, the code makes a second one and does not use it: `layers`.
2. Weight decay exists in the code only.
Ours differs from both: losses sum over bags where the code averages (params.yaml scales weight decay to match); CASL, an
average over pairs and shared classes, counts once a bag to keep its ratio to MIL; videos below 8 snippets have a score
where the code averages nothing; a video score of exactly 0 keeps its class (`localize` keeps what is at least 0); the
actionness is the highest logit of a snippet, for plots only.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from wstal.base.types import Groups
from wstal.methods import base
from wstal.nn.coactivity import co_activity
from wstal.nn.dropout import Dropout
from wstal.nn.losses import compare, target
from wstal.nn.pooling import share_mean, topk_mean


class Params(base.Params):
    """Hyper-parameters of W-TALC."""

    hidden: int  # width of the embedding
    layers: Literal[1, 2]  # of the embedding
    dropout: float  # after each of them
    top: int  # a video-level score averages one in `top` snippets
    margin: float  # δ
    pairs: int  # pairs that a batch begins with; losses of a smaller batch see fewer

    @property
    def bag_groups(self) -> Groups:
        """The bags that the metric loss compares."""
        return Groups(self.pairs, 2, replace=True)


class WTALC(base.Method[Params]):
    """W-TALC on concatenated streams."""

    loss_names = ("mil", "casl")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        widths = [dim] + [params.hidden] * params.layers
        self.embed = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(widths)])
        self.drops = nn.ModuleList([Dropout(params.dropout) for _ in self.embed])
        self.classify = nn.Linear(params.hidden, classes)
        for layer in (*self.embed, self.classify):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores; activation and logits are one, unbounded."""
        for layer, drop in zip(self.embed, self.drops, strict=True):
            x = drop(layer(x).relu())
        cas = self.classify(x)  # A (B, T, C)
        by_class, top = cas.transpose(1, 2), self.params.top
        k, most = (mask.sum(-1) + top - 1) // top, (mask.shape[1] + top - 1) // top
        return base.Scores(
            activation=cas,
            logits=cas,
            actionness=cas.amax(-1),
            video_score=share_mean(by_class, mask, top),
            embedding=x,
            terms={"mil": topk_mean(by_class, mask, k, most).log_softmax(-1)},
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """MIL: the classes of the video. CASL: what pairs share looks alike.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        casl = co_activity(scores.embedding, scores.activation, labels, mask, self.params.pairs, self.params.margin)
        return {"mil": compare("cross_entropy", scores.terms["mil"], target(labels)), "casl": len(labels) * casl}
