"""params.yaml -> frozen records. An unknown, missing or ill-typed parameter is one sentence that says where it stands."""

import copy
import re
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from wstal.base.errors import UserError, of_system
from wstal.base.paths import PARAMS
from wstal.base.record import Count, Index, Name, NonNegative, Positive, Rate, Record, Share
from wstal.base.timegrid import TimeGrid
from wstal.data.sampling import Snippets
from wstal.detect.ensemble import DetectionUnion, ScoreMean
from wstal.detect.localize import Localize


class Optimizer(Record):
    """Adam with L2 regularisation inside the gradient, as all reference codes use it."""

    lr: Positive
    betas: tuple[Rate, Rate]
    weight_decay: NonNegative


class Training(Record):
    """Length and batches of a training run. Losses are summed over the bags of a batch."""

    epochs: Count  # passes over the training videos
    batch_videos: Count  # bags whose gradients one step sums
    snippets: Snippets  # which snippets of a video a bag holds
    checkpoints: Index = 0  # weights kept on the way, equally spaced, for the table that says what choosing among them is worth


class MethodConfig(Record):
    """One row of a table, complete: what to train, how, and how to localize."""

    early_fusion: bool  # one network on concatenated streams, or a network per stream fused by `localize`
    params: dict[str, Any]  # the method's own hyper-parameters, checked by its `Params`
    weights: dict[str, NonNegative]  # of the loss terms, those of plug-ins included; 0 is an ablation
    optimizer: Optimizer
    training: Training
    localize: Localize
    streams: tuple[Name, ...] = ()  # of the dataset, that the row uses; none named: all
    plugins: dict[Name, dict[str, Any]] = {}  # parts of other methods that train along, each with its parameters

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        """{network: the streams it reads}: one network a stream, or one on all streams concatenated."""
        return {"joint": self.streams} if self.early_fusion else {stream: (stream,) for stream in self.streams}


class MethodSection(Record):
    """A method of params.yaml: what its presets share, and what each sets."""

    preset: str  # the preset of rows that name none
    base: dict[str, Any]
    presets: dict[str, dict[str, Any]]


class Features(Record):
    """Where a dataset's annotations and features come from."""

    reader: str  # a module of wstal/datasets/readers
    source: dict[str, Any]  # the reader's own section
    grid: TimeGrid
    streams: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    backbone: str  # what made the features; of videos, the name of what makes them
    slack_s: NonNegative  # seconds that an annotation may reach past the last snippet
    overrun: tuple[str, ...]  # videos known to be annotated further past their end than that
    grids: dict[str, TimeGrid] = {}  # streams whose time grid is not `grid`
    uneven_t: Index = 0  # snippets by which streams of one grid may differ; the longer ones are cut
    extraction: dict[
        str, Any
    ] = {}  # for a reader of videos: how they go through the backbone, wstal/features/extraction/networks.py
    statistics: str | None = None  # the file of wstal/published with what was published of the dataset, or of its original

    def __post_init__(self):
        if unknown := sorted(set(self.grids) - set(self.streams)):
            raise ValueError(f"`grids` names {unknown[0]!r}, which is not in `streams`")


class Evaluation(Record):
    """How detections on a dataset are judged, and what its tables say."""

    protocol: str  # a protocol of wstal.evaluation.evaluate
    protocol_set: dict[str, bool]  # what this dataset changes in it
    tious: Annotated[tuple[Share, ...], msgspec.Meta(min_length=1)]
    caption: str  # stands under every table and figure
    class_groups: dict[str, tuple[str, ...]]  # further averages, over some classes
    video_groups: dict[str, tuple[str, ...]] = {}  # and over some test videos
    test_lists: dict[str, tuple[str, ...]] = {}  # test lists of other papers: the videos that each leaves out


class Dataset(Record):
    """A dataset of params.yaml. Training stages see `features` and `overrides` alone."""

    features: Features
    evaluation: Evaluation | None = None
    overrides: dict[str, dict[str, Any]] = {}  # method -> what this dataset sets


class Row(Record):
    """A row of a table: a method's preset and what the row changes."""

    method: str | None = None  # rows of a comparison name theirs
    preset: str | None = None
    set: dict[str, Any] = {}


class Entry(Record):
    """A table or figure: named rows on one dataset, trained by notebook 03_train and reported by `notebook`."""

    dataset: str
    notebook: Name
    rows: dict[Name, Row]
    method: str | None = None  # of all rows
    evaluation: dict[str, Any] = {}  # what the paper's table sets over the dataset's section


class EnsembleEntry(Record):
    """Ensembles of rows of a comparison, on the same dataset. Nothing is trained, and weights stand here, fitted on nothing."""

    of: str  # the comparison
    dataset: str  # the comparison's
    notebook: Name
    localize: str  # the row of the comparison whose post-processing mean scores get
    base: dict[str, Any]  # what rows share
    rows: dict[Name, dict[str, Any]]  # a `ScoreMean` or a `DetectionUnion` each, over the base
    evaluation: dict[str, Any] = {}


class RunList(Record):
    """Datasets that the pipeline prepares."""

    datasets: tuple[str, ...] = ()


Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Params(Record):
    """params.yaml, or the part of it that a stage declares."""

    seeds: tuple[Seed, ...] = ()
    run: RunList = RunList()
    datasets: dict[Name, Dataset] = {}
    methods: dict[Name, MethodSection] = {}
    comparisons: dict[Name, Entry] = {}  # rows of several methods
    tables: dict[Name, Entry] = {}  # rows of one method
    ensembles: dict[Name, EnsembleEntry] = {}
    smoke: dict[str, Any] = {}
    own: dict[str, Any] = {}  # of wstal/app/own_videos.py

    def dataset(self, name: str) -> Dataset:
        """The dataset section `name`."""
        return lookup(self.datasets, name, "datasets")

    @property
    def entries(self) -> dict[str, Entry]:
        """Comparisons and tables by name."""
        return {**self.comparisons, **self.tables}

    @property
    def reported(self) -> list[str]:
        """Everything that has a table."""
        return [*self.entries, *self.ensembles]

    def entry(self, name: str) -> Entry:
        """The comparison or table `name`."""
        return lookup(self.entries, name, "comparisons and tables")

    def ensemble(self, name: str, row: str) -> ScoreMean | DetectionUnion:
        """How the row of an ensemble entry combines its members."""
        entry = lookup(self.ensembles, name, "ensembles")
        how = convert(merge(entry.base, entry.rows[row]), ScoreMean | DetectionUnion, f"ensembles.{name} (row {row!r})")
        for member in (entry.localize, *how.weights):
            lookup(self.entry(entry.of).rows, member, f"{entry.of}, which ensembles.{name} joins,")
        return how

    def evaluation(self, entry: Entry | EnsembleEntry) -> Evaluation:
        """How the entry is judged: the dataset's section and what the entry sets over it."""
        section = self.dataset(entry.dataset).evaluation
        if section is None:
            raise UserError(
                f"params.yaml: datasets.{entry.dataset} has no `evaluation` section; add one as thumos14-sim has it."
            )
        merged = merge(msgspec.to_builtins(section), entry.evaluation)
        return convert(merged, Evaluation, f"evaluation of an entry on {entry.dataset}")

    def method(self, entry: Entry, row: str) -> str:
        """The method of a row."""
        name = lookup(entry.rows, row, "rows").method or entry.method
        if name is None:
            raise UserError(f"params.yaml: row {row!r} on {entry.dataset} has no `method`; add one to the row.")
        return name

    def preset(self, entry: Entry, row: str) -> str:
        """The preset of a row: its own, or its method's."""
        return entry.rows[row].preset or lookup(self.methods, self.method(entry, row), "methods").preset

    def resolve(self, entry: Entry, row: str) -> MethodConfig:
        """Base, preset, dataset and row merged, in this order; later ones win."""
        method, dataset = self.method(entry, row), self.dataset(entry.dataset)
        section = lookup(self.methods, method, "methods")
        preset = lookup(section.presets, self.preset(entry, row), f"methods.{method}.presets")
        merged = section.base
        for layer in (preset, dataset.overrides.get(method, {}), entry.rows[row].set):
            merged = merge(merged, layer)
        resolved = convert(merged, MethodConfig, f"methods.{method} (row {row!r})")
        streams = resolved.streams or dataset.features.streams
        if unknown := [name for name in streams if name not in dataset.features.streams]:
            known = ", ".join(dataset.features.streams)
            raise UserError(f"params.yaml: row {row!r} uses stream {unknown[0]!r}; datasets.{entry.dataset} has {known}.")
        fused = streams if len(streams) > 1 and not resolved.early_fusion else ()
        if unscaled := sorted(set(fused) - set(resolved.localize.stream_scale)):
            raise UserError(
                f"params.yaml: methods.{method} has no localize.stream_scale for stream {unscaled[0]!r} of "
                f"datasets.{entry.dataset}; add it to the method or to the dataset's overrides."
            )
        return msgspec.structs.replace(resolved, streams=streams)


def lookup(section: Mapping[str, Any], name: str, where: str) -> Any:
    """section[name], or a sentence that lists what there is."""
    if name not in section:
        raise UserError(f"params.yaml: {where} has no {name!r}; it has: {', '.join(sorted(section)) or 'nothing'}.")
    return section[name]


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `change`; mappings merge key by key, everything else is replaced."""
    merged = dict(base)
    for key, value in change.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def convert(value: Any, kind: type, where: str) -> Any:
    """`value` as a record of type `kind`; what does not fit is one sentence naming the parameter."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise UserError(f"params.yaml, {where}: {spelled(value, kind, error)}; mend or remove that parameter.") from None


def spelled(value: Any, kind: type, error: msgspec.ValidationError) -> str:
    """What msgspec says of `value`, with the keys that it writes as [...]."""
    message, at, place = str(error).partition("`$")
    path, text = [], ""
    for name, index in re.findall(r"\.(\w+)|\[([.\d]+)\]", place):
        if index == "...":
            faulty = [key for key in reduce(getitem, path, value) if fault(alone(value, path, key), kind) == str(error)]
            if not faulty:
                return str(error)
            value, name = alone(value, path, faulty[0]), faulty[0]
        path.append(int(index) if index.isdecimal() else name)
        text += f"[{index}]" if index.isdecimal() else f".{name}"
    return f"{message}`{text.removeprefix('.')}`" if at else message


def alone(value: Any, path: Sequence[Any], key: Any) -> Any:
    """`value`, with one key alone in the mapping at `path`."""
    changed = copy.deepcopy(value)
    mapping = reduce(getitem, path, changed)
    entry = mapping[key]
    mapping.clear()
    mapping[key] = entry
    return changed


def fault(value: Any, kind: type) -> str | None:
    """What msgspec says of `value`, if it is no record of type `kind`."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None


class Loader(yaml.SafeLoader):
    """Safe YAML in which a key may stand once: of two rows with one name, neither is dropped in silence."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key, (place, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1 and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", place.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path = PARAMS) -> dict[str, Any]:
    """The raw mapping of params.yaml, or of a file that is laid over it."""
    cure = "restore it with `git checkout params.yaml`" if path == PARAMS else "name a YAML file of parameters"
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {cure}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise of_system(error, path) or UserError(f"{path} cannot be read ({error}); {cure}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line.") from None
    if not raw:
        raise UserError(f"{path} is empty; {cure}.")
    if not isinstance(raw, dict):
        raise UserError(f"{path} holds no sections `name: ...`; {cure}.")
    return raw


def load(raw: Mapping[str, Any] | None = None) -> Params:
    """params.yaml (or the given part of it) as records."""
    return convert(read() if raw is None else raw, Params, "top level")
