"""STPN: Sparse Temporal Pooling Network (Nguyen, Liu, Prasad, Han, CVPR 2018).

An attention weighs the snippets, a linear classifier sees their weighted sum, and a sparsity loss keeps the attention to
few snippets. The classifier's weights, applied to single snippets, give the temporal class activation map (T-CAM).
FAC-Net's "STPN + Embedding" puts FAC-Net's embedding in front: `hidden` with two widths instead of none.

symbol   meaning                                shape        here
x        snippets, or their embedding           (B, T, H)    x_e
λ        attention                              (B, T)       weight
x̄        attention-weighted video feature       (B, H)       pooled
a        T-CAM: x W, without the bias           (B, T, C)    logits
λ σ(a)   weighted T-CAM                         (B, T, C)    activation
β        weight of the sparsity                              params.yaml

The authors published no code; "code" is the re-implementation in TensorFlow that the field reports (bellos1203).
Differences between the paper and the code (both are presets in params.yaml; the paper's text was not at hand):
1. x̄ is the sum over T = 400 snippets in the paper and their mean in the code: `pooled` 400 or 1.
Ours differs from both: losses sum over bags where the code averages, tests see all snippets instead of 400 (so that the
paper's sum is 400 times a mean, as it is in training), and a video that keeps class 0 alone is localized, which the code
overlooks by testing an array for truth. Runs of a stream are scored, as in the code, on its attention times the T-CAM of
both streams (`scoring.track`).
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from wstal.base.record import Count, Positive, Rate
from wstal.methods import base
from wstal.nn.attention import Attention
from wstal.nn.embedding import Embedding
from wstal.nn.masking import real


class Params(base.Params):
    """Hyper-parameters of STPN."""

    hidden: tuple[Count, ...]  # widths of the embedding's layers; none: STPN itself, two: STPN + Embedding
    kernel: Literal[1, 3]  # temporal width of the embedding's layers
    dropout: Rate  # after each of them
    attention_hidden: Count  # width of the attention's first layer
    pooled: Positive  # what x̄ is a multiple of: 1 for the mean over snippets, their number for the sum


class STPN(base.Method[Params]):
    """STPN for one feature stream; streams are trained apart and fused by `wstal.detect.localize`."""

    loss_names = ("cls", "sparse")

    def __init__(self, dim: int, classes: int, params: Params):
        super().__init__(dim, classes, params)
        width = (dim, *params.hidden)[-1]
        self.embed = Embedding(dim, params.hidden, params.kernel, params.dropout)
        self.attention = Attention(width, params.attention_hidden)
        self.classify = nn.Linear(width, classes)
        for layer in (*self.attention.layers, self.classify):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, mask: Tensor) -> base.Scores:
        """x (B, T, D), mask (B, T) True = real snippet -> scores, activation weighted by the attention."""
        x_e = self.embed(x, mask)  # (B, T, H)
        weight = self.attention(x_e)  # λ (B, T)
        share = self.params.pooled * real(weight, mask) / mask.sum(-1, keepdim=True)
        pooled = (share[:, None] @ x_e)[:, 0]  # x̄ (B, H)
        video_logits = self.classify(pooled)  # (B, C)
        t_cam = x_e @ self.classify.weight.T  # a (B, T, C)
        return base.Scores(
            activation=weight[..., None] * t_cam.sigmoid(),
            logits=t_cam,
            actionness=weight,
            video_score=video_logits.sigmoid(),
            embedding=x_e,
            terms={"cls": video_logits, "weight": weight},
        )

    def losses(self, scores: base.Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """L_class: which classes occur, a binary cross-entropy for each. L_sparsity: the attention keeps little.

        labels (B, C) multi-hot, mask (B, T) -> unweighted scalars, summed over the B bags.
        """
        answers = binary_cross_entropy_with_logits(scores.terms["cls"], labels, reduction="none")
        return {
            "cls": answers.mean(-1).sum(),
            "sparse": real(scores.terms["weight"], mask).sum(),  # ‖λ‖₁, λ > 0
        }
