"""params.yaml as records, as it is written: what datasets, methods and entries are made of. resolve.py puts them together."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Annotated, Any

import msgspec

from wstal.base.conversion import convert, merge
from wstal.base.errors import UserError
from wstal.base.extraction import Extraction
from wstal.base.paths import PARAMS
from wstal.base.record import NAME, Count, Index, Name, NonNegative, Record, Share
from wstal.base.timegrid import TimeGrid
from wstal.border import yamlfile
from wstal.config.scaled_settings import DatasetSize

CURE = "restore it with `git checkout params.yaml`"


class MethodSection(Record):
    """A method: what its presets share, what each sets, and its size in smoke runs."""

    preset: str  # the preset of rows that name none
    base: dict[str, Any]
    presets: dict[str, dict[str, Any]]
    smoke: dict[str, Any] = {}


class Features(Record):
    """Where a dataset's annotations and features come from."""

    reader: Name  # a module of wstal/datasets/readers
    source: dict[str, Any]  # the reader's own section
    grid: TimeGrid
    streams: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    backbone: str  # what made the features; of videos, the name of what makes them
    slack_s: NonNegative  # seconds that an annotation may reach past the last snippet
    overrun: tuple[str, ...]  # videos known to be annotated further past their end than that
    grids: dict[str, TimeGrid] = {}  # streams whose time grid is not `grid`
    uneven_t: Index = 0  # snippets by which streams of one grid may differ; the longer ones are cut
    extraction: Extraction | None = None  # for a reader of videos: how they go through the backbone
    statistics: str | None = None  # the file of wstal/published with what was published of the dataset, or of its original

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.grids) - set(self.streams)):
            raise ValueError(f"`grids` names {unknown[0]!r}, which is not in `streams`")


class EvaluationSection(Record):
    """How detections on a dataset are judged, and what its tables say."""

    protocol: str  # a protocol of wstal/evaluation/evaluate.py
    tious: Annotated[tuple[Share, ...], msgspec.Meta(min_length=1)]
    caption: str  # stands under every table and figure
    protocol_set: dict[str, bool] = {}  # what this dataset changes in the protocol
    class_groups: dict[str, tuple[str, ...]] = {}  # further averages, over some classes
    video_groups: dict[str, tuple[str, ...]] = {}  # and over some test videos
    test_lists: dict[str, tuple[str, ...]] = {}  # test lists of other papers: the videos that each leaves out


class Dataset(Record):
    """A dataset. What is trained sees `features` and `overrides` alone."""

    features: Features
    evaluation: EvaluationSection | None = None
    overrides: dict[str, dict[str, Any]] = {}  # method -> what this dataset sets
    redrawn: bool = False  # drawn anew for every seed, so that verdicts speak of all such data; of a dataset that is drawn
    scaled: bool | DatasetSize = False  # presets are scaled to this size, scaled_settings.py; true: to what its source states


class Grid(Record):
    """Rows of a factorial ablation: one for each combination of a value of each axis, the first axis varying slowest."""

    name: str  # of a row, with {axis} for the value of each axis
    axes: dict[Name, dict[str, dict[str, Any]]]  # axis -> value -> what it sets
    set: dict[str, Any] = {}  # what all rows set

    def rows(self) -> dict[str, dict[str, Any]]:
        """{row: what it sets}."""
        return {self.row(values): merge(self.set, *(change for _, change in values)) for values in self.cells()}

    def cells(self) -> list[tuple[tuple[str, dict[str, Any]], ...]]:
        """(value, what it sets) of each axis, for every row."""
        return list(product(*(axis.items() for axis in self.axes.values())))

    def row(self, values: tuple[tuple[str, dict[str, Any]], ...]) -> str:
        """The name of the row of these values."""
        return self.name.format(**{axis: value for axis, (value, _) in zip(self.axes, values, strict=True)})

    def __post_init__(self) -> None:
        try:
            names = [self.row(values) for values in self.cells()]
        except (KeyError, IndexError, ValueError):
            raise ValueError(f"`name` {self.name!r} must hold axes of the grid: {', '.join(self.axes)}") from None
        if odd := [name for name in names if not re.match(NAME, name)]:
            raise ValueError(f"`name` makes a row {odd[0]!r}, which is no name: letters, digits and _.+- only")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"`name` {self.name!r} makes the row {twice[0]!r} twice")


class Entry(Record):
    """A table or figure: named rows on one dataset, trained by notebook 03_train and reported by `notebook`."""

    dataset: Name
    notebook: Name
    rows: dict[Name, dict[str, Any]] = {}  # method, preset, and what the row sets over them
    grid: tuple[Grid, ...] = ()  # further rows
    method: Name | None = None  # of rows that name none
    evaluation: dict[str, Any] = {}  # what the paper's table sets over the dataset's section

    @property
    def every(self) -> dict[str, dict[str, Any]]:
        """All rows in order, those of grids last."""
        return merge(self.rows, *(grid.rows() for grid in self.grid))


class EnsembleEntry(Record):
    """Ensembles of rows of an entry, on the same dataset. Nothing is trained, and weights stand here, fitted on nothing."""

    of: Name  # the entry
    dataset: Name  # the entry's
    notebook: Name
    localize: Name  # the row of the entry whose post-processing mean scores get
    base: dict[str, Any]  # what rows share
    rows: dict[Name, dict[str, Any]]  # a `ScoreMean` or a `DetectionUnion` each, over the base
    evaluation: dict[str, Any] = {}

    @property
    def every(self) -> dict[str, dict[str, Any]]:
        """All rows in order."""
        return self.rows


class RunList(Record):
    """Datasets that the pipeline prepares."""

    datasets: tuple[Name, ...] = ()


class Smoke(Record):
    """What a notebook runs when the pipeline does not: laid over everything else, but for what rows set."""

    seeds: tuple[Index, ...]
    rows: Count  # the first rows of an entry
    dataset: dict[str, Any]  # over every simulated dataset
    method: dict[str, Any]  # over every method, and then its own `smoke`
    own: dict[str, Any]  # over the section `own`, with the films that are drawn


Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Parameters(Record):
    """params.yaml."""

    seeds: tuple[Seed, ...]
    run: RunList
    datasets: dict[Name, Dataset]
    defaults: dict[str, Any]  # of every method
    methods: dict[Name, MethodSection]
    entries: dict[Name, Entry]
    ensembles: dict[Name, EnsembleEntry] = {}
    own: dict[str, Any] = {}  # of wstal/app/own_videos.py
    smoke: Smoke | None = None

    @property
    def reported(self) -> dict[str, Entry | EnsembleEntry]:
        """Everything that has a table."""
        return {**self.entries, **self.ensembles}

    def dataset(self, name: str) -> Dataset:
        """The dataset section `name`."""
        return lookup(self.datasets, name, "datasets")

    def entry(self, name: str) -> Entry:
        """The entry `name`."""
        return lookup(self.entries, name, "entries")

    def ensemble(self, name: str) -> EnsembleEntry:
        """The ensemble entry `name`."""
        return lookup(self.ensembles, name, "ensembles")


def lookup(section: Mapping[str, Any], name: str, where: str) -> Any:
    """section[name], or a sentence that lists what there is.

    Raises:
        UserError: there is no such name.
    """
    if name not in section:
        raise UserError(f"params.yaml: {where} has no {name!r}; it has: {', '.join(sorted(map(str, section))) or 'nothing'}.")
    return section[name]


def read() -> dict[str, Any]:
    """The raw mapping of params.yaml."""
    return yamlfile.read(PARAMS, CURE)


def load(raw: Mapping[str, Any] | None = None) -> Parameters:
    """params.yaml, or the given mapping in its place, as records."""
    return convert(read() if raw is None else raw, Parameters, "params.yaml")
