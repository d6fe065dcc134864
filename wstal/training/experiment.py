"""The rows of a table: every row and seed trained and localized, side by side over the cores. Never sees a segment time.

A run leaves in runs/<entry>/<row>/<seed>/ the weights of each network, the losses, run.yaml and the detections. Trained
weights are also kept in .cache/rows under a hash of everything that they depend on, so that an interrupted table resumes
and equal rows of different tables are trained once; detections are always made anew.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors.torch import load_file, save_file

from wstal.base import code, paths, progress, seeding, workers
from wstal.base.paths import Tree
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections
from wstal.config import parameters
from wstal.data import labels as weak
from wstal.data.bags import Bags
from wstal.data.store import FeatureStore
from wstal.detect import detections, localize
from wstal.methods.base import Method
from wstal.training import trained
from wstal.training.predict import predict
from wstal.training.train import fit, loss_names

# What trained weights depend on is what training imports, but for rooms and files whose values are in the key themselves
# (settings) or that move no number.
SPARED = ("config", "detect", "base/errors.py", "base/files.py", "base/paths.py", "base/progress.py", "base/workers.py")


@dataclass(frozen=True)
class Run:
    """One row and seed of an entry."""

    params: parameters.Params
    tree: Tree
    entry: str
    row: str
    seed: int

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.tree.run(self.entry, self.row, self.seed)

    @property
    def dataset(self) -> str:
        return self.section.dataset

    @property
    def section(self) -> parameters.Entry:
        return self.params.entry(self.entry)

    @property
    def how(self) -> parameters.MethodConfig:
        return self.params.resolve(self.section, self.row)

    @property
    def method(self) -> str:
        return self.params.method(self.section, self.row)

    @property
    def preset(self) -> str:
        return self.params.preset(self.section, self.row)

    @property
    def loss_names(self) -> tuple[str, ...]:
        return loss_names(self.how, self.method)

    @property
    def checkpoints(self) -> range:
        """Weights kept on the way, beside the last."""
        return range(self.how.training.checkpoints)

    def predictions(self, checkpoint: int | None = None) -> Path:
        """File of detections, by the last weights or by a checkpoint."""
        return self.folder / ("predictions.json" if checkpoint is None else f"predictions-{checkpoint}.json")

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        return self.how.networks


def runs(params: parameters.Params, tree: Tree, entry: str) -> list[Run]:
    """All rows and seeds of an entry, in order."""
    return [Run(params, tree, entry, row, seed) for row in params.entry(entry).rows for seed in params.seeds]


def train_all(todo: list[Run]) -> None:
    """Train and localize all runs, a process pool over the cores. Equal networks are trained once."""
    for run in todo:
        shared_grid(run)
    weights = [{network: cached(run, network) for network in run.networks} for run in todo]
    jobs = {path: (run, name, path) for run, paths_ in zip(todo, weights, strict=True) for name, path in paths_.items()}
    parallel(train_one, [job for path, job in jobs.items() if not path.exists()], "networks trained")
    parallel(localize_one, list(zip(todo, weights, strict=True)), "runs localized")


def parallel(function, jobs: list[tuple], what: str) -> None:
    """function(*job) for all jobs, over the cores; the first failure ends the rest."""
    if not jobs:
        return
    progress.report(what, 0, len(jobs))
    with workers.pool(min(workers.count(), len(jobs))) as pool:
        try:
            futures = [pool.submit(function, *job) for job in jobs]
            for done, future in enumerate(as_completed(futures)):
                future.result()
                progress.report(what, done + 1, len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def train_one(run: Run, network: str, target: Path) -> None:
    """Train one network of a run into `target`, whole or not at all."""
    train, _ = bags(run, network)
    step = progress.steps(f"{run.row}, seed {run.seed}, {network}")
    fitted = fit(run.how, run.method, train, run.seed, step)
    states = {"": fitted.model.state_dict()} | {f"{k}:": state for k, state in enumerate(fitted.checkpoints)}
    tensors = {key + name: value.contiguous().cpu() for key, state in states.items() for name, value in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        save_file(tensors | {"history": torch.from_numpy(fitted.history)}, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def localize_one(run: Run, weights: dict[str, Path]) -> None:
    """Copy a run's weights {network: file} into its folder and write run.yaml and its detections, of checkpoints as well."""
    run.tree.output(run.predictions())
    trained.write(summary(run), run.folder)
    for network, path in weights.items():
        shutil.copyfile(path, run.folder / f"{network}.safetensors")
    for checkpoint in (None, *run.checkpoints):
        detections.write_json(detect(run, checkpoint), run.predictions(checkpoint))


def summary(run: Run) -> trained.Trained:
    """What run.yaml says."""
    features, store = run.params.dataset(run.dataset).features, FeatureStore(run.tree.features(run.dataset))
    return trained.Trained(
        method=run.method, how=run.how, classes=weak_labels(run).classes, dims={s: store.dim(s) for s in run.how.streams},
        grid=shared_grid(run), backbone=features.backbone, extraction=features.extraction,
    )  # fmt: skip


def detect(run: Run, checkpoint: int | None = None) -> Detections:
    """Detections of a trained run on the test videos."""
    scores = {}
    for network in run.networks:
        _, test = bags(run, network)
        scores[network] = predict(load(run, network, checkpoint), test)
    return localize.localize(scores, weak_labels(run).classes, durations_s(run), shared_grid(run), run.how.localize)


def shared_grid(run: Run) -> TimeGrid:
    """The time grid of all networks of a run; streams that cannot be fused are a sentence before anything is trained."""
    return FeatureStore(run.tree.features(run.dataset)).grid(run.how.streams)


def load(run: Run, network: str, checkpoint: int | None = None) -> Method:
    """The trained network of a run: its last weights, or a checkpoint."""
    return trained.load(run.folder, network, checkpoint)


def histories(runs: list[Run], row: str) -> dict[str, np.ndarray]:
    """Losses of every network and seed of a row: {label: (steps, terms)}, a bag, unweighted."""
    return {
        f"{network}, seed {run.seed}": load_file(run.folder / f"{network}.safetensors")["history"].numpy()
        for run in runs
        if run.row == row
        for network in run.networks
    }


def bags(run: Run, network: str) -> tuple[Bags, Bags]:
    """Training and test bags of one network of a run."""
    store, table = FeatureStore(run.tree.features(run.dataset)), weak_labels(run)
    subsets = (table.subset("train"), table.subset("test"))
    return tuple(
        Bags(store, run.networks[network], [video.id for video in videos], table.multi_hot(videos)) for videos in subsets
    )


def weak_labels(run: Run) -> weak.Labels:
    """Video-level labels of the run's dataset."""
    return weak.read(run.tree.annotations(run.dataset) / "videos.json")


def durations_s(run: Run) -> dict[str, float]:
    """Length of each test video in seconds."""
    return {video.id: video.duration_s for video in weak_labels(run).subset("test")}


def cached(run: Run, network: str) -> Path:
    """Where the trained weights of this network are kept: a name made of all that they depend on."""
    how = msgspec.structs.replace(run.how, localize=None)
    digest = hashlib.sha256()
    digest.update(msgspec.json.encode([how, run.method, run.networks[network], run.seed], order="sorted"))
    digest.update(f"{torch.__version__} {seeding.device().type}".encode())
    inputs = (
        run.tree.features(run.dataset) / "manifest.json",
        run.tree.annotations(run.dataset) / "videos.json",
    )
    for file in inputs:
        digest.update(file.read_bytes())
    digest.update(code.digest(code_files(run.method, run.how.plugins)).encode())
    return paths.CACHE / "rows" / f"{digest.hexdigest()[:32]}.safetensors"


def code_files(method: str, plugins: Iterable[str]) -> list[Path]:
    """The source files that trained weights of a method with plug-ins depend on."""
    named = [f"methods/{method}.py", *(f"plugins/{plugin}.py" for plugin in plugins)]
    return code.closure(["training/train.py", *named], SPARED)
