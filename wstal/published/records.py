"""What papers and datasets print, as records: an unknown, missing or ill-typed key of a file does not pass."""

import difflib
from collections.abc import Collection, Sequence
from typing import Annotated

from msgspec import Meta

from wstal.base.record import Count, Positive, Record, Share

AVERAGE = "AVG"  # the column of a paper's average mAP; the others are tIoUs

Text = Annotated[str, Meta(min_length=1)]
Points = Annotated[float, Meta(ge=0, le=100)]  # mAP in percent


class PrintedRow(Record):
    """A row of a table, under the name that it has in params.yaml."""

    label: Text  # the paper's name of it
    values: tuple[Points | None, ...] = ()  # one a column, null where the paper leaves it empty; none where it prints none
    elsewhere: bool = False  # published only: nobody trains it here


class Comparison(Record):
    """A claim: one row is better than another, or as good."""

    text: Text
    better: str
    worse: str
    at: Share | None = None  # the tIoU at which they are compared; the average mAP where there is none
    alike: bool = False  # as good in place of better
    quote: str = ""  # the paper's sentence; a claim without one is ours, stands apart and does not count

    def __post_init__(self) -> None:
        if self.better == self.worse:
            raise ValueError(f"`better` and `worse` are both {self.better!r}")


class PrintedTable(Record):
    """What a paper prints of a table or figure, under the name that it has in params.yaml."""

    title: Text
    claim: str = ""  # a sentence
    columns: tuple[str, ...] = ()  # tIoUs as "0.5", and AVG
    rows: dict[str, PrintedRow] = {}
    claims: tuple[Comparison, ...] = ()

    def __post_init__(self) -> None:
        if wrong := [column for column in self.columns if not is_column(column)]:
            raise ValueError(f"column {wrong[0]!r} is neither a tIoU such as '0.5' nor {AVERAGE}")
        check_once(self.columns)
        for name, row in self.rows.items():
            if len(row.values) not in (0, len(self.columns)):
                raise ValueError(f"row {name!r} has {len(row.values)} values for {len(self.columns)} columns")
        for claim in self.claims:
            if unknown := [row for row in (claim.better, claim.worse) if row not in self.rows]:
                near = nearest(unknown[0], self.rows)
                raise ValueError(f"claim {claim.text!r} names row {unknown[0]!r}, which is not among `rows` (nearest: {near})")


class Paper(Record):
    """A paper whose tables stand in the file of its name."""

    name: Text
    citation: Text
    link: Text


class Subset(Record):
    """Statistics of one subset of a dataset; null: not published."""

    videos: Count | None
    instances: Count | None
    mean_video_s: Positive | None
    instances_a_video: Positive | None
    mean_instance_s: Positive | None
    background: Share | None  # mean over the videos


class Statistics(Record):
    """What is published of a dataset; its file has the name that `statistics` in params.yaml gives."""

    title: Text
    source: Text
    train: Subset
    test: Subset
    two_classes: Share | None  # videos with several classes, of both subsets together


class NetworkSize(Record):
    """What is printed of a video network, for one clip."""

    parameters: Positive | None = None  # millions
    macs: Positive | None = None  # billions of multiply-adds
    frames: Count | None = None  # of the clip, where it is not what features are made of
    size: Count | None = None  # pixels, likewise
    source: Text | None = None


class Sheet(Record):
    """Title, caption and columns of a table of backbones."""

    title: Text
    caption: Text
    columns: tuple[Text, ...]

    def __post_init__(self) -> None:
        check_once(self.columns)


class Sizes(Sheet):
    """Sizes of backbones with `classes` outputs."""

    classes: Count
    rows: dict[str, NetworkSize]  # backbone -> what is printed of it


class Backbones(Record):
    """The file of the backbones."""

    backbones: Sizes
    backbone_clips: Sheet


class FeatureStatistics(Record):
    """Statistics of the features of a network on real videos: {measure: value}."""

    title: Text
    source: Text
    network: Text
    full: dict[str, float]  # of all dimensions
    narrow: dict[str, float]  # of some of them, mean over choices
    narrow_sd: dict[str, float]  # standard deviation over choices

    def __post_init__(self) -> None:
        if set(self.full) != set(self.narrow) or set(self.full) != set(self.narrow_sd):
            raise ValueError("`full`, `narrow` and `narrow_sd` must hold the same measures")


def is_column(name: str) -> bool:
    """Whether a column is AVG or a tIoU written as the tables write it."""
    try:
        return name == AVERAGE or (0 < float(name) <= 1 and f"{float(name):g}" == name)
    except ValueError:
        return False


def nearest(name: str, known: Collection[str]) -> str:
    """The three known names that are most like `name`, for a sentence."""
    return ", ".join(difflib.get_close_matches(name, known, n=3, cutoff=0.0)) or "none"


def check_once(columns: Sequence[str]) -> None:
    """No column stands twice.

    Raises:
        ValueError: one does.
    """
    if twice := [column for column in columns if columns.count(column) > 1]:
        raise ValueError(f"column {twice[0]!r} stands twice")
