"""The base of every record that files hold, of hyper-parameters, and the ranges that values may have."""

from typing import Annotated, dataclass_transform

from msgspec import Meta, Struct

from wstal.base.types import Groups


@dataclass_transform(frozen_default=True, kw_only_default=True)  # to type checkers, what its subclasses inherit
class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of params.yaml or another file: all fields required unless a default stands in the class, none unknown."""


class Params(Record):
    """Base of the hyper-parameters of a method or a plug-in. No defaults: the values live in params.yaml."""

    @property
    def bag_groups(self) -> Groups:
        """The bags that `losses` compares, which training puts first in each batch; here none. Groups have no order."""
        return Groups(count=0, size=1, replace=False)

    @property
    def mixes_bags(self) -> bool:
        """Whether `forward` lets a bag see others of its batch, which training then never cuts in parts; here not."""
        return False


Count = Annotated[int, Meta(ge=1)]
Index = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, lt=1)]  # of dropout, or of a moving average
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
Name = Annotated[str, Meta(pattern=NAME)]  # becomes part of a path
