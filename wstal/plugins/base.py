"""The contract of a plug-in: one more loss term on the scores of a host, which is left as it is."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from wstal.base.record import Params
from wstal.methods.base import Method, P, Parametrized, Scores

TARGETS = "targets"  # the term that holds what bags bring along to teach snippets, (B, T, C)


class Plugin(Parametrized[P]):
    """A loss term with parameters of its own. The constructor takes the width H of the host's embedding and `Params`."""

    def __init__(self, width: int, params: P):
        super().__init__()
        self.params = params

    def forward(self, scores: Scores, labels: Tensor, mask: Tensor) -> Tensor:
        """The host's scores, labels (B, C), mask (B, T) -> unweighted scalar, summed over the B bags. Pure."""
        raise NotImplementedError


class Plugged(Method[Params]):
    """A host with plug-ins: it answers as the host alone, and its losses are the host's and one of each plug-in's name."""

    def __init__(self, host: Method, kinds: Mapping[str, type[Plugin]], params: Mapping[str, Params]):
        super().__init__(host.dim, host.classes, host.params)
        self.host, self.loss_names = host, (*host.loss_names, *kinds)
        self.plugins = nn.ModuleDict({name: kind(width(host), params[name]) for name, kind in kinds.items()})

    def forward(self, x: Tensor, mask: Tensor) -> Scores:
        """x (B, T, D), or with C columns of targets behind, mask (B, T) True = real snippet -> the host's scores."""
        scores = self.host(x[..., : self.dim], mask)
        if x.shape[-1] == self.dim:
            return scores
        return scores._replace(terms=scores.terms | {TARGETS: x[..., self.dim :]})

    def observe(self, scores: Scores, mask: Tensor) -> None:
        """The host's; mask (B, T)."""
        self.host.observe(scores, mask)

    def losses(self, scores: Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """labels (B, C) multi-hot, mask (B, T) -> the host's losses and, by the name of its plug-in, one of each plug-in."""
        added = {name: plugin(scores, labels, mask) for name, plugin in self.plugins.items()}
        return self.host.losses(scores, labels, mask) | added


def width(host: Method) -> int:
    """Width H of a method's embedding, from its scores of one snippet of zeros; leaves it in training mode."""
    with torch.no_grad():
        scores = host.eval()(torch.zeros(1, 1, host.dim), torch.ones(1, 1, dtype=torch.bool))
    host.train()
    return scores.embedding.shape[-1]
