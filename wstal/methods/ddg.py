"""DDG-Net: Discriminability-Driven Graph Network (Tang, Fan, Luo, Zhang, Zhang, Yang, ICCV 2023), in front of DELU or CO2-Net.

Snippets that both streams call action, or both background, are sure; the others are ambiguous. Sure snippets learn from their
like, ambiguous ones from sure ones, and no action from background: features of alike snippets are averaged along graphs.

symbol    meaning                                              shape           here
v, f; x   features of RGB, flow; of either                     (B, T, D)       x_v, x_f; x
a^v, a^f  attention of a first pass                            (B, T)          terms["first_v"], terms["first_f"]
s         how alike two snippets are                           (B, T, T)       alike
G_a, G_b  graphs of action, background                         (B, T, T)       action, background
G_m       graph that leads into ambiguous snippets             (B, T, T)       from_action + from_background + itself
α, β      features handed on along G_a, G_b                    (B, T, D)       alpha, beta
e         distance of averaged and of convolved features       (B, T)          terms["gap_v"], terms["gap_f"]
A, S, S'  as in CO2-Net, wstal/methods/co2.py, made of x'

Steps of the released code (the paper's text was not at hand), LR being leaky ReLU of slope 0.2:
(1) a^v, a^f by CO2-Net's attention unit; action: both at least 0.5, background: both below, ambiguous: the others
(2) s = mean of both streams' cosines, 0 below `similarity`; into a snippet lead the largest, one in `neighbours` of them
(3) G_a = s between action, G_b = s between background, G_m = s from action or background into ambiguous, and from an ambiguous
    snippet into itself; what leads into a snippet sums to 1. G_m = G_ma + G_mb + G_mm, by where it comes from
(4) averaged = (G_a + G_b + G_m) x
(5) α = β = x; twice α = LR(G_a conv1 α), β = LR(G_b conv1 β); convolved = α + β + G_ma α + G_mb β + G_mm x
(6) x' = (x + (averaged + convolved) / 2) / 2; the same attention units on x' give A^v, A^f; CO2-Net's (5) to (9) follow
(7) feat: e = |averaged - convolved|; its mean over action with weights exp((1 - 1 / a) / τ), and over background with the same
    of 1 - a, half of each, a being the mean of a^v and a^f, taken for fixed
(8) complementary: mean over snippets of the sum of -log(1 - p) over the classes that the video lacks, p = softmax of S, whose
    logarithm is cut off at 1e-6
All else is DELU's, or CO2-Net's where edl and uct_guide weigh 0: presets of params.yaml say which it stands in front of.

Differences to the released code:
1. (7) sums over bags; the code averages over those that have action (or background): the same where all have.
2. A video shorter than `neighbours` snippets keeps the most alike one of each; in the code, none.
3. Equally alike snippets: the earlier one stays.
4. In front of CO2-Net, which the code does not hold: (7) and (8) weigh what they do in front of DELU.
5. The code's post-processing is CO2-Net's; it drops two videos of THUMOS14's test list, so its numbers are not DELU's kind.
Oddities kept: thresholds are hard, so that rounding may move a snippet from one graph to another; dropout leaves half of all
first attentions at exactly 0.5, which is action, in training. Else ours differs as CO2-Net's and DELU's do.
"""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu, pad

from wstal.base.record import Count, Index, NonNegative, Positive, Rate, Share
from wstal.base.types import Groups
from wstal.methods import base
from wstal.nn import consensus, evidence
from wstal.nn.convolution import TimeConv
from wstal.nn.cosine import norm, unit
from wstal.nn.evidence import First, Kind, Order
from wstal.nn.masking import real
from wstal.nn.pooling import largest, share
from wstal.nn.suppression import log_score


class Params(base.Params):
    """Hyper-parameters of DDG-Net: DELU's, and its own."""

    attention_hidden: Count  # width of the attention's layers
    attention_dropout: Rate  # of the attention, its logit included
    dropout: Rate  # of the embedding and the classifier
    smooth: Count  # odd number of snippets that class scores and attention are averaged over; 1: they are not
    top: Count  # a video-level score averages one in `top` snippets in training
    test_top: Count  # ... and at test
    margin: NonNegative  # of CASL
    pairs: Index  # pairs that a batch begins with; losses of a smaller batch see fewer
    evidence: Kind  # as DELU's, and the next four
    attention_rate: Count
    amplitude: NonNegative
    order: Order
    first: First
    similarity: Share  # cosine from which snippets are alike
    neighbours: Count  # a snippet hears one in so many of its video's
    temperature: Positive  # τ

    @property
    def bag_groups(self) -> Groups:
        """The bags that CASL compares."""
        return Groups(self.pairs, 2, replace=False)


class DDG(base.Method[Params]):
    """DDG-Net on RGB and flow side by side, of equal width."""

    loss_names = (
        "mil_orig", "mil_supp", "contrastive", "mutual", "norm", "guide", "edl", "uct_guide", "feat", "complementary",
    )  # fmt: skip

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        front = Graphs(base.half(dim), params.attention_hidden, params.attention_dropout, params.similarity, params.neighbours)
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
        """DELU's; feat: graphs that learn stay near the mean; complementary: no snippet shows a class that the video lacks.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags. Without the term "progress",
        training begins.
        """
        params, terms = self.params, scores.terms
        seen = consensus.Seen(scores.logits, terms["supp"], scores.actionness, scores.embedding, terms)
        shared = consensus.losses(seen, labels, mask, params.top, params.pairs, params.margin)
        uncertain = evidence.losses(
            seen, labels, mask, terms.get("progress", 0.0), kind=params.evidence, rate=params.attention_rate,
            amplitude=params.amplitude, order=params.order, first=params.first,
        )  # fmt: skip
        absent = complementary(seen.logits, labels, mask)
        return shared | uncertain | {"feat": distance(terms, mask, params.temperature), "complementary": absent}


class Layers(nn.ModuleList):
    """Two layers along a graph, of one stream."""

    def __init__(self, dim: int):
        super().__init__([TimeConv(dim, dim, 1) for _ in range(2)])

    def forward(self, x: Tensor, graph: Tensor, mask: Tensor) -> Tensor:
        """x (B, T, D), graph (B, T, T), mask (B, T) -> (B, T, D)."""
        for layer in self:
            x = leaky_relu(graph @ layer(x, mask), consensus.SLOPE)  #                                 (5)
        return x


class Graphs(nn.Module):
    """The front end: both streams along graphs that both of them make. A row of a graph is what leads into its snippet."""

    def __init__(self, dim: int, hidden: int, dropout: float, similarity: float, neighbours: int):
        super().__init__()
        self.similarity, self.neighbours = similarity, neighbours
        self.attention = nn.ModuleList([consensus.AttentionUnit(dim, hidden, dropout) for _ in range(2)])
        self.action, self.background = (nn.ModuleList([Layers(dim) for _ in range(2)]) for _ in range(2))

    def forward(self, x_v: Tensor, x_f: Tensor, mask: Tensor) -> consensus.Attended:
        """x_v, x_f (B, T, D), mask (B, T) -> features x' and their attention; terms of the first pass and gaps."""
        first_v, first_f = (attend(x, mask) for attend, x in zip(self.attention, (x_v, x_f), strict=True))
        action, background = kinds(first_v, first_f, mask)
        alike = similar(x_v, x_f, mask, self.similarity, self.neighbours)
        graphs = of_kinds(alike, action, background, mask)
        (new_v, gap_v), (new_f, gap_f) = (self.along(k, x, graphs, mask) for k, x in enumerate((x_v, x_f)))
        a_v, a_f = (attend(x, mask) for attend, x in zip(self.attention, (new_v, new_f), strict=True))
        terms = {
            "first_v": first_v, "first_f": first_f, "action": action.to(x_v.dtype), "background": background.to(x_v.dtype),
            "gap_v": gap_v, "gap_f": gap_f,
        }  # fmt: skip
        return consensus.Attended(new_v, new_f, a_v, a_f, terms)

    def along(self, stream: int, x: Tensor, graphs: dict[str, Tensor], mask: Tensor) -> tuple[Tensor, Tensor]:
        """Features of a stream along the graphs: x (B, T, D), mask (B, T) -> x' (B, T, D), e (B, T)."""
        averaged = reduce(torch.add, graphs.values()) @ x  #                                            (4)
        alpha = self.action[stream](x, graphs["action"], mask)
        beta = self.background[stream](x, graphs["background"], mask)
        convolved = alpha + beta + graphs["from_action"] @ alpha + graphs["from_background"] @ beta + graphs["itself"] @ x
        return (x + (averaged + convolved) / 2) / 2, norm(averaged - convolved)  #                     (6)


def kinds(a_v: Tensor, a_f: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Where both attentions say action, and where both say background, step (1): (B, T) each -> bool (B, T) each."""
    return (a_v >= 0.5) & (a_f >= 0.5) & mask, (a_v < 0.5) & (a_f < 0.5) & mask


def similar(x_v: Tensor, x_f: Tensor, mask: Tensor, least: float, neighbours: int) -> Tensor:
    """s of step (2), row: into which snippet, column: from which. x_v, x_f (B, T, D), mask (B, T) -> (B, T, T)."""
    u_v, u_f = unit(x_v), unit(x_f)
    pairs = mask[:, :, None] & mask[:, None]
    s = real((u_v @ u_v.transpose(1, 2) + u_f @ u_f.transpose(1, 2)) / 2, pairs)
    k = share(mask.sum(-1), neighbours)[:, None].expand_as(mask)
    kept = largest(s.flatten(0, 1), mask[:, None].expand_as(s).flatten(0, 1), k.flatten()).view_as(pairs)
    return real(s, kept & (s >= least))


def of_kinds(alike: Tensor, action: Tensor, background: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """G_a, G_b and the three parts of G_m, step (3): s (B, T, T), bool (B, T) -> (B, T, T) each."""
    ambiguous = mask & ~action & ~background
    into = ambiguous[:, :, None]
    own = torch.eye(mask.shape[-1], dtype=torch.bool, device=mask.device)
    mixed = normalized(real(alike, into & ((action | background)[:, None] | own)))
    return {
        "action": normalized(real(alike, action[:, :, None] & action[:, None])),
        "background": normalized(real(alike, background[:, :, None] & background[:, None])),
        "from_action": real(mixed, action[:, None]),
        "from_background": real(mixed, background[:, None]),
        "itself": real(mixed, ambiguous[:, None]),
    }


def normalized(graph: Tensor) -> Tensor:
    """What leads into a snippet over its sum; a snippet that nothing leads into stays so: (B, T, T) -> (B, T, T)."""
    return graph / graph.sum(-1, keepdim=True).clamp_min(1e-12)


def distance(terms: dict[str, Tensor], mask: Tensor, temperature: float) -> Tensor:
    """Loss feat, step (7): (B, T) terms, mask (B, T) -> scalar, summed over bags and streams."""
    first = (terms["first_v"] + terms["first_f"]).detach() / 2
    gap, total = terms["gap_v"] + terms["gap_f"], first.new_zeros(())
    for sure, kind in ((first, terms["action"]), (1 - first, terms["background"])):
        weight = real(kind * ((1 - 1 / sure.clamp_min(1e-12)) / temperature).exp(), mask)
        total = total + ((weight * gap).sum(-1) / weight.sum(-1).clamp_min(1e-3)).sum() / 2
    return total


def complementary(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Loss complementary, step (8): S (B, T, C + 1), labels (B, C), mask (B, T) -> scalar, summed over bags."""
    absent = 1 - pad(labels, (0, 1), value=1.0)  # background always occurs
    unlikely = -(1 - logits.softmax(-1)).clamp_min(1e-6).log()
    return consensus.time_mean((unlikely @ absent[..., None])[..., 0], mask).sum()
