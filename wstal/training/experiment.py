"""The rows of an entry: every row and seed trained and localized, side by side over the cores. Never sees a segment time.

A run leaves in runs/<entry>/<row>/<seed>/ the weights of each network, the losses, run.yaml and the detections. Trained
weights are also kept in .cache/rows under a hash of everything that they depend on, so that an interrupted table resumes
and equal rows of different tables are trained once; detections are always made anew.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from wstal.base import code, paths, progress, seeding, workers
from wstal.base.paths import Tree
from wstal.base.types import Detections, VideoScores
from wstal.border import tensorfile
from wstal.config.plan import RowsPlan
from wstal.config.settings import Settings
from wstal.data.bags import Bags
from wstal.data.prepared import Prepared
from wstal.detect import detections
from wstal.methods.base import Method
from wstal.training import card as cards
from wstal.training.card import Card
from wstal.training.predict import predict
from wstal.training.together import Job, fit_all
from wstal.training.train import Fitted, fit

# What trained weights depend on is what training imports, but for rooms and files whose values are in the key themselves
# (settings) or that move no number.
SPARED = (
    "border", "config", "detect", "base/errors.py", "base/files.py", "base/paths.py", "base/progress.py", "base/workers.py",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One row and seed: its card, what it is trained on, and the tree that keeps its files."""

    card: Card
    data: Prepared
    tree: Tree

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return self.tree.run(self.card.entry, self.card.row, self.card.seed)

    @property
    def row(self) -> str:
        """Its row in the entry."""
        return self.card.row

    @property
    def seed(self) -> int:
        """Its seed."""
        return self.card.seed

    @property
    def draw(self) -> int:
        """The draw of the dataset that it sees."""
        return self.data.draw

    @property
    def settings(self) -> Settings:
        """Every parameter, resolved."""
        return self.card.settings

    @property
    def preset(self) -> str:
        """What its settings began with."""
        return self.settings.preset

    @property
    def networks(self) -> dict[str, tuple[str, ...]]:
        """{network: the streams it reads}."""
        return self.card.networks

    @property
    def checkpoints(self) -> range:
        """Weights kept on the way, beside the last."""
        return range(self.settings.training.checkpoints)

    def predictions(self, checkpoint: int | None = None) -> Path:
        """File of detections, by the last weights or by a checkpoint."""
        return self.folder / ("predictions.json" if checkpoint is None else f"predictions-{checkpoint}.json")


def runs(plan: RowsPlan, tree: Tree) -> list[Run]:
    """All rows and seeds of an entry, in order; labels and manifest are read once.

    Raises:
        UserError: streams of a row lie on different time grids, or the dataset is not prepared.
    """
    draws = {draw: Prepared.of(tree, plan.dataset, draw) for draw in map(plan.draw, plan.seeds)}
    data = {seed: draws[plan.draw(seed)] for seed in plan.seeds}
    return [Run(cards.card(plan, row, seed, data[seed]), data[seed], tree) for row in plan.rows for seed in plan.seeds]


def train_all(todo: list[Run]) -> None:
    """Train and localize all runs, a process pool over the cores. Equal networks are trained once.

    Networks of mode "fast" are trained side by side in this process where there is a GPU.
    """
    weights = [{network: cached(run, network) for network in run.networks} for run in todo]
    jobs = {path: (run, name, path) for run, paths_ in zip(todo, weights, strict=True) for name, path in paths_.items()}
    missing = [job for path, job in jobs.items() if not path.exists()]
    fast = [job for job in missing if job[0].settings.training.mode == "fast" and seeding.device().type == "cuda"]
    train_together(fast)
    parallel(train_one, [job for job in missing if job not in fast], "networks trained")
    parallel(localize_one, list(zip(todo, weights, strict=True)), "runs localized")


def parallel(function: Callable[..., None], jobs: list[tuple[Any, ...]], what: str) -> None:
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
    job = to_train(run, network)
    save(fit(job.settings, job.bags, job.seed, job.step), target)


def train_together(jobs: list[tuple[Run, str, Path]]) -> None:
    """Train networks side by side on a GPU, each into its file as it ends."""
    for done, (number, fitted) in enumerate(fit_all([to_train(run, network) for run, network, _ in jobs])):
        save(fitted, jobs[number][2])
        progress.report("networks trained", done + 1, len(jobs))


def to_train(run: Run, network: str) -> Job:
    """What training a network of a run takes."""
    step = progress.steps(f"{run.row}, seed {run.seed}, {network}")
    return Job(run.settings, run.data.bags(run.networks[network], "train"), run.seed, step)


def save(fitted: Fitted, target: Path) -> None:
    """Write weights, checkpoints and losses into `target`, whole or not at all."""
    states = {"": fitted.model.state_dict()} | {f"{k}:": state for k, state in enumerate(fitted.checkpoints)}
    tensors = {key + name: value.contiguous().cpu() for key, state in states.items() for name, value in state.items()}
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        tensorfile.save(tensors | {"history": torch.from_numpy(fitted.history)}, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def localize_one(run: Run, weights: dict[str, Path]) -> None:
    """Copy a run's weights {network: file} into its folder and write run.yaml and its detections, of checkpoints as well."""
    run.tree.output(run.predictions())
    cards.write(run.card, run.folder)
    for network, path in weights.items():
        shutil.copyfile(path, run.folder / f"{network}.safetensors")
    for checkpoint in (None, *run.checkpoints):
        detections.write_json(detect(run, checkpoint), run.predictions(checkpoint))


def scores(run: Run, checkpoint: int | None = None) -> dict[str, dict[str, VideoScores]]:
    """What a trained run says of the test videos: {network: {video: scores}}."""
    return {
        network: predict(load(run, network, checkpoint), run.data.bags(streams, "test"))
        for network, streams in run.networks.items()
    }


def detect(run: Run, checkpoint: int | None = None) -> Detections:
    """Detections of a trained run on the test videos."""
    return cards.detect(run.card, scores(run, checkpoint), run.data.durations_s())


def load(run: Run, network: str, checkpoint: int | None = None) -> Method:
    """The trained network of a run: its last weights, or a checkpoint."""
    return cards.load(run.card, run.folder, network, checkpoint)


def histories(runs: Iterable[Run], row: str) -> dict[str, np.ndarray]:
    """Losses of every network and seed of a row: {label: (S, K)} of S steps and K terms, a bag, unweighted."""
    return {
        f"{network}, seed {run.seed}": tensorfile.read(run.folder / f"{network}.safetensors")["history"].numpy()
        for run in runs
        if run.row == row
        for network in run.networks
    }


def bags(run: Run, network: str) -> tuple[Bags, Bags]:
    """Training and test bags of one network of a run."""
    streams = run.networks[network]
    return run.data.bags(streams, "train"), run.data.bags(streams, "test")


def cached(run: Run, network: str) -> Path:
    """Where the trained weights of this network are kept: a name made of all that they depend on."""
    settings = run.settings
    what = [msgspec.structs.replace(settings, localize=None, preset=""), run.networks[network], run.seed]
    digest = hashlib.sha256(msgspec.json.encode(what, order="sorted"))
    digest.update(f"{torch.__version__} {seeding.device().type}".encode())
    digest.update(run.data.content())
    digest.update(code.digest(code_files(settings)).encode())
    return paths.CACHE / "rows" / f"{digest.hexdigest()[:32]}.safetensors"


def code_files(settings: Settings) -> list[Path]:
    """The source files that trained weights depend on."""
    named = [f"methods/{settings.method}.py", *(f"plugins/{plugin}.py" for plugin in settings.plugins)]
    return code.closure(["training/train.py", *named], SPARED)
