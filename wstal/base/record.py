"""The base of every section of params.yaml, and the ranges its values may have."""

from typing import Annotated, dataclass_transform

from msgspec import Meta, Struct


@dataclass_transform(frozen_default=True, kw_only_default=True)  # to type checkers, what its subclasses inherit
class Record(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of params.yaml: all fields required unless a default stands in the class, none unknown."""


Count = Annotated[int, Meta(ge=1)]
Index = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, lt=1)]  # of dropout, or of a moving average
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]  # becomes part of a path
