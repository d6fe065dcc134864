"""params.yaml -> frozen records. An unknown, missing or ill-typed parameter is one sentence that says where it stands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import yaml

from wstal.data.sampling import Snippets
from wstal.errors import UserError
from wstal.localize import Localize
from wstal.paths import PARAMS
from wstal.record import Count, Name, NonNegative, Positive, Rate, Record, Share
from wstal.timegrid import TimeGrid


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


class MethodConfig(Record):
    """One row of a table, complete: what to train, how, and how to localize."""

    early_fusion: bool  # one network on concatenated streams, or a network per stream fused by `localize`
    params: dict[str, Any]  # the method's own hyper-parameters, checked by its `Params`
    weights: dict[str, NonNegative]  # of the loss terms, those of plug-ins included; 0 is an ablation
    optimizer: Optimizer
    training: Training
    localize: Localize
    plugins: dict[Name, dict[str, Any]] = {}  # parts of other methods that train along, each with its parameters


class MethodSection(Record):
    """A method of params.yaml: what its presets share, and what each sets."""

    preset: str  # the preset of rows that name none
    base: dict[str, Any]
    presets: dict[str, dict[str, Any]]


class Features(Record):
    """Where a dataset's annotations and features come from."""

    reader: str  # a module of wstal/readers
    source: dict[str, Any]  # the reader's own section
    grid: TimeGrid
    streams: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    backbone: str  # what made the features
    slack_s: NonNegative  # seconds that an annotation may reach past the last snippet
    overrun: tuple[str, ...]  # videos known to be annotated further past their end than that


class Evaluation(Record):
    """How detections on a dataset are judged, and what its tables say."""

    protocol: str  # a protocol of wstal.evaluate
    protocol_set: dict[str, bool]  # what this dataset changes in it
    tious: Annotated[tuple[Share, ...], msgspec.Meta(min_length=1)]
    caption: str  # stands under every table and figure
    class_groups: dict[str, tuple[str, ...]]  # further averages, over some classes


class Dataset(Record):
    """A dataset of params.yaml. Training stages see `features` and `overrides` alone."""

    features: Features
    evaluation: Evaluation | None = None
    overrides: dict[str, dict[str, Any]] = {}  # method -> what this dataset sets


class Row(Record):
    """A row of a table: a method's preset and what the row changes."""

    preset: str | None = None
    set: dict[str, Any] = {}


class Entry(Record):
    """A table or figure: named rows of one method on one dataset."""

    dataset: str
    method: str
    rows: dict[Name, Row]


class RunList(Record):
    """What the pipeline runs beside the tables: every method on every dataset."""

    datasets: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()


Seed = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]


class Params(Record):
    """params.yaml, or the part of it that a stage declares."""

    seeds: tuple[Seed, ...] = ()
    run: RunList = RunList()
    datasets: dict[Name, Dataset] = {}
    methods: dict[Name, MethodSection] = {}
    tables: dict[Name, Entry] = {}
    smoke: dict[str, Any] = {}

    def dataset(self, name: str) -> Dataset:
        """The dataset section `name`."""
        return lookup(self.datasets, name, "datasets")

    def entry(self, name: str) -> Entry:
        """The table `name`, or, for a name DATASET-METHOD, that method's presets on that dataset."""
        if name in self.tables:
            return self.tables[name]
        for dataset in self.datasets:
            method = name.removeprefix(f"{dataset}-")
            if method in self.methods:
                return Entry(dataset=dataset, method=method, rows={method: Row()})
        raise UserError(f"params.yaml has no table {name!r}, and no dataset and method of that name; add it there.")

    def resolve(self, entry: Entry, row: str) -> MethodConfig:
        """Base, preset, dataset and row merged, in this order; later ones win."""
        section = lookup(self.methods, entry.method, "methods")
        how = lookup(entry.rows, row, "rows")
        preset = lookup(section.presets, how.preset or section.preset, f"methods.{entry.method}.presets")
        override = self.dataset(entry.dataset).overrides.get(entry.method, {})
        merged = section.base
        for layer in (preset, override, how.set):
            merged = merge(merged, layer)
        resolved = convert(merged, MethodConfig, f"methods.{entry.method} (row {row!r})")
        unscaled = set(self.dataset(entry.dataset).features.streams) - set(resolved.localize.stream_scale)
        if unscaled and not resolved.early_fusion:
            raise UserError(
                f"params.yaml: methods.{entry.method} has no localize.stream_scale for stream {min(unscaled)!r} of "
                f"datasets.{entry.dataset}; add it to the method or to the dataset's overrides."
            )
        return resolved


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
        raise UserError(f"params.yaml, {where}: {error}; mend or remove that parameter.") from None


class Loader(yaml.SafeLoader):
    """Safe YAML in which a key may stand once: of two rows with one name, neither is dropped in silence."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        for key, (place, _) in zip(keys, node.value, strict=True):
            if keys.count(key) > 1 and key != "<<":
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", place.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path = PARAMS) -> dict[str, Any]:
    """The raw mapping of params.yaml."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader) or {}
    except FileNotFoundError:
        raise UserError(f"{path} is missing; restore it with `git checkout params.yaml`.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({error}); restore it with `git checkout params.yaml`.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())}); mend that line.") from None


def load(raw: Mapping[str, Any] | None = None) -> Params:
    """params.yaml (or the given part of it) as records."""
    return convert(read() if raw is None else raw, Params, "top level")
