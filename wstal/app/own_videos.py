"""One's own videos: labels and files in, a run folder out; then files and a run folder in, intervals and a page out.

    <run>/run.yaml, <network>.safetensors, predictions.json (of test videos)     `train`
    <run>/losses.csv, losses.png, summary.md    wstal/app/run_summary.py
    <run>/provenance.yaml      where it comes from; also beside what `localize` writes
    <out>/predictions.json     every detection, in ActivityNet's layout          `localize`
    <out>/detections.csv       those of wstal/app/intervals.py
    <out>/elan/<video>.txt     the same, for ELAN
    <out>/timeline.html        score curves, intervals and frames, on one page

Extraction, training and localization are the pipeline's. Finished features are kept in .cache/parts for the next time.
"""

import math
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from wstal.app import folders, intervals, provenance
from wstal.app.burn import Burnt
from wstal.app.film import film
from wstal.app.folds import Crossed, crossed, trees
from wstal.app.intervals import Shown
from wstal.app.located import Located, write
from wstal.app.located import counts as counts
from wstal.app.run_summary import write as write_summary
from wstal.app.stills import Stills
from wstal.base import files
from wstal.base.conversion import convert
from wstal.base.errors import MachineError, UserError
from wstal.base.paths import Tree
from wstal.base.record import Count, Index, Record
from wstal.base.types import Annotations
from wstal.config import parameters, plan, scaled_settings
from wstal.config.parameters import Dataset, Entry, Features, lookup
from wstal.config.plan import DatasetPlan, RowsPlan
from wstal.config.scaled_settings import DatasetSize
from wstal.datasets import inspection, prepare
from wstal.detect import detections
from wstal.features.extraction import recipes
from wstal.features.extraction.extract import ExtractionSummary
from wstal.features.pixels.decode import duration_s
from wstal.report.timeline import Film
from wstal.training import card as cards
from wstal.training import experiment
from wstal.training.experiment import Run
from wstal.training.predict import predict, unlabelled

NAME = "own"  # of the section in params.yaml, and of dataset and entry inside


class Own(Record):
    """The section `own` of params.yaml."""

    steps: Count  # of training, whatever the number of videos
    folds: Index  # of cross-validation, which trains a run more for each; 0: none
    short_bags: bool  # bags of methods that resample every video shrink with the videos, by wstal/config/scaled_settings.py
    features: Features  # as of a dataset; `train` sets the paths of its source
    overrides: dict[str, dict[str, Any]]  # method -> what it needs on few videos
    shown: Shown
    stills: Stills
    burnt: Burnt


class Material(NamedTuple):
    """What a notebook begins with."""

    raw: Mapping[str, Any]  # params.yaml
    labels: Path
    videos: Path  # folder of training videos
    new: Sequence[Path]  # files to localize in
    out: Path  # folder to write to


@dataclass
class Outcome(ExtractionSummary):
    """What became of the videos that `train` was given, and of their classes."""

    lost: list[str] = field(default_factory=list)  # classes of which no training video could be used
    notes: tuple[str, ...] = ()  # what is odd about the table and the features
    crossed: Crossed | None = None  # what cross-validation says


def settings(raw: Mapping[str, Any]) -> Own:
    """The section `own` as a record."""
    return convert(lookup(raw, NAME, "top level"), Own, f"params.yaml, {NAME}")


def train(
    raw: Mapping[str, Any], labels: Path, videos: Path, out: Path, *,
    method: str, seed: int, replace: bool = False, tell: Callable[[str], None] = lambda text: None,
) -> Outcome:  # fmt: skip
    """Train `method` on the videos of a table of labels, and write the run folder `out`, whole or not at all.

    Videos without features are left out; the summary says why. An earlier run in `out` is replaced if `replace` says so.
    `tell` hears what is about to be done.

    Raises:
        UserError: the table or the parameters do not fit, no video can be used, or `out` holds something.
    """
    check_new(out, replace)
    with folders.taken(out):
        return _train(raw, labels, videos, out, method=method, seed=seed, tell=tell)


def _train(
    raw: Mapping[str, Any], labels: Path, videos: Path, out: Path, *, method: str, seed: int, tell: Callable[[str], None]
) -> Outcome:
    folders.check_given(labels, videos)
    paths = {"root": str(Path.cwd()), "labels": str(labels.resolve()), "videos": str(videos.resolve())}
    section = settings(raw).features
    section = msgspec.structs.replace(section, source=section.source | paths)
    reader, where = prepare.source(section, NAME)
    rows_plan(raw, section, method, seed, videos=1)  # faults are said before hours of extraction
    if not (known := reader.trained(where)):
        raise UserError(f"{labels} has no video to train on; write train in the column `subset` of some lines, or remove it.")
    tell(inspection.of_listed(table := reader.listed(where)).text)
    summary = through(reader.videos(where), section)
    section.source["exclude"] = [*where.exclude, *summary.failures]
    where = prepare.source(section, NAME)[1]
    listed = reader.annotations(where, section.grid).videos
    count = sum(video.subset == "train" for video in listed)
    without = f" without {', '.join(summary.failures)}" if summary.failures else ""
    length_t = sum(video.duration_s for video in listed if video.subset == "train") / max(count, 1) / section.grid.step_s
    rows, crossing = rows_plan(raw, section, method, seed, count, length_t), None
    tell(f"training {method} on {count} videos{without}, {rows.rows[method].training.epochs} times each")
    with files.fresh(out) as fresh:
        tree = Tree(fresh.parent)
        read = prepare.annotate(DatasetPlan(name=NAME, features=section), tree)
        notes = (*read.notes, *prepare.store_videos(section, NAME, tree.output(tree.features(NAME)), summary).notes)
        (run,) = experiment.runs(rows, tree)
        folds = folded(raw, section, run, read, length_t)
        experiment.train_all([run, *folds])
        if folds:
            crossing = crossed(read, run.card.classes, [experiment.scores(fold) for fold in folds])
        write_summary(run, table, summary.failures, notes, crossing)
        words = ["train", labels.name, "--videos", videos.name, "--out", "OUT", "--method", method, "--seed", str(seed)]
        about = {"method": method, "preset": run.preset, "seed": str(seed)}
        data = {labels.name: labels, **reader.videos(where)}
        provenance.write(run.folder, provenance.origin(shlex.join(["wstal", *words]), about, run.settings, data))
        run.folder.rename(fresh)
    return Outcome(**vars(summary), lost=sorted(known - reader.trained(where)), notes=notes, crossed=crossing)


def folded(raw: Mapping[str, Any], section: Features, run: Run, read: Annotations, length_t: float) -> list[Run]:
    """The runs of cross-validation, like `run`, each on the training videos but those of a fold."""
    found: list[Run] = []
    method = run.settings.method
    for number, (tree, count) in enumerate(trees(read, run.tree, NAME, settings(raw).folds), start=1):
        planned = rows_plan(raw, section, method, run.seed, count, length_t)
        named = msgspec.structs.replace(planned, rows={f"{method}-fold{number}": planned.rows[method]})  # a bar of its own
        found += experiment.runs(named, tree)
    return found


def check_new(out: Path, replace: bool) -> None:
    """Find out before hours of work whether a run can be written to `out`.

    Raises:
        UserError: something is there that may not be replaced.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        if not (out / "run.yaml").is_file():
            raise UserError(f"{out} exists and is no run folder; name a new one.")
        if not replace:
            raise UserError(f"{out} holds a trained run; name a new folder, or add --replace (replace=True) to lose that run.")


def rows_plan(
    raw: Mapping[str, Any], section: Features, method: str, seed: int, videos: int, length_t: float | None = None
) -> RowsPlan:
    """The plan of one run on one's own videos; so many epochs that training takes `own.steps`.

    `length_t` is the mean length of the training videos in snippets, if it is known: methods that resample every video to a
    fixed number of snippets are then scaled to it, as `own.short_bags` says.

    Raises:
        UserError: parameters do not fit.
    """
    own = settings(raw)
    params = parameters.load(raw)

    def planned(epochs: int, scaled: bool | DatasetSize = False) -> RowsPlan:
        dataset = Dataset(features=section, overrides=own.overrides, scaled=scaled)
        entry = Entry(dataset=NAME, notebook="03_train", rows={method: {"method": method, "training": {"epochs": epochs}}})
        changed = {"seeds": (seed,), "datasets": {NAME: dataset}, "entries": {NAME: entry}, "ensembles": {}}
        return plan.of_rows(msgspec.structs.replace(params, **changed), NAME)

    row = planned(1).rows[method]
    size: bool | DatasetSize = False
    if own.short_bags and length_t is not None and row.training.snippets.kind == "perturb":
        size = shorter(scaled_settings.home_of(method, row.preset), videos, length_t)
    return planned(math.ceil(own.steps * row.training.batch_videos / max(videos, 1)), size)


def shorter(home: DatasetSize, videos: int, length_t: float) -> bool | DatasetSize:
    """The size that bags are scaled to: of videos of mean length `length_t`, if that is below those that settings are for.

    Widths stay as released, since the features have the released width.
    """
    return length_t < home.length_t and msgspec.structs.replace(home, videos=max(videos, 1), length_t=length_t)


def through(videos: Mapping[str, Path], section: Features) -> ExtractionSummary:
    """Extract what is not finished yet; a sentence if not one video can be used."""
    summary = recipes.extract_all(videos, prepare.recipe(section, NAME), spread=True)
    check_some(videos, summary)
    return summary


def check_some(videos: Mapping[str, Path], summary: ExtractionSummary) -> None:
    """Find out whether any video can be used.

    Raises:
        UserError: all have failed.
    """
    if len(summary.failures) == len(videos):
        raise UserError(f"none of {len(videos)} videos can be used, for instance: {next(iter(summary.failures.values()))}")


@contextmanager
def noted(video: str, summary: ExtractionSummary) -> Iterator[None]:
    """A video that cannot be used is noted, and the others go on."""
    try:
        yield
    except MachineError:
        raise
    except UserError as error:
        summary.failures[video] = str(error)


def localize(raw: Mapping[str, Any], given: Sequence[Path], folder: Path, out: Path) -> Located:
    """`locate`, and write what the top of this file lists.

    Raises:
        UserError: `locate` refuses the files or the run, or `out` cannot be written.
    """
    with folders.taken(out):
        located = locate(raw, given, folder)
        write(out, located)
    return located


def locate(raw: Mapping[str, Any], given: Sequence[Path], folder: Path) -> Located:
    """Localize actions in video files with a trained run.

    Files that cannot be decoded are left out; the summary says why.

    Raises:
        UserError: a file is missing or two have one name, `folder` is no run on videos, or no video can be used.
    """
    own, card, videos = settings(raw), ending(cards.read(folder)), folders.named(given)
    if not card.extraction:
        raise UserError(
            f"{folder} was trained on features ({card.backbone}), not on videos; {cards.CURE}, of a dataset of videos."
        )
    models = {network: cards.load(card, folder, network) for network in card.networks}
    section = msgspec.structs.replace(
        own.features, backbone=card.backbone, extraction=card.extraction, grid=card.grid, streams=tuple(card.dims)
    )
    summary = through(videos, section)
    features = recipes.load(videos, prepare.recipe(section, NAME))
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
    return Located(found, shown, list(films.values()), str(folder), card.classes, summary, origin(own, given, folder))


def origin(own: Own, given: Sequence[Path], folder: Path) -> provenance.Origin:
    """Where the detections of a run in video files come from."""
    card = cards.read(folder)
    words = ["localize", *(file.name for file in given), "--run", folder.name, "--out", "OUT"]
    about = {"method": card.settings.method, "preset": card.settings.preset, "seed": str(card.seed)}
    weights = {name: folder / name for name in ("run.yaml", *(f"{network}.safetensors" for network in card.networks))}
    data = weights | folders.named(given)
    return provenance.origin(shlex.join(["wstal", *words]), about, [card.settings, own.shown], data)


def ending(card: cards.Card) -> cards.Card:
    """The card of a run, whose detections end with the video in any case."""
    clipped = msgspec.structs.replace(card.settings.localize, clip=True)
    return msgspec.structs.replace(card, settings=msgspec.structs.replace(card.settings, localize=clipped))
