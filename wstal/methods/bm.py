"""BM: weakly-supervised action localization with Background Modeling (Nguyen, Ramanan, Fowlkes, ICCV 2019).

STPN's attention pools the snippets twice: λ gives a foreground feature, 1 - λ a background feature, and a classifier with
a class for background must tell them apart. Its answers on single snippets guide the attention from the top down.

symbol         meaning                                        shape            here
x              snippets, or their embedding                   (B, T, H)        x_e
λ              attention                                      (B, T)           weight
x_fg, x_bg     video features weighted by λ, 1 - λ            (B, H)           x_fg, x_bg
p_fg, p_bg     their class probabilities                      (B, C + 1)       terms["fg"], terms["bg"], logarithms
a, p_t         T-CAM x W (no bias), its softmax               (B, T, C + 1)    logits                      background last
λ̂              guide of the attention: p_t, smoothed          (B, T, C + 1)    terms["guide"]
u, v           what foreground and background cluster around  (2, H)           self.cluster
α, β, γ        weights of L_bg, L_guide, L_cluster                             params.yaml

The authors published no code; "code" is the discriminative half of DGAM (Shi, Dai, Mu, Wang, CVPR 2020), which builds on
BM. Differences between the paper and the code (both are presets in params.yaml; the paper's text was not at hand):
1. The paper divides both weighted sums by T, the code by the sum of the weights, with 1 added for x_fg: `pooling`.
2. L_cluster, and the constants α, β, γ: the code computes the term and leaves it out of its total.
3. Detections: the code thresholds 0.8 λ σ(a) + 0.2 λ² and scores by contrast (`attention_share`), the paper λ σ(a), scored
   as STPN does.
In both presets the guide is a constant to the gradient, and the foreground's is the highest of the video's classes.
Ours differs: losses sum over bags where the code averages, tests see all snippets instead of 400 and also add 1, both
streams have the thresholds of both, a run's outer parts count together, and the generative half of DGAM is not here.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from wstal.base.record import Count, Positive, Rate, Share
from wstal.methods import base
from wstal.nn.attention import Attention
from wstal.nn.embedding import Embedding
from wstal.nn.losses import compare, target
from wstal.nn.masking import real


class Params(base.Params):
    """Hyper-parameters of BM."""

    hidden: tuple[Count, ...]  # widths of the embedding's layers; none: features as they are
    kernel: Literal[1, 3]  # temporal width of the embedding's layers
    dropout: Rate  # after each of them
    attention_hidden: Count  # width of the attention's first layer
    pooling: Literal["snippets", "weights"]  # weighted sums over the number of snippets, or over the sum of the weights
    sigma: Positive  # deviation of the smoothing of the guide, in snippets
    attention_share: Share  # share of λ² in what localization thresholds


class BM(base.Method[Params]):
    """BM for one feature stream; streams are trained apart and fused by `wstal.detect.localize`."""

    loss_names = ("fg", "bg", "guide", "cluster")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        width = (dim, *params.hidden)[-1]
        self.embed = Embedding(dim, params.hidden, params.kernel, params.dropout)
        self.attention = Attention(width, params.attention_hidden)
        self.classify = nn.Linear(width, classes + 1)
        self.cluster = nn.Linear(width, 2, bias=False)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores; attention and its complement pool x."""
        x_e = self.embed(x, mask)  # (B, T, H)
        weight = self.attention(x_e)  # λ (B, T)
        both = self.pool(x_e, torch.stack([weight, 1 - weight], 1), mask)  # x_fg, x_bg (B, 2, H)
        log_p = self.classify(both).log_softmax(-1)  # p_fg, p_bg (B, 2, C + 1)
        t_cam = x_e @ self.classify.weight.T  # a (B, T, C + 1)
        keep = self.params.attention_share
        activation = (1 - keep) * weight[..., None] * t_cam[..., : self.classes].sigmoid() + keep * weight[..., None] ** 2
        return base.Scores(
            activation=activation,
            logits=t_cam,
            actionness=weight,
            video_score=log_p[:, 0, : self.classes].exp(),
            embedding=x_e,
            terms={
                "fg": log_p[:, 0],
                "bg": log_p[:, 1],
                "weight": weight,
                "guide": smooth(t_cam.softmax(-1).detach(), mask, self.params.sigma),
                "cluster": self.cluster(both).log_softmax(-1),  # (B, 2, 2), which of u, v each feature is near
            },
        )

    def pool(self, x: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
        """Features of foreground and background: x (B, T, H), weights (B, 2, T), mask (B, T) -> (B, 2, H)."""
        weights = real(weights, mask[:, None])
        if self.params.pooling == "snippets":
            return weights @ x / mask.sum(-1)[:, None, None]
        foreground, background = weights.sum(-1, keepdim=True).chunk(2, dim=1)
        return weights @ x / torch.cat([foreground + 1.0, background + 1e-6], dim=1)

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """L_fg: actions of the video. L_bg: background. L_guide: the attention follows the classifier.

        L_cluster: features of foreground and background lie near u and v.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        terms = scores.terms
        actions, background = terms["guide"][..., : self.classes], terms["guide"][..., -1]
        foreground = (actions * labels[:, None]).amax(-1)  # λ̂_fg (B, T)
        off = (terms["weight"] - foreground).abs() + (terms["weight"] - (1 - background)).abs()  # (B, T)
        return {
            "fg": compare("cross_entropy", terms["fg"][:, : self.classes], target(labels)),
            "bg": -terms["bg"][:, -1].sum(),
            "guide": (real(off, mask).sum(-1) / mask.sum(-1)).sum(),
            "cluster": -(terms["cluster"][:, 0, 0] + terms["cluster"][:, 1, 1]).sum(),
        }


def smooth(values: Tensor, mask: Tensor, sigma: float) -> Tensor:
    """Gaussian over time, cut off at 4 sigma, mirrored at both ends of each video.

    values (B, T, K), mask (B, T), sigma in snippets -> (B, T, K).
    """
    radius = int(4 * sigma + 0.5)
    offset = torch.arange(-radius, radius + 1, device=mask.device)  # (2 r + 1,)
    kernel = torch.softmax(-((offset.to(values.dtype) / sigma) ** 2) / 2, 0)
    length = mask.sum(-1)[:, None, None]
    place = (torch.arange(values.shape[1], device=mask.device)[:, None] + offset) % (2 * length)  # (B, T, 2 r + 1)
    place = torch.minimum(place, 2 * length - 1 - place)  # ... 1 0 | 0 1 2 ... n - 1 | n - 1 ...
    near = values.gather(1, place.flatten(1)[..., None].expand(-1, -1, values.shape[2])).unflatten(1, place.shape[1:])
    return (kernel[:, None] * near).sum(2)
