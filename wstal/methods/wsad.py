"""WSAD: Weakly Supervised Temporal Action Localization Using Deep Metric Learning (Islam, Radke, WACV 2020).

Two losses. A video is cut into blocks; it shows a class if any block does, and a balanced cross-entropy weighs the classes
it shows as much as all others together. And videos of one class shall look alike where it is active, and unlike what is
around it, by a metric of the class's own: distance along its row of the classifier.

symbol       meaning                                            shape         here
u            embedded segments, after dropout                   (B, T, H)     embedding
s            class activations, clipped at ±κ                   (B, T, C)     terms["cas"]
l_w, n_B     length and number of blocks                        (B,)          params.block, block_lengths
k            strongest segments that a block's score averages   (B, K)        params.k
P(c | V)     probability that the video shows a class           (B, C)        terms["p"]
z, z^¬       unit means of u where a class is active, is not    (G, S, C, H)  active, rest
d⁺, d⁻       mean distances within a group                      (G, C)        distances
α            margin of the metric loss                          scalar        params.margin

A batch begins with G groups of S videos that share a class; other bags follow.
Differences between the paper and the released code (both are presets in params.yaml):
1. Eq. (1) prints the classifier on the features x; the text and the code put it on u, as both presets do.
2. Eq. (1) clips everywhere, the code in the losses alone; the paper localizes by probabilities σ(s) and P(c | V), the code
   by logits and the best block's score: `score`. The paper cuts at 0.5, the code midway between a video's extremes.
3. The code halves L_BBCE and then both losses, so metric : classification is 2 : 1 there, 1 : 1 in the paper: weights.
   Eqs. (5, 6) lack the minus sign, as printed.
4. Batches are 4 groups of 5 videos in the paper, 5 of 4 in the code; the learning rate is 1e-4 and 2e-4.
5. Of a longer video the paper takes 300 segments at random, the code 300 neighbours.
6. The paper's d⁺ and d⁻ divide by n_k (n_k - 1), n_k being a video's length elsewhere; both presets count videos, as the code.
Ours differs from both: losses sum over bags where the code averages; the metric loss, an average over groups and shared
classes, counts once a bag to keep its ratio to the other. What the paper leaves open: its softmax loss is W-TALC's
cross-entropy on P(c | V), with a softmax over classes in place of σ in Eq. (4); cosine distance is D = 1 - cos; a learned
metric is M^c = LᵀL, so that it stays one, and L starts as the identity. The actionness is a segment's highest activation, for
plots only.
"""

from functools import reduce
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn.functional import pad

from wstal.base.record import Count, Index, NonNegative, Positive, Rate
from wstal.base.types import Groups
from wstal.methods import base
from wstal.nn.aggregation import aggregate
from wstal.nn.dropout import Dropout
from wstal.nn.losses import target
from wstal.nn.masking import hidden, real
from wstal.nn.pooling import topk


class Params(base.Params):
    """Hyper-parameters of WSAD."""

    hidden: Count  # width H of the embedding; the paper's is that of the features
    dropout: Rate  # after the embedding
    clip: Positive  # κ; .inf clips nothing
    block: Count | None  # l_w; null makes the whole video one block
    k: Count | Annotated[float, Meta(gt=0, lt=1)]  # a number of segments, or a share of the block's
    classification: Literal["balanced_bce", "bce", "softmax"]
    metric: Literal["triplet", "contrastive"]
    distance: Literal["class_weight", "learned", "euclidean", "cosine"]
    margin: NonNegative  # α
    groups: Index  # G, groups that a batch begins with; losses of a smaller batch see fewer
    group_size: Annotated[int, Meta(ge=2)]  # S
    score: Literal["logit", "probability"]  # what localization sees

    @property
    def bag_groups(self) -> Groups:
        """The bags that the metric loss compares."""
        return Groups(self.groups, self.group_size, replace=False)


class WSAD(base.Method[Params]):
    """WSAD on concatenated streams."""

    loss_names = ("classification", "metric")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        self.embed, self.classify = nn.Linear(dim, params.hidden), nn.Linear(params.hidden, classes)
        self.drop = Dropout(params.dropout)
        for layer in (self.embed, self.classify):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        if params.distance == "learned":
            self.matrices = nn.Parameter(torch.eye(params.hidden).repeat(classes, 1, 1))  # L (C, H, H)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores on the scale that `score` names."""
        u = self.drop(self.embed(x).relu())  # (B, T, H)
        raw = self.classify(u)  # (B, T, C)
        cas = self.clipped(raw)  # Eq. (1)
        score, clipped, exists = self.block_scores(raw, mask)
        p = self.video_probability(clipped, exists)
        best = hidden(score, exists).amax(1)  # of the block where a class is strongest (B, C)
        activation, video_score = (raw, best) if self.params.score == "logit" else (cas.sigmoid(), p)  # Sec. 3.5
        terms = {"cas": cas, "p": p}
        return base.Scores(activation, raw, activation.amax(-1), video_score, embedding=u, terms=terms)

    def clipped(self, raw: Tensor) -> Tensor:
        """Class activations (...) cut off at ±κ."""
        return raw.clamp(-self.params.clip, self.params.clip)

    def video_probability(self, score: Tensor, exists: Tensor) -> Tensor:
        """The probability P(c | V) of each class, from scores of blocks (B, K, C) and which exist (B, K, 1) -> (B, C)."""
        link, _ = CLASSIFICATION[self.params.classification]
        block_p = real(link(score), exists)  # Eq. (4)
        return 1 - reduce(torch.mul, (1 - block_p).unbind(1))  # Eq. (3)

    def block_scores(self, raw: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means of a block's k largest activations, raw and clipped, and where a bag has that block.

        raw (B, T, C), mask (B, T) -> (B, K, C) twice, (B, K, 1) bool; K blocks are what T snippets could make.
        """
        size = self.params.block or mask.shape[1]
        length = block_lengths(mask, size)  # (B, K)
        count = length.shape[1]
        parts = pad(raw, (0, 0, 0, (count + 1) * size - mask.shape[1])).unflatten(1, (count + 1, size)).transpose(2, 3)
        blocks = torch.cat([parts[:, :-1], parts[:, 1:]], dim=-1)  # (B, K, C, 2 size): the last is shorter than two
        inside = torch.arange(2 * size, device=raw.device) < length[..., None]  # (B, K, 2 size)
        most = self.params.k if isinstance(self.params.k, int) else int(2 * size * self.params.k) + 1
        k = strongest(length, self.params.k).flatten()
        top, weight = topk(blocks.flatten(0, 1), inside.flatten(0, 1), k, min(most, 2 * size))  # (B K, C, most)
        score, clipped = ((part * weight).sum(-1).view(*length.shape, -1) for part in (top, self.clipped(top)))
        return score, clipped, length[..., None] > 0

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Classification: the classes of the video. Metric: what the videos of a group share looks alike.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        _, loss = CLASSIFICATION[self.params.classification]
        return {
            "classification": loss(scores.terms["p"], labels).sum(),
            "metric": len(labels) * self.metric_loss(scores, labels, mask),
        }

    def metric_loss(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> Tensor:
        """Mean over groups and the classes that all videos of a group show; 0 without any.

        labels (B, C) multi-hot, mask (B, T) -> scalar.
        """
        near, far = self.distances(scores, mask)
        shared = self.grouped(labels).amin(1)  # (G, C)
        hinge = METRIC[self.params.metric](near, far, self.params.margin)
        return (shared * hinge).sum() / shared.sum().clamp_min(1)

    def distances(self, scores: base.Scores, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Mean distances d⁺ and d⁻ of each group and class, over ordered pairs of its videos: mask (B, T) -> two (G, C)."""
        u, cas, mask = (self.grouped(part).flatten(0, 1) for part in (scores.embedding, scores.terms["cas"], mask))
        active, rest = (self.grouped(part) for part in aggregate(u, cas, mask))  # z, z^¬ (G, S, C, H)
        size = self.params.group_size
        pairs = (1 - torch.eye(size, dtype=u.dtype, device=u.device))[..., None] / (size * (size - 1))  # j ≠ j'
        squared = DISTANCE[self.params.distance]
        near, far = ((squared(self, active, other) * pairs).sum((1, 2)) for other in (active, rest))
        return near, far

    def grouped(self, bags: Tensor) -> Tensor:
        """The groups that a batch begins with: (B, ...) -> (G, S, ...)."""
        size = self.params.group_size
        count = min(self.params.groups, len(bags) // size)
        return bags[: count * size].unflatten(0, (count, size))


def block_lengths(mask: Tensor, size: int) -> Tensor:
    """Snippets of each block: mask (B, T) -> (B, K), K = ⌊T / size⌋, at least 1.

    A bag of n snippets has ⌊n / size⌋ blocks, at least 1; the last takes the rest, and blocks beyond it have length 0.
    """
    n = mask.sum(-1, keepdim=True)  # (B, 1)
    count = (n // size).clamp_min(1)  # n_B
    block = torch.arange(max(mask.shape[1] // size, 1), device=mask.device)
    return torch.where(block < count - 1, size, n - size * block) * (block < count)


def strongest(length: Tensor, k: float) -> Tensor:
    """How many segments of a block count, at least 1: `k` of them, or as a fraction the nearest number.

    length (B, K), segments of each block -> (B, K).
    """
    return (length.clamp_max(k) if isinstance(k, int) else (length * k).round().long()).clamp_min(1)


def log(p: Tensor) -> Tensor:
    """Logarithm of probabilities (...) -> (...); the code's 1e-8 keeps it finite."""
    return (p + 1e-8).log()


def balanced_bce(p: Tensor, labels: Tensor) -> Tensor:
    """L_BBCE, Eqs. (5, 6), of each bag: p (B, C), labels (B, C) multi-hot -> (B,). A side without classes counts 0."""
    return -(target(labels) * log(p)).sum(-1) - (target(1 - labels) * log(1 - p)).sum(-1)


def bce(p: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy, mean over the classes, of each bag: p (B, C), labels (B, C) multi-hot -> (B,)."""
    return -(labels * log(p) + (1 - labels) * log(1 - p)).mean(-1)


def cross_entropy(p: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each bag, its labels shared out to sum to one: p (B, C), labels (B, C) multi-hot -> (B,)."""
    return -(target(labels) * log(p)).sum(-1)


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """Squared distance of all pairs of a group: a, b (G, S, C, H) -> (G, S, S, C)."""
    return (a[:, :, None] - b[:, None]).square().sum(-1)


CLASSIFICATION = {  # Fig. 2: a block's scores (B, K, C) -> P(c | B_i), and the loss of P(c | V)
    "balanced_bce": (torch.sigmoid, balanced_bce),
    "bce": (torch.sigmoid, bce),
    "softmax": (lambda score: score.softmax(-1), cross_entropy),
}
METRIC = {  # Table 3: d⁺, d⁻ (G, C), α -> (G, C)
    "triplet": lambda near, far, margin: (near - far + margin).relu(),
    "contrastive": lambda near, far, margin: near + (margin - far).relu(),
}
DISTANCE = {  # Fig. 3: D² of all pairs of unit vectors a, b (G, S, C, H) -> (G, S, S, C)
    "class_weight": lambda model, a, b: euclidean(*((v * model.classify.weight).sum(-1, keepdim=True) for v in (a, b))),
    "learned": lambda model, a, b: euclidean(*(torch.einsum("gsch,ckh->gsck", v, model.matrices) for v in (a, b))),
    "euclidean": lambda model, a, b: euclidean(a, b),
    "cosine": lambda model, a, b: (1 - torch.einsum("gjch,gkch->gjkc", a, b)).square(),
}  # class_weight is Eqs. (10, 11)
