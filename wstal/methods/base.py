"""The contract of a method: pure `forward` and `losses` over padded bags."""

from typing import ClassVar, Generic, NamedTuple, TypeVar, get_args

from torch import Tensor, nn

from wstal.base.errors import UserError
from wstal.base.record import Params

P = TypeVar("P", bound=Params)


class Scores(NamedTuple):
    """What a method says about B padded bags of T snippets with C action classes. Padding holds arbitrary values."""

    activation: Tensor  # (B, T, C) class activation sequence, what localization thresholds; its scale is the method's
    logits: Tensor  # (B, T, C or C + 1) class scores of a snippet before any softmax, sigmoid or weight; background last
    actionness: Tensor  # (B, T) class-agnostic foreground score
    video_score: Tensor  # (B, C) video-level class scores: `localize` keeps classes by them
    embedding: Tensor  # (B, T, H) snippet embedding
    terms: dict[str, Tensor]  # what `losses` needs, named as in the paper


class Parametrized(nn.Module, Generic[P]):
    """A module that is made from a section of params.yaml: `class STPN(Method[Params])` makes that class STPN.Params."""

    Params: ClassVar[type[Params]]
    __orig_bases__: ClassVar[tuple[type, ...]]
    params: P

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for kind in get_args(cls.__orig_bases__[0]):
            cls.Params = kind


class Method(Parametrized[P]):
    """A weakly-supervised method for bags of snippets.

    The constructor takes the feature dimension D, the number of action classes C and `Params`. Both verbs, `forward` and
    `losses`, are pure: no hidden state, no Python branch on tensor values, no dependence on how much padding a batch carries.
    What they compute there is finite, as masks are products.
    """

    loss_names: tuple[str, ...]  # the keys of losses() and of `weights` in params.yaml

    def __init__(self, dim: int, classes: int, params: P):
        super().__init__()
        self.dim, self.classes, self.params = dim, classes, params

    def forward(self, x: Tensor, mask: Tensor) -> Scores:
        """x (B, T, D) features, mask (B, T) True = real snippet -> `Scores`."""
        raise NotImplementedError

    def observe(self, scores: Scores, mask: Tensor) -> None:
        """Move running statistics, buffers that `losses` reads, by what the bags of a step show; most methods have none.

        mask (B, T). Training calls it before `losses`, without gradient, for each part of a batch.
        """

    def losses(self, scores: Scores, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """labels (B, C) multi-hot, mask (B, T) -> named, unweighted scalars, each summed over the B bags.

        In training, `scores.terms` also hold "progress", a scalar: the share of all steps that are done, from 0 to below 1.
        """
        raise NotImplementedError


def half(dim: int) -> int:
    """Width of each of two streams that make up `dim` features side by side.

    Raises:
        UserError: it is odd.
    """
    if dim % 2:
        raise UserError(f"{dim} features a snippet are no two streams of equal width; name two in `streams`, say [rgb, flow].")
    return dim // 2
