"""LGBM-Net: Local-Global Background Modeling Network (Wang et al., report on the HACS Challenge 2021).

BaS-Net with context. Where BaS-Net convolves, a local operation (convolution) and a global one (LSTM) run side by side and
are merged, both in the attention that suppresses background and in the sub-net that gives the class activation sequence.
The attention is also taught by that sequence: it shall be high where the strongest class is. Detections come from the
suppressed branch. The report prints no equation, so no line below carries a number.

symbol   meaning                              shape          here
λ        foreground weight of a snippet       (B, T)         weight
CAS      class activation sequence            (B, T, C + 1)  terms["cas_*"]    background last
p        video-level class probabilities      (B, C + 1)     terms["base"], terms["supp"], logarithms
g        activation of the strongest class    (B, T)         guide, no gradient
k        snippets that a score averages       (B,)           T // params.top

Nothing is released. The report fixes the parts and how they connect; what it leaves open is read as follows, and stands
in params.yaml where it is a value:
1. LSTM: bidirectional, half the width each way, beside a convolution over three snippets: `global_op`. A one-way LSTM, the
   non-local operation and global pooling are the report's alternatives.
2. "Merged": concatenated; the attention's two convolutions see one snippet, the sub-net's next one sees three: `merge`.
3. "The activation of the highest category in CAS": the largest class probability of a snippet, background aside, in the
   base branch: `guide`, `guide_source`. "Supervise": mean absolute difference: `distance`, and `weights.guide`.
4. Widths, dropout, k, classification loss, L_norm and optimiser are BaS-Net's.
5. "The watershed algorithm": BaS-Net's runs at many thresholds. The watershed of TAG is `localize.grouping`.
Ours sums losses over bags where BaS-Net averages (params.yaml scales weight decay to match), k follows the true length of
a video, and tests see all snippets.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, l1_loss, leaky_relu, mse_loss

from wstal.methods import base
from wstal.nn import suppression
from wstal.nn.context import LSTM, BiLSTM, MeanPool, NonLocal
from wstal.nn.convolution import TimeConv
from wstal.nn.dropout import Dropout
from wstal.nn.masking import real
from wstal.nn.scaling import fraction


def strongest(cas: Tensor, log_p: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Largest class probability of each snippet: cas (B, T, C + 1) -> (B, T)."""
    return cas.softmax(-1)[..., :-1].amax(-1)


def labelled(cas: Tensor, log_p: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Largest probability of each snippet among the video's classes: cas (B, T, C + 1), labels (B, C) -> (B, T)."""
    return (cas.softmax(-1)[..., :-1] * labels[:, None]).amax(-1)


def top_class(cas: Tensor, log_p: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Activation of the video's best class, from 0 at its lowest snippet to 1 at its highest.

    cas (B, T, C + 1), log_p (B, C + 1), mask (B, T) -> (B, T).
    """
    best = log_p[:, :-1].argmax(-1)[:, None, None].expand(-1, cas.shape[1], 1)
    own = cas.gather(-1, best)[..., 0]
    low = own.masked_fill(~mask, torch.inf).amin(-1, keepdim=True)
    high = own.masked_fill(~mask, -torch.inf).amax(-1, keepdim=True)
    return fraction(own, low, high)  # in the padding, cut


GLOBAL = {"bilstm": BiLSTM, "lstm": LSTM, "non_local": NonLocal, "pooling": MeanPool}
MERGE: dict[str, tuple[int, Callable[[Tensor, Tensor], Tensor]]] = {  # width in widths of a part, function of both parts
    "concat": (2, lambda local, whole: torch.cat([local, whole], dim=-1)),
    "sum": (1, torch.add),
}
GUIDE = {"strongest": strongest, "labelled": labelled, "top_class": top_class}
DISTANCE: dict[str, Callable[..., Tensor]] = {"l1": l1_loss, "mse": mse_loss, "bce": binary_cross_entropy}


class Params(base.Params):
    """Hyper-parameters of LGBM-Net."""

    hidden: int  # width of the sub-net: of each operation, and of the layer that follows
    attention_hidden: int  # width of the attention, likewise
    global_op: Literal["bilstm", "lstm", "non_local", "pooling"]
    merge: Literal["concat", "sum"]  # how the local and the global operation meet
    dropout: float  # before the classifier
    top: int  # a video-level score averages one in `top` snippets
    classification: Literal["cross_entropy", "bce"]
    guide: Literal["strongest", "labelled", "top_class"]  # what the attention shall follow
    guide_source: Literal["base", "supp"]  # the branch whose CAS makes the guide
    distance: Literal["l1", "mse", "bce"]  # of the attention from its guide


class LGBM(base.Method[Params]):
    """LGBM-Net on concatenated streams."""

    loss_names = ("base", "supp", "norm", "guide")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        seen, hidden = LocalGlobal(dim, params.attention_hidden, params), params.attention_hidden
        self.attention = nn.ModuleList([seen, TimeConv(seen.width, hidden, 1), TimeConv(hidden, 1, 1)])
        seen, hidden = LocalGlobal(dim, params.hidden, params), params.hidden
        self.embed = nn.ModuleList([seen, TimeConv(seen.width, hidden, 3)])
        self.drop = Dropout(params.dropout)
        self.classify = TimeConv(hidden, classes + 1, 1, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> the scores of the suppressed branch, terms of both."""
        weight = self.attend(x, mask)
        both, masks = torch.cat([x, weight[..., None] * x]), mask.repeat(2, 1)  # (2B, T, D): base branch, suppressed branch
        features = leaky_relu(self.embed[1](self.embed[0](both, masks), masks))
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

    def attend(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), mask (B, T) -> λ (B, T)."""
        merged = leaky_relu(self.attention[1](self.attention[0](x, mask), mask))
        return self.attention[2](merged, mask).sigmoid()[..., 0]

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """BaS-Net's three, and L_guide: the attention follows the strongest class.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        params, terms = self.params, scores.terms
        source, log_p = terms[f"cas_{params.guide_source}"].detach(), terms[params.guide_source].detach()
        guide = GUIDE[params.guide](source, log_p, labels, mask)  # g (B, T)
        apart = DISTANCE[params.distance](terms["weight"], guide, reduction="none")
        mean = real(apart, mask).sum(-1) / mask.sum(-1)  # (B,)
        return {**suppression.losses(params.classification, terms, labels, mask), "guide": mean.sum()}


class LocalGlobal(nn.Module):
    """The local and the global operation side by side: x (B, T, dim), mask (B, T) -> (B, T, width)."""

    def __init__(self, dim: int, out: int, params: Params):
        super().__init__()
        self.local, self.whole = TimeConv(dim, out, 3), GLOBAL[params.global_op](dim, out)
        times, self.merge = MERGE[params.merge]
        self.width = times * out

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, dim), mask (B, T) -> both operations' outputs, merged, (B, T, width)."""
        return self.merge(leaky_relu(self.local(x, mask)), self.whole(x, mask))
