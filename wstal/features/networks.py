"""Extraction as params.yaml describes it: the named backbone, its weights and its input size as a `Stream`, over all cores."""

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import torch

from wstal import paths, seeding
from wstal.errors import UserError
from wstal.features import backbones, weights
from wstal.features.backbones.base import Backbone
from wstal.features.checkpoint import restore
from wstal.features.embed import Speed, embedder
from wstal.features.extract import Stream, Summary, extract, finished
from wstal.paths import PIPELINE, Tree
from wstal.record import Count, Record
from wstal.timegrid import TimeGrid

CODE = ("video/*.py", "features/embed.py", "features/extract.py", "features/networks.py", "features/backbones/*.py")


class Extraction(Record):
    """How videos go through a backbone: the `extraction` of a dataset's features."""

    short_side: Count  # pixels of the short side of a frame; the backbone was trained on its own `short_side`
    size: Count  # pixels of the square that is cut out of its middle
    batch: Count  # snippets that the network sees at once
    workers: Count  # files that are decoded at once, by each copy of the network
    speed: Speed
    weights: str | None = None  # their file; none: that of data/raw/weights, fetched where a package ships them


def streams(names: tuple[str, ...], backbone: str, how: Extraction, tree: Tree = PIPELINE) -> dict[str, Stream]:
    """{stream: what makes it}. `{stream}` in the name of the backbone stands for the stream's name.

    Raises:
        UserError: there is no such backbone, it is of another stream, or its weights are missing and cannot be fetched.
    """
    return {name: stream(name, backbones.load(backbone.format(stream=name)), how, tree) for name in names}


def stream(name: str, backbone: Backbone, how: Extraction, tree: Tree) -> Stream:
    """One RGB stream; the network is loaded when the first clips come."""
    if backbone.stream != name or name != "rgb":
        raise UserError(
            f"params.yaml: backbone {backbone.name} makes {backbone.stream} features, and videos are extracted to `rgb` "
            f"alone; set `streams: [rgb]` and an RGB backbone, or import {name!r} features made elsewhere."
        )
    if how.size > how.short_side:
        raise UserError(f"params.yaml: extraction.size {how.size} is above short_side {how.short_side}; lower it.")
    sized = replace(backbone, short_side=how.short_side, size=how.size)
    file = Path(how.weights) if how.weights else weights.fetch(backbone, tree)
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); set extraction.weights to a file of weights.") from None
    origin = f"{backbone.name}, weights {digest[:16]}, {how.short_side} to {how.size} pixels, {how.speed.precision}"
    return Stream(sized, partial(network, sized, file, how.speed), iter, origin)


def network(backbone: Backbone, file: Path, speed: Speed) -> Callable[[np.ndarray], np.ndarray]:
    """Clips (N, T, size, size, channels) uint8 -> features (N, D) float32, on the device of this machine."""
    embed = embedder(backbone, restore(backbone, file), speed, seeding.device())
    return lambda clips: embed(torch.from_numpy(clips).permute(0, 4, 1, 2, 3)).cpu().numpy()


def parts(videos: Mapping[str, Path], backbone: str, how: Extraction, grid: TimeGrid) -> Path:
    """Folder in which finished features of `videos` are kept: another for other code, settings, or folders of videos."""
    package = paths.ROOT / "wstal"
    files = [file for pattern in CODE for file in sorted(package.glob(pattern))]
    place = os.path.commonpath([file.resolve().parent for file in videos.values()])
    digest = hashlib.sha256(msgspec.json.encode([place, backbone, how, grid, str(torch.__version__)]))
    for file in files:
        digest.update(file.read_bytes())
    return paths.CACHE / "parts" / digest.hexdigest()[:16]


def load(
    videos: Mapping[str, Path], names: tuple[str, ...], backbone: str, how: Extraction, grid: TimeGrid
) -> dict[str, dict[str, np.ndarray]]:
    """{video: {stream: (T, D)}} of the videos whose features are finished."""
    made = streams(names, backbone, how)
    return dict(finished(videos, made, grid, parts(videos, backbone, how, grid)))


def extract_all(
    videos: Mapping[str, Path], names: tuple[str, ...], backbone: str, how: Extraction, grid: TimeGrid, *,
    spread: bool,  # few videos get the cores that are left; the number of threads shows in the last bits of features
) -> Summary:  # fmt: skip
    """Bring the `parts` of `videos` up to date: a process a core, each with its share, or one network on a GPU."""
    made, folder = streams(names, backbone, how), parts(videos, backbone, how, grid)  # weights are fetched, faults are said
    done = {video for video, _ in finished(videos, made, grid, folder)}
    whole = extract({v: videos[v] for v in done}, made, grid, folder, batch=how.batch, workers=how.workers)
    if not (todo := {video: file for video, file in videos.items() if video not in done}):
        return whole
    os.environ.update(seeding.ENVIRONMENT)  # inherited by the processes, before they import torch
    count = 1 if seeding.device().type == "cuda" else min(seeding.workers(), len(todo))
    threads = max(1, seeding.workers() // count) if spread else 1
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        work = partial(pool.submit, share, todo, names, backbone, how, grid, folder, threads)
        for one in [work((i + 1, count)) for i in range(count)]:
            part = one.result()
            whole.computed += part.computed
            whole.reused += part.reused
            whole.warnings |= part.warnings
            whole.failures |= part.failures
    return whole


def share(videos, names, backbone: str, how: Extraction, grid, folder: Path, threads: int, shard: tuple[int, int]) -> Summary:
    """What one process does."""
    torch.set_num_threads(threads)
    return extract(videos, streams(names, backbone, how), grid, folder, batch=how.batch, workers=how.workers, shard=shard)
