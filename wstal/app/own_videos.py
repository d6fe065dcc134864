"""One's own videos: labels and files in, a run folder out; then files and a run folder in, intervals and a page out.

    <run>/run.yaml, <network>.safetensors, predictions.json (of test videos)     `train`
    <out>/predictions.json     every detection, in ActivityNet's layout          `localize`
    <out>/detections.csv       those of wstal/app/intervals.py
    <out>/elan/<video>.txt     the same, for ELAN
    <out>/timeline.html        score curves, intervals and frames, on one page

Extraction, training and localization are the pipeline's. Finished features are kept in .cache/parts for the next time.
"""

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wstal.app import folders, intervals
from wstal.app.film import film
from wstal.app.intervals import Shown
from wstal.app.located import Located, write
from wstal.app.located import counts as counts
from wstal.base.errors import MachineError, UserError
from wstal.base.paths import Tree
from wstal.base.record import Count, Record
from wstal.base.yamlfile import convert
from wstal.config import parameters, plan
from wstal.config.parameters import Dataset, Entry, Features, lookup
from wstal.config.plan import DatasetPlan, RowsPlan
from wstal.datasets import prepare
from wstal.detect import detections
from wstal.features.extraction import networks
from wstal.features.extraction.extract import Summary
from wstal.features.pixels.decode import duration_s
from wstal.report.timeline import Film, page
from wstal.report.timeline.stills import Stills
from wstal.training import card as cards
from wstal.training import experiment
from wstal.training.predict import predict, unlabelled

NAME = "own"  # of the section in params.yaml, and of dataset and entry inside


class Own(Record):
    """The section `own` of params.yaml."""

    steps: Count  # of training, whatever the number of videos
    features: Features  # as of a dataset; `train` sets the paths of its source
    overrides: dict[str, dict[str, Any]]  # method -> what it needs on few videos
    shown: Shown
    stills: Stills


class Material(NamedTuple):
    """What a notebook begins with."""

    raw: Mapping[str, Any]  # params.yaml
    labels: Path
    videos: Path  # folder of training videos
    new: Sequence[Path]  # files to localize in
    out: Path  # folder to write to


@dataclass
class Outcome(Summary):
    """What became of the videos that `train` was given, and of their classes."""

    lost: list[str] = field(default_factory=list)  # classes of which no training video could be used


def settings(raw: Mapping[str, Any]) -> Own:
    """The section `own` as a record."""
    return convert(lookup(raw, NAME, "top level"), Own, f"params.yaml, {NAME}")


def train(raw: Mapping[str, Any], labels: Path, videos: Path, out: Path, *, method: str, seed: int) -> Outcome:
    """Train `method` on the videos of a table of labels, and write the run folder `out`, whole or not at all.

    Videos without features are left out; the summary says why.

    Raises:
        UserError: the table or the parameters do not fit, no video can be used, or `out` is another thing than a run.
    """
    if out.exists() and not (out / "run.yaml").is_file():
        raise UserError(f"{out} exists and is no run folder; name a new one.")
    folders.check_out(out)
    folders.check_given(labels, videos)
    paths = {"root": str(Path.cwd()), "labels": str(labels.resolve()), "videos": str(videos.resolve())}
    section = settings(raw).features
    section = msgspec.structs.replace(section, source=section.source | paths)
    reader, where = prepare.source(section, NAME)
    rows_plan(raw, section, method, seed, videos=1)  # faults are said before hours of extraction
    summary = through(reader.videos(where), section)
    known = reader.trained(where)
    section.source["exclude"] = [*where.exclude, *summary.failures]
    where = prepare.source(section, NAME)[1]
    listed = reader.annotations(where, section.grid).videos
    rows = rows_plan(raw, section, method, seed, videos=sum(video.subset == "train" for video in listed))
    with tempfile.TemporaryDirectory() as scratch:
        tree = Tree(Path(scratch))
        prepare.annotate(DatasetPlan(name=NAME, features=section), tree)
        prepare.store_videos(section, NAME, tree.output(tree.features(NAME)), summary)
        (run,) = experiment.runs(rows, tree)
        experiment.train_all([run])
        folders.replace(run.folder, out)
    return Outcome(**vars(summary), lost=sorted(known - reader.trained(where)))


def rows_plan(raw: Mapping[str, Any], section: Features, method: str, seed: int, videos: int) -> RowsPlan:
    """The plan of one run on one's own videos; so many epochs that training takes `own.steps`.

    Raises:
        UserError: parameters do not fit.
    """
    own = settings(raw)
    dataset = Dataset(features=section, overrides=own.overrides)

    def planned(epochs: int) -> RowsPlan:
        entry = Entry(dataset=NAME, notebook="03_train", rows={method: {"method": method, "training": {"epochs": epochs}}})
        changed = {"seeds": (seed,), "datasets": {NAME: dataset}, "entries": {NAME: entry}, "ensembles": {}}
        return plan.of_rows(msgspec.structs.replace(parameters.load(raw), **changed), NAME)

    batch = planned(1).rows[method].training.batch_videos
    return planned(math.ceil(own.steps * batch / max(videos, 1)))


def through(videos: Mapping[str, Path], section: Features) -> Summary:
    """Extract what is not finished yet; a sentence if not one video can be used."""
    summary = networks.extract_all(videos, prepare.recipe(section, NAME), spread=True)
    check_some(videos, summary)
    return summary


def check_some(videos: Mapping[str, Path], summary: Summary) -> None:
    """Find out whether any video can be used.

    Raises:
        UserError: all have failed.
    """
    if len(summary.failures) == len(videos):
        raise UserError(f"none of {len(videos)} videos can be used, for instance: {next(iter(summary.failures.values()))}")


@contextmanager
def noted(video: str, summary: Summary) -> Iterator[None]:
    """A video that cannot be used is noted, and the others go on."""
    try:
        yield
    except MachineError:
        raise
    except UserError as error:
        summary.failures[video] = str(error)


def localize(raw: Mapping[str, Any], files: Sequence[Path], folder: Path, out: Path) -> Located:
    """Localize actions in video files with a trained run, and write what the top of this file lists.

    Files that cannot be decoded are left out; the summary says why.

    Raises:
        UserError: a file is missing or two have one name, `folder` is no run on videos, or no video can be used.
    """
    own, card, videos = settings(raw), cards.read(folder), folders.named(files)
    folders.check_out(out)
    if not card.extraction:
        raise UserError(
            f"{folder} was trained on features ({card.backbone}), not on videos; {cards.CURE}, of a dataset of videos."
        )
    models = {network: cards.load(card, folder, network) for network in card.networks}
    section = msgspec.structs.replace(
        own.features, backbone=card.backbone, extraction=card.extraction, grid=card.grid, streams=tuple(card.dims)
    )
    summary = through(videos, section)
    features = networks.load(videos, prepare.recipe(section, NAME))
    bags = {network: unlabelled(features, streams, card.grid) for network, streams in card.networks.items()}
    scores = {network: predict(model, bags[network]) for network, model in models.items()}
    durations_s: dict[str, float] = {}
    for video in features:
        with noted(video, summary):
            durations_s[video] = duration_s(videos[video])
    found = cards.detect(card, scores, durations_s)
    shown = intervals.apart(found, own.shown)
    films: dict[str, Film] = {}
    for video in durations_s:
        with noted(video, summary):
            films[video] = film(video, videos[video], durations_s[video], scores, shown, card, own.stills)
    check_some(videos, summary)
    found, shown = detections.of_videos(found, films), detections.of_videos(shown, films)
    why = {video: film.why for video, film in films.items()}
    located = Located(found, shown, page(list(films.values()), str(folder)), summary, why)
    write(out, located)
    return located
