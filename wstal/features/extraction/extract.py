"""Videos -> the feature store, through a network: decoding, optical flow and network at the same time, resumable.

    video files --threads--> frames -> (flow) -> crop -> snippets --bounded queues--> batches -> network -> parts -> store

Threads decode several files at once and wait when the network is slower, another runs the network while the next batch is
put together; the network always gets full batches, across videos and of one size, so that features do not depend on which
videos share a batch. What is finished lies in a folder of
parts (partfiles.py): after an interruption only the rest is computed, and the store is the same, byte for byte.
A file that cannot be decoded is noted, and the others go on.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
import torch

from wstal.base import progress
from wstal.base.errors import MachineError, UserError
from wstal.base.manifest import Manifest
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations
from wstal.features.extraction.ahead import End, side_by_side
from wstal.features.extraction.importer import import_features
from wstal.features.extraction.partfiles import Part, Parts
from wstal.features.pixels.decode import Footage
from wstal.features.pixels.snippets import centre_crop, snippets, stack

SHOWN = 5  # failures that a sentence quotes


class Clips(Protocol):
    """The clips that a network wants."""

    @property
    def fps(self) -> float:
        """Frames a second."""

    @property
    def window_f(self) -> int:
        """Frames of a snippet."""

    @property
    def offsets(self) -> tuple[int, ...]:
        """Those of a snippet's frames that the network sees."""

    @property
    def short_side(self) -> int:
        """Pixels of the short side of a frame before the crop."""

    @property
    def size(self) -> int:
        """Pixels of the square crop."""


Embedder = Callable[[np.ndarray], np.ndarray]  # clips (N, T, size, size, channels) uint8 -> (N, D) float16 or float32


@dataclass(frozen=True)
class Extractor:
    """One feature stream of the store."""

    clips: Clips
    load: Callable[[], Embedder]  # called once, by the process that runs the network, and only if there is work
    prepare: Callable[[Iterator[np.ndarray]], Iterator[np.ndarray]]  # frames (H, W, 3) -> as many (H, W, channels) uint8,
    # in the thread that decodes: `iter` for RGB, optical flow for flow
    grid: TimeGrid  # of its snippets
    origin: str  # names network, weights and flow, and so what the features are: another text, other features


@dataclass
class ExtractionSummary:
    """What became of the videos."""

    computed: int = 0  # parts that this run made
    reused: int = 0  # parts that earlier runs had made
    warnings: dict[str, list[str]] = field(default_factory=dict)  # video -> what was wrong with its file
    failures: dict[str, str] = field(default_factory=dict)  # video -> the sentence that says why it has no features


@dataclass
class VideoJob:
    """One video on its way through one stream."""

    video: str
    footage: Footage
    sources: list  # the state of what it is made from, before it was read
    rows: list[np.ndarray] = field(default_factory=list)  # features (D,) so far
    failure: str | None = None


def make_store(
    videos: Mapping[str, Path], streams: Mapping[str, Extractor], annotations: Annotations, out: Path, parts: Path, *,
    summary: ExtractionSummary,  # of the extraction of these videos, and perhaps others, into `parts`
    slack_s: float, overrun: Collection[str],
) -> Manifest:  # fmt: skip
    """Write the store `out` from finished `parts`, whole or not at all; see `import_features`.

    Raises:
        UserError: some of `videos` have no features. The parts of the others stay.
    """
    if failures := {video: why for video, why in summary.failures.items() if video in videos}:
        raise UserError(
            f"{len(failures)} of {len(videos)} videos have no features ({reasons(failures)}); mend them, or leave them out "
            f"with `exclude: [{', '.join(sorted(failures))}]` in params.yaml."
        )
    origin = "; ".join(f"{name}: {stream.origin}" for name, stream in sorted(streams.items()))
    grids = {name: stream.grid for name, stream in streams.items()}
    return import_features(
        finished(videos, streams, parts), grids, annotations, out,
        backbone=origin, slack_s=slack_s, overrun=overrun, warnings=summary.warnings, extracted=True,
    )  # fmt: skip


def reasons(failures: Mapping[str, str]) -> str:
    """Why videos have no features: the first SHOWN sentences, and how many more there are."""
    first = [f"{video}: {failures[video].rstrip('.')}" for video in sorted(failures)[:SHOWN]]
    return " | ".join(first) + (f" | and {len(failures) - SHOWN} more" if len(failures) > SHOWN else "")


def finished(
    videos: Mapping[str, Path], streams: Mapping[str, Extractor], parts: Path
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video, {stream: (T, D)}) of videos whose parts are all there, as readers give features."""
    stores = stores_of(streams, parts)
    for video, file in sorted(videos.items()):
        found = {name: store.load(video, file) for name, store in stores.items()}
        if None not in found.values():
            yield video, {name: part.features for name, part in found.items() if part}


def ready(videos: Mapping[str, Path], streams: Mapping[str, Extractor], parts: Path) -> list[str]:
    """The videos that `finished` yields, told without loading their features."""
    stores = stores_of(streams, parts).values()
    return [video for video, file in sorted(videos.items()) if None not in [store.warnings(video, file) for store in stores]]


def stores_of(streams: Mapping[str, Extractor], parts: Path) -> dict[str, Parts]:
    """{stream: its finished parts}."""
    return {name: Parts(parts / name, stream.origin, stream.grid) for name, stream in streams.items()}


def extract(
    videos: Mapping[str, Path], streams: Mapping[str, Extractor], parts: Path, *,
    batch: int,  # snippets that the network sees at once
    workers: int,  # files that are decoded at once, each at most one batch ahead
    shard: tuple[int, int] = (1, 1),  # (i, n): only the i-th of n shares of the videos, counted from 1
) -> ExtractionSummary:  # fmt: skip
    """Bring `parts` up to date for the videos {id: file}. May be stopped at any time and started again."""
    mine, summary = sorted(videos)[shard[0] - 1 :: shard[1]], ExtractionSummary()
    stores = stores_of(streams, parts)
    for name, stream in streams.items():
        check_grid(name, stream.clips, stream.grid)
        store = stores[name]
        todo = missing(mine, videos, store, summary)
        jobs = (VideoJob(video, Footage(videos[video]), store.sources(videos[video])) for video in todo)
        for done, job in enumerate(finish(jobs, stream, batch=batch, workers=workers), start=1):
            settle(job, store, summary)
            share = "" if shard[1] == 1 else f", share {shard[0]} of {shard[1]}"
            progress.report(f"extract {name}{share}", done, len(todo))
    return summary


def finish(jobs: Iterable[VideoJob], stream: Extractor, *, batch: int, workers: int) -> Iterator[VideoJob]:
    """Each job when its features are there or it has failed."""

    def clips(job: VideoJob) -> Iterator[np.ndarray]:
        try:
            yield from clips_of(job.footage, stream)
        except MachineError:
            raise
        except UserError as error:
            job.failure = str(error)

    lock, loaded = Lock(), cache(stream.load)

    def network(clips: np.ndarray) -> np.ndarray:
        with lock:
            embed_clips = loaded()
        return embed_clips(clips)

    with closing(side_by_side(jobs, clips, workers=workers, ahead=batch)) as items:
        for job, row in embed(items, network, batch):
            if row is End:
                yield job
            else:
                job.rows.append(row)


def clips_of(footage: Footage, stream: Extractor) -> Iterator[np.ndarray]:
    """The snippets of a video file as a network wants them: (T, size, size, channels) uint8 of T offsets."""
    network = stream.clips
    frames = centre_crop(stream.prepare(footage.frames(stream.grid.fps, network.short_side)), network.size)
    every = len(network.offsets) == network.window_f
    return (clip if every else clip[list(network.offsets)] for clip in snippets(frames, stream.grid))


def full(clips: list[np.ndarray], batch: int) -> np.ndarray:
    """Clips (T, H, W, C) as a batch (N, T, H, W, C) of `batch`, filled up with copies of the last one.

    For a GPU, the memory is pinned: copies from there are fast and nobody waits for them.
    """
    clips = clips + clips[-1:] * (batch - len(clips))
    if isinstance(clips[0], torch.Tensor) or not torch.cuda.is_initialized():
        return stack(clips)
    kind = torch.from_numpy(clips[0])
    return np.stack(clips, out=torch.empty(batch, *kind.shape, dtype=kind.dtype, pin_memory=True).numpy())


def embed(items: Iterable[tuple], network: Embedder, batch: int) -> Iterator[tuple]:
    """(job, snippet) -> (job, its feature (D,)), in the same order; End passes through.

    The network always gets `batch` snippets, and works while the next batch is put together: on as many batches at once as
    torch has threads here, each in one thread, as their number would show in the last bits of what it computes.
    """
    held: list[tuple] = []
    clips: list[np.ndarray] = []
    running: deque[tuple[list[tuple], Future | None]] = deque()

    def begin() -> None:
        nonlocal held, clips
        running.append((held, pool.submit(network, full(clips, batch)) if clips else None))
        held, clips = [], []

    def end() -> Iterator[tuple]:
        of, future = running.popleft()
        features = iter(future.result() if future else ())
        yield from ((job, item if item is End else next(features)) for job, item in of)

    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for job, item in items:
            held.append((job, item))
            if item is not End:
                clips.append(item)
            if len(clips) == batch:
                begin()
                if len(running) > threads:
                    yield from end()
        begin()
        while running:
            yield from end()


def missing(mine: Iterable[str], videos: Mapping[str, Path], store: Parts, summary: ExtractionSummary) -> list[str]:
    """Those of `mine` that no earlier run has finished; the others are counted as reused."""
    todo = []
    for video in mine:
        warnings = store.warnings(video, videos[video])
        if warnings is None:
            todo.append(video)
        else:
            summary.reused += 1
            _warn(video, warnings, summary)
    return todo


def settle(job: VideoJob, store: Parts, summary: ExtractionSummary) -> None:
    """Save what a job has brought, or note why it has brought nothing."""
    if job.failure is None and not np.isfinite(job.rows).all():
        job.failure = f"{job.footage.path} gives features that are NaN or infinite; check the network's weights."
    if job.failure is not None:
        summary.failures[job.video] = job.failure
        return
    part = Part(np.stack(job.rows), job.footage.warnings)
    store.save(job.video, part, job.sources)
    job.rows.clear()
    summary.computed += 1
    _warn(job.video, part.warnings, summary)


def _warn(video: str, warnings: list[str], summary: ExtractionSummary) -> None:
    if warnings:
        summary.warnings[video] = warnings


def check_grid(name: str, backbone: Clips, grid: TimeGrid) -> None:
    """Find out whether the grid is the one that the network was trained on.

    Raises:
        UserError: it is another.
    """
    for key in ("fps", "window_f"):
        given, wanted = getattr(grid, key), getattr(backbone, key)
        if given != wanted:
            raise UserError(
                f"params.yaml: `grid` has {key} {given}, but the network of stream {name!r} was trained with {wanted}; "
                f"set {key} to {wanted}."
            )
