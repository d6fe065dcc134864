"""What networks with a background suppression branch share: BaS-Net and LGBM-Net. Background is the last class."""

from torch import Tensor
from torch.nn.functional import pad

from wstal.nn.losses import compare, target
from wstal.nn.masking import real
from wstal.nn.pooling import share_mean


def log_score(cas: Tensor, mask: Tensor, top: int) -> Tensor:
    """Log-probabilities of the mean of one in `top` snippets: CAS (B, T, C + 1), mask (B, T) -> (B, C + 1)."""
    return share_mean(cas.transpose(1, 2), mask, top).log_softmax(-1)


def losses(kind: str, terms: dict[str, Tensor], labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """L_base: background occurs. L_supp: it does not. L_norm: the filter keeps little.

    terms: log-probabilities "base" and "supp" (B, C + 1), foreground "weight" (B, T); labels (B, C), mask (B, T).
    """
    return {
        "base": compare(kind, terms["base"], target(pad(labels, (0, 1), value=1.0))),
        "supp": compare(kind, terms["supp"], target(pad(labels, (0, 1), value=0.0))),
        "norm": real(terms["weight"], mask).sum(),  # ‖λ‖₁, λ > 0
    }
