"""Datasets into the pipeline's own layout: reader -> annotations, reader -> feature store."""

from pathlib import Path

import msgspec

from wstal import annotations, config, readers
from wstal.features.importer import import_features
from wstal.paths import Tree
from wstal.types import Annotations


def source(section: config.Features, name: str):
    """The reader module of a dataset and its checked `source` section."""
    reader = readers.load(section.reader)
    return reader, config.convert(section.source, reader.Source, f"datasets.{name}.features.source")


def annotate(params: config.Params, name: str, tree: Tree) -> Annotations:
    """Write videos.json and segments.json of dataset `name`; -> what was read."""
    section = params.dataset(name).features
    reader, where = source(section, name)
    read = reader.annotations(where, section.grid)
    origin = f"{where.root} (datasets.{name})" if hasattr(where, "root") else f"datasets.{name}"
    annotations.write(read, tree.output(tree.annotations(name)), origin=origin)
    return read


def extract(params: config.Params, name: str, tree: Tree) -> dict:
    """Write the feature store of dataset `name`; -> its manifest."""
    section = params.dataset(name).features
    reader, where = source(section, name)
    folder = tree.output(tree.features(name))
    if hasattr(reader, "videos"):
        extract_videos(section, name, folder)
    else:
        grids = {stream: section.grids.get(stream, section.grid) for stream in section.streams}
        import_features(
            reader, where, grids, reader.annotations(where, section.grid), folder,
            backbone=section.backbone, slack_s=section.slack_s, overrun=section.overrun, uneven_t=section.uneven_t,
        )  # fmt: skip
    return msgspec.json.decode((folder / "manifest.json").read_bytes())


def extract_videos(section: config.Features, name: str, out: Path) -> None:
    """The feature store `out` of a dataset of videos, through its backbone."""
    from wstal.features import networks  # loads torch, which other datasets do not need
    from wstal.features.extract import make_store

    reader, where = source(section, name)
    how = config.convert(section.extraction, networks.Extraction, f"datasets.{name}.features.extraction")
    if hasattr(reader, "render"):
        reader.render(where)
    videos, grid, backbone = reader.videos(where), section.grid, section.backbone
    networks.extract_all(videos, section.streams, backbone, how, grid, spread=False)
    make_store(
        videos, networks.streams(section.streams, backbone, how), grid, reader.annotations(where, grid), out,
        networks.parts(videos, backbone, how, grid), batch=how.batch, workers=how.workers, slack_s=section.slack_s,
        overrun=section.overrun,
    )  # fmt: skip
