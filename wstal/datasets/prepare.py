"""Datasets into the pipeline's own layout: reader -> annotations, reader -> feature store."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.manifest import Manifest
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations
from wstal.config.parameters import Features
from wstal.config.plan import DatasetPlan
from wstal.datasets import annotations, readers
from wstal.features.extraction.importer import import_features

if TYPE_CHECKING:
    from wstal.features.extraction.extract import ExtractionSummary  # these load torch, which datasets of features do not need
    from wstal.features.extraction.recipes import Recipe


def source(section: Features, place: str) -> tuple[Any, Any]:
    """The reader module of a dataset and its checked `source` section; `place` is its name in params.yaml: datasets.mine."""
    reader = readers.load(section.reader)
    return reader, convert(section.source, reader.Source, f"params.yaml, {place}.features.source")


def annotate(plan: DatasetPlan, tree: Tree) -> Annotations:
    """Write videos.json and segments.json of a dataset; -> what was read, with notes on what is odd."""
    section, name = plan.features, plan.name
    reader, where = source(section, f"datasets.{name}")
    read = reader.annotations(where, section.grid)
    origin = f"{where.root} (datasets.{name})" if hasattr(where, "root") else f"datasets.{name}"
    notes = annotations.write(read, tree.output(tree.annotations(name)), origin=origin)
    return dataclasses.replace(read, notes=notes)


def extract(plan: DatasetPlan, tree: Tree) -> Manifest:
    """Write the feature store of a dataset; -> its manifest, whose `warnings` name damaged files.

    Raises:
        UserError: files are missing or do not fit, or videos lack a section `extraction`.
    """
    section, name = plan.features, plan.name
    reader, where = source(section, place := f"datasets.{name}")
    folder = tree.output(tree.features(name))
    if section.extraction:
        return store_videos(section, place, folder, extract_ahead(section, place, (1, 1), None))
    if not hasattr(reader, "features"):
        raise UserError(f"params.yaml: {place}.features needs a section `extraction`, as that of clips; add it.")
    streams = grids(section)
    return import_features(
        reader.features(where, tuple(streams), streams), streams, reader.annotations(where, section.grid), folder,
        backbone=section.backbone, slack_s=section.slack_s, overrun=section.overrun, uneven_t=section.uneven_t,
    )  # fmt: skip


def grids(section: Features) -> dict[str, TimeGrid]:
    """{stream: its time grid}."""
    return {stream: section.grids.get(stream, section.grid) for stream in section.streams}


def recipe(section: Features, place: str) -> "Recipe":
    """How videos of a dataset go through its backbone.

    Raises:
        UserError: the dataset has no section `extraction`.
    """
    from wstal.features.extraction.recipes import Recipe  # loads torch, which other datasets do not need

    if section.extraction is None:
        raise UserError(f"params.yaml: {place}.features has no section `extraction`; add one, as clips has it.")
    return Recipe(section.streams, section.backbone, grids(section), section.extraction)


def footage(section: Features, place: str) -> dict[str, Path]:
    """{video id: file} of a dataset of videos.

    Raises:
        UserError: the dataset is none of videos.
    """
    reader, where = source(section, place)
    if not section.extraction or not hasattr(reader, "videos"):
        raise UserError(
            f"params.yaml: {place} is none of videos; give it a section `extraction` and a reader that knows where "
            "the videos are: activitynet_json or labels_csv."
        )
    if hasattr(reader, "render"):
        reader.render(where)
    return reader.videos(where)


def store_videos(section: Features, place: str, out: Path, summary: "ExtractionSummary") -> Manifest:
    """Write the feature store `out` of a dataset of videos, extracted as `summary` says.

    Raises:
        UserError: a video has no features, or features do not fit the annotations.
    """
    from wstal.features.extraction import recipes
    from wstal.features.extraction.extract import make_store

    reader, where = source(section, place)
    way = recipe(section, place)
    return make_store(
        reader.videos(where), recipes.streams(way), reader.annotations(where, section.grid), out, recipes.parts(way),
        summary=summary, slack_s=section.slack_s, overrun=section.overrun,
    )  # fmt: skip


def extract_ahead(section: Features, place: str, shard: tuple[int, int], copies: int | None) -> "ExtractionSummary":
    """Bring finished features of a dataset of videos up to date, for its stage or before it runs; -> ExtractionSummary.

    `shard` (i, n) is the i-th of n shares of the videos, counted from 1; `copies` of the network run on a Ray cluster.
    """
    from wstal.features.extraction import recipes

    videos, way = footage(section, place), recipe(section, place)
    if copies:
        return recipes.extract_on_cluster(videos, way, copies=copies)
    return recipes.extract_all(videos, way, spread=False, shard=shard)
