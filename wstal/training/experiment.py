"""The rows of an entry: every row and seed trained and localized, side by side over the cores. Never sees a segment time.

A run leaves in runs/<entry>/<row>/<seed>/ the weights of each network, the losses, run.yaml and the detections. Trained
weights are also kept in .cache/rows under a hash of everything that they depend on, so that an interrupted table resumes
and equal rows of different tables are trained once; detections are always made anew. Networks in training lie beside them and
resume as well, but for those that are trained together on a GPU.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from wstal.base import code, files, locks, paths, progress, seeding, workers
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.types import Detections, VideoScores
from wstal.border import tensorfile
from wstal.border.tensorfile import DamagedError
from wstal.config.plan import RowsPlan
from wstal.config.settings import Settings
from wstal.data.bags import Bags
from wstal.data.prepared import Prepared
from wstal.data.sampling import longest
from wstal.detect import detections
from wstal.methods.base import Method
from wstal.training import card as cards
from wstal.training import teaching
from wstal.training.card import Card
from wstal.training.interrupted import Unfinished, forget
from wstal.training.parts import CALLS
from wstal.training.predict import predict
from wstal.training.together import Job, fit_all
from wstal.training.train import Fitted, build, fit

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
    teacher: "Run | None" = None  # the run of its seed whose detections it learns from

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
    return [run(plan, row, seed, draws[plan.draw(seed)], tree) for row in plan.rows for seed in plan.seeds]


def run(plan: RowsPlan, row: str, seed: int, data: Prepared, tree: Tree, learners: tuple[str, ...] = ()) -> Run:
    """One row and seed with its teacher, if it has one; `learners` are the rows that learn from it.

    Raises:
        UserError: streams lie on different time grids, or the teacher is no row of the entry, or learns from its pupil.
    """
    card, lesson = cards.card(plan, row, seed, data), teaching.of(plan.rows[row])
    if lesson is None:
        return Run(card, data, tree)
    others = [name for name in plan.rows if name not in (row, *learners)]
    if lesson.teacher not in others:
        raise UserError(
            f"params.yaml, entries.{plan.entry}.rows.{row}: the teacher {lesson.teacher!r} is no other row that learns without "
            f"it; name one of: {', '.join(others) or 'none'}."
        )
    return Run(card, data, tree, run(plan, lesson.teacher, seed, data, tree, (row, *learners)))


def train_all(todo: Sequence[Run]) -> None:
    """Train and localize all runs, a process pool over the cores."""
    weights = train(todo)
    parallel(localize_one, list(zip(todo, weights, strict=True)), "runs localized")


def train(todo: Sequence[Run]) -> list[dict[str, Path]]:
    """Train what is not in the cache, the longest networks first, so that no core waits long for the last one.

    Teachers come first. Equal networks are trained once, also where one row keeps checkpoints and the other does not; those of
    mode "fast" side by side in one process a GPU, if any. Returns where the weights of each run are: {network: file}.
    """
    if teachers := [run.teacher for run in todo if run.teacher]:
        train(teachers)
    weights = [{network: cached(run, network) for network in run.networks} for run in todo]
    jobs = {path: (run, name, path) for run, found in zip(todo, weights, strict=True) for name, path in found.items()}
    plain = {cached(without_checkpoints(run), name): path for path, (run, name, _) in jobs.items() if run.checkpoints}
    served = {path: fuller for path, fuller in plain.items() if path in jobs and not whole(path)}
    lacking = [job for path, job in jobs.items() if path not in served and not whole(path)]
    missing = [(work(run, name), (run, name, path)) for run, name, path in lacking]
    missing.sort(key=lambda one: -one[0])
    train_on_gpus([job for _, job in missing if goes_together(job[0])])
    slow = [(size, job) for size, job in missing if not goes_together(job[0])]
    parallel(train_one, [job for _, job in slow], "networks trained, %", [size for size, _ in slow])
    for path, fuller in served.items():
        tensorfile.save({name: value for name, value in tensorfile.read(fuller).items() if ":" not in name}, path)
    for path in jobs:  # of a process that was killed between writing weights and this
        forget(unfinished(path))
    return weights


def without_checkpoints(run: Run) -> Run:
    """The run that leaves nothing but its last weights, which are the same."""
    training = msgspec.structs.replace(run.settings.training, checkpoints=0)
    settings = msgspec.structs.replace(run.settings, training=training)
    return replace(run, card=msgspec.structs.replace(run.card, settings=settings))


def goes_together(run: Run) -> bool:
    """Whether a run's networks are trained side by side in one process."""
    return run.settings.training.mode == "fast" and seeding.device().type == "cuda"


def work(run: Run, network: str) -> float:
    """What training a network takes, roughly: multiply-adds with its weights, and the calls of each step."""
    training, bags = run.settings.training, run.data.bags(run.networks[network], "train")
    with torch.device("meta"):
        weights = sum(p.numel() for p in build(run.settings, bags.dim, len(run.card.classes)).parameters())
    snippets = bags.lengths.clip(max=longest(bags.lengths, training.snippets)).mean()
    steps = training.epochs * len(bags) / training.batch_videos
    return float(steps * (CALLS + training.batch_videos * snippets * weights))


def parallel(function: Callable[..., None], jobs: list[tuple[Any, ...]], what: str, sizes: Sequence[float] = ()) -> None:
    """function(*job) for all jobs, over the cores; the first failure ends the rest.

    Progress is the number of jobs that are done or, where sizes of all jobs are given, their share of the sum in percent.
    """
    if not jobs:
        return
    parts, total = (np.array(sizes) / sum(sizes) * 100, 100) if sizes else (np.ones(len(jobs)), len(jobs))
    progress.report(what, 0, total)
    with workers.pool(min(workers.count(), len(jobs))) as pool:
        try:
            futures = {pool.submit(function, *job): part for job, part in zip(jobs, parts, strict=True)}
            done = 0.0
            for future in as_completed(futures):
                future.result()
                done += futures[future]
                progress.report(what, round(done), total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def train_one(run: Run, network: str, target: Path) -> None:
    """Train one network of a run into `target`, whole or not at all; wait where another process trains the same."""
    with locks.held(target.with_suffix(".lock"), title(run, network)):
        if not whole(target):
            job = to_train(run, network, target.parent)
            save(fit(job.settings, job.bags, job.seed, job.step, Unfinished(unfinished(target), title(run, network))), target)
        forget(unfinished(target))


def title(run: Run, network: str) -> str:
    """A network of a run, as lines on its training name it."""
    return f"{run.row}, seed {run.seed}, {network}"


def unfinished(target: Path) -> Path:
    """Where a network in training is kept whose weights come to `target`."""
    return target.with_suffix(".unfinished")


def train_on_gpus(jobs: list[tuple[Run, str, Path]]) -> None:
    """Train networks side by side: on one GPU in this process, on each of several in a process with its share of them."""
    devices = len(workers.gpus())
    if devices < 2 or len(jobs) < 2:
        train_together(jobs)
    else:
        shares = [jobs[first::devices] for first in range(min(devices, len(jobs)))]
        named = [(share, f"networks trained on GPU {number}") for number, share in enumerate(shares)]
        parallel(train_together, named, "GPUs that are done")


def train_together(jobs: list[tuple[Run, str, Path]], what: str = "networks trained") -> None:
    """Train networks side by side on a GPU, each into its file as it ends; an interrupted one begins again.

    `what` names the progress.
    """
    for done, (number, fitted) in enumerate(fit_all([to_train(run, network, target.parent) for run, network, target in jobs])):
        save(fitted, jobs[number][2])
        progress.report(what, done + 1, len(jobs))


def to_train(run: Run, network: str, kept: Path) -> Job:
    """What training a network of a run takes; `kept` is the folder of trained weights."""
    step = progress.steps(title(run, network))
    bags, lesson = run.data.bags(run.networks[network], "train"), teaching.of(run.settings)
    if lesson and run.teacher:
        weights = {name: kept / cached(run.teacher, name).name for name in run.teacher.networks}
        bags = teaching.taught(bags, run.data, run.teacher.card, weights, lesson.per_video)
    return Job(run.settings, bags, run.seed, step)


def save(fitted: Fitted, target: Path) -> None:
    """Write weights, checkpoints and losses into `target`, whole or not at all."""
    states = {"": fitted.model.state_dict()} | {f"{k}:": state for k, state in enumerate(fitted.checkpoints)}
    tensors = {key + name: value.contiguous().cpu() for key, state in states.items() for name, value in state.items()}
    tensorfile.save(tensors | {"history": torch.from_numpy(fitted.history)}, target)


def whole(path: Path) -> bool:
    """Whether trained weights are there; those that are damaged are not, and go.

    Raises:
        UserError: the system does not let them be read.
    """
    if not path.exists():
        return False
    try:
        tensorfile.read(path)
    except DamagedError as error:
        progress.note(f"{path.name} is trained again, as its file was damaged ({error.reason})")
        path.unlink(missing_ok=True)
        return False
    return True


def localize_one(run: Run, weights: dict[str, Path]) -> None:
    """Make a run's folder: run.yaml, its weights {network: file}, and its detections, of checkpoints as well."""
    with files.fresh(run.tree.output(run.folder)) as fresh:
        made = replace(run, tree=Tree(fresh.parent))
        cards.write(run.card, made.folder)
        for network, path in weights.items():
            tensorfile.save(tensorfile.read(path), made.folder / f"{network}.safetensors")
        for checkpoint in (None, *run.checkpoints):
            detections.write_json(detect(made, checkpoint), made.predictions(checkpoint))
        made.folder.rename(fresh)


def scores(run: Run, checkpoint: int | None = None) -> dict[str, Mapping[str, VideoScores]]:
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
    if run.teacher:
        digest.update("".join(cached(run.teacher, name).name for name in run.teacher.networks).encode())
        digest.update(msgspec.json.encode(run.teacher.settings.localize, order="sorted"))
        digest.update(code.digest(code.closure(["training/teaching.py"], [one for one in SPARED if one != "detect"])).encode())
    return paths.CACHE / "rows" / f"{digest.hexdigest()[:32]}.safetensors"


def code_files(settings: Settings) -> list[Path]:
    """The source files that trained weights depend on."""
    named = [f"methods/{settings.method}.py", *(f"plugins/{plugin}.py" for plugin in settings.plugins)]
    return code.closure(["training/train.py", *named], SPARED)
