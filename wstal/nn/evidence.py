"""Evidence of a video and uncertainty of its snippets: the two losses that DELU adds to CO2-Net's, and DDG-Net keeps.

Steps are numbered as in the docstring of wstal/methods/delu.py.
"""

from typing import Literal

from torch import Tensor

from wstal.nn.consensus import Seen, disagreement, time_mean
from wstal.nn.masking import hidden
from wstal.nn.pooling import largest, mean_over, share

LIMIT = 10.0  # of class scores in front of an exponential
Kind = Literal["exp", "relu"]  # of evidence, steps (1), (2)
Order = Literal["rank", "argsort"]  # what a snippet's place is: its rank, or the snippet of that rank
First = Literal["certain", "uncertain"]  # ranks that count more when training begins


def losses(
    seen: Seen, labels: Tensor, mask: Tensor, progress: Tensor | float, *, kind: Kind, rate: int, amplitude: float,
    order: Order, first: First,
) -> dict[str, Tensor]:  # fmt: skip
    """edl: evidence of the video's classes; uct_guide: background guides attention, by uncertainty.

    labels (B, C) multi-hot, mask (B, T), progress in [0, 1) -> unweighted scalars, summed over the B bags. One in `rate`
    snippets, the most attended, is evidence.
    """
    attended = largest(seen.attention.detach(), mask, share(mask.sum(-1), rate))  # J
    video = mean_over(seen.suppressed[..., :-1], attended)  # v
    places = ascending(uncertainty(seen.suppressed.detach()), mask, order).to(seen.attention.dtype)
    guided = time_mean(weight(places, mask, progress, amplitude, first) * disagreement(seen), mask)
    return {"edl": EVIDENCE[kind](video, labels).sum(), "uct_guide": guided.sum()}


def weight(order: Tensor, mask: Tensor, progress: Tensor | float, amplitude: float, first: First) -> Tensor:
    """Weight of each snippet, step (4): order i (B, T) as floats, mask (B, T), progress ρ in [0, 1) -> (B, T)."""
    place = (2 * order + 1) / mask.sum(-1, keepdim=True) - 1  # from -1 to 1
    ahead = 1 - 2 * progress if first == "uncertain" else 2 * progress - 1
    return 1 + amplitude * (place * ahead).tanh()


def uncertainty(suppressed: Tensor) -> Tensor:
    """Uncertainty of snippets, step (3): S' (B, T, C + 1) -> (B, T)."""
    return (suppressed.shape[-1] - 1) / (suppressed.clamp(-LIMIT, LIMIT).exp() + 1).sum(-1)


def ascending(values: Tensor, mask: Tensor, kind: Order) -> Tensor:
    """Places in the order of rising values, padding last: values, mask (B, T) -> (B, T) int64.

    "argsort": at place i the snippet that comes i-th; "rank": the place at which a snippet comes.
    """
    order = (-hidden(-values, mask)).sort(dim=-1, stable=True).indices
    return order if kind == "argsort" else order.argsort(-1)


def exponential(video: Tensor, labels: Tensor) -> Tensor:
    """Evidence as an exponential, step (1): v (B, C), labels (B, C) multi-hot -> (B,)."""
    alpha = video.clamp(-LIMIT, LIMIT).exp() + 1
    total = alpha.sum(-1, keepdim=True)
    shares = labels / alpha
    certain = 1 - (video.shape[-1] / total).detach()
    weight = certain * labels.sum(-1, keepdim=True) * shares / shares.sum(-1, keepdim=True).clamp_min(1e-12)
    return (weight * (total.log() - alpha.log())).sum(-1)


def rectified(video: Tensor, labels: Tensor) -> Tensor:
    """Evidence as what is above 0, step (2): v (B, C), labels (B, C) multi-hot -> (B,)."""
    alpha = video.relu() + 1
    return (labels - alpha / alpha.sum(-1, keepdim=True)).square().sum(-1)


EVIDENCE = {"exp": exponential, "relu": rectified}
