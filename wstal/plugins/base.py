"""The contract of a plug-in: one more loss term on the scores of a host, which is left as it is."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from wstal.base.record import Params
from wstal.methods.base import Method, Scores


class Plugin(nn.Module):
    """A loss term with parameters of its own. The constructor takes the width H of the host's embedding and `Params`."""

    Params: ClassVar[type[Params]]

    def __init__(self, width: int, params: Params):
        super().__init__()
        self.params = params

    def forward(self, scores: Scores, labels: Tensor, mask: Tensor) -> Tensor:
        """The host's scores, labels (B, C), mask (B, T) -> unweighted scalar, summed over the B bags. Pure."""
        raise NotImplementedError


class Plugged(Method):
    """A host with plug-ins: it answers as the host alone, and its losses are the host's and one of each plug-in's name."""

    def __init__(self, host: Method, kinds: Mapping[str, type[Plugin]], params: Mapping[str, Params]):
        super().__init__(host.dim, host.classes, host.params)
        self.host, self.loss_names = host, (*host.loss_names, *kinds)
        self.plugins = nn.ModuleDict({name: kind(width(host), params[name]) for name, kind in kinds.items()})

    def forward(self, x: Tensor, mask: Tensor) -> Scores:
        return self.host(x, mask)

    def losses(self, scores: Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        added = {name: plugin(scores, labels, mask) for name, plugin in self.plugins.items()}
        return self.host.losses(scores, labels, mask) | added


def width(host: Method) -> int:
    """Width H of a method's embedding, from what it says of one snippet."""
    with torch.no_grad():
        scores = host.eval()(torch.zeros(1, 1, host.dim), torch.ones(1, 1, dtype=torch.bool))
    host.train()
    return scores.embedding.shape[-1]
