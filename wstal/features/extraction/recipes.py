"""Extraction as params.yaml describes it: the named backbone, its weights and input size as an `Extractor`, over all cores."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import torch

from wstal.base import code, locks, paths, seeding, workers
from wstal.base.errors import UserError, of_system
from wstal.base.extraction import Extraction, Speed
from wstal.base.paths import PIPELINE, Tree
from wstal.base.timegrid import Grids
from wstal.features.backbones import registry, weights
from wstal.features.backbones.checkpoint import restore
from wstal.features.backbones.embed import embedder, settled
from wstal.features.backbones.registry import Backbone
from wstal.features.extraction.extract import ExtractionSummary, Extractor, check_grid, extract, finished, ready
from wstal.features.pixels.motion import flow_images

# Features depend on what extraction imports, but for files that leave them as they are.
SPARED = (
    *(f"base/{name}.py" for name in ("code", "errors", "files", "locks", "manifest", "paths", "progress", "workers")),
    *(f"features/extraction/{name}.py" for name in ("ahead", "importer", "partfiles", "scaleout", "streamfile")),
    "features/backbones/weights.py",
    *(f"border/{name}.py" for name in ("content", "jsonfile", "limits", "filenames", "manifestfile", "npyfile", "picklefile")),
    *(f"border/{name}.py" for name in ("checkpointfile", "tensorfile")),
)


@dataclass(frozen=True)
class Recipe:
    """How videos become features."""

    streams: tuple[str, ...]
    backbone: str  # {stream} stands for the stream's name
    grids: Grids
    extraction: Extraction

    def backbones(self) -> dict[str, Backbone]:
        """{stream: its backbone}, at the sizes of pictures that `extraction` says.

        Raises:
            UserError: there is no such backbone, it sees something else, or the sizes do not suit it.
        """
        return {name: self._backbone(name) for name in self.streams}

    def _backbone(self, name: str) -> Backbone:
        found, extraction = registry.load(self.backbone.replace("{stream}", name)), self.extraction
        if "flow" in (name, found.stream) and name != found.stream:
            raise UserError(
                f"params.yaml: backbone {found.name} sees {found.stream}, which does not fit the stream {name!r}; call the "
                f"stream {found.stream!r}, or name a backbone for every stream, as i3d_{{stream}} does."
            )
        if extraction.size > extraction.short_side:
            raise UserError(
                f"params.yaml: extraction.size {extraction.size} is above short_side {extraction.short_side}; lower it."
            )
        if found.fixed and extraction.size != found.size:
            raise UserError(f"params.yaml: {found.name} takes {found.size} pixels, not {extraction.size}; set extraction.size.")
        check_grid(name, found, self.grids[name])
        return replace(found, short_side=extraction.short_side, size=extraction.size)


def streams(recipe: Recipe, tree: Tree = PIPELINE) -> dict[str, Extractor]:
    """{stream: what makes it}.

    Raises:
        UserError: the recipe does not fit together, or weights are missing and cannot be fetched.
    """
    return {name: stream(name, backbone, recipe, tree) for name, backbone in recipe.backbones().items()}


def stream(name: str, backbone: Backbone, recipe: Recipe, tree: Tree) -> Extractor:
    """One stream; the network is loaded when the first clips come.

    Raises:
        UserError: the file of weights cannot be read.
    """
    extraction = recipe.extraction
    file = Path(extraction.weights.replace("{stream}", name)) if extraction.weights else weights.fetch(backbone, tree)
    try:
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise of_system(error, file) or UserError(
            f"{file} cannot be read ({error.strerror}); set extraction.weights to a file of weights."
        ) from None
    prepare, motion = (flow_images, ", flow by TV-L1") if backbone.stream == "flow" else (iter, "")
    pixels, speed = f"{extraction.short_side} to {extraction.size} pixels", settled(extraction.speed, seeding.device())
    origin = f"{backbone.name}, weights {digest[:16]}, {pixels}, {speed.precision}{motion}"
    return Extractor(backbone, partial(network, backbone, file, speed), prepare, recipe.grids[name], origin)


def network(backbone: Backbone, file: Path, speed: Speed) -> Callable[[np.ndarray], np.ndarray]:
    """Clips (N, T, size, size, channels) uint8 -> features (N, D) float32, by this machine's device, where clips may lie."""
    embed = embedder(backbone, restore(backbone, file), speed, seeding.device())
    return lambda clips: embed(torch.as_tensor(clips).permute(0, 4, 1, 2, 3)).cpu().numpy()


def parts(recipe: Recipe) -> Path:
    """Folder in which finished features are kept: another for other code or settings."""
    what = replace(
        recipe, extraction=msgspec.structs.replace(recipe.extraction, workers=1)
    )  # how many decode changes no feature
    key = [what, str(torch.__version__), code.digest(code_files(recipe))]
    return paths.CACHE / "parts" / hashlib.sha256(msgspec.json.encode(key)).hexdigest()[:16]


def code_files(recipe: Recipe) -> list[Path]:
    """The source files that features depend on."""
    architectures = {backbone.name.split("_")[0] for backbone in recipe.backbones().values()}
    files = (f"features/backbones/{form}{architecture}.py" for architecture in architectures for form in ("", "fused_"))
    return code.closure(["features/extraction/recipes.py", *files], SPARED)


def load(videos: Mapping[str, Path], recipe: Recipe) -> dict[str, dict[str, np.ndarray]]:
    """{video: {stream: (T, D)}} of the videos whose features are finished."""
    return dict(finished(videos, streams(recipe), parts(recipe)))


def extract_all(
    videos: Mapping[str, Path], recipe: Recipe, *,
    spread: bool,  # few videos get the cores that are left
    shard: tuple[int, int] = (1, 1),  # (i, n): only the i-th of n shares of the videos, counted from 1
) -> ExtractionSummary:  # fmt: skip
    """Bring the `parts` of `videos` up to date: a process a core, each with its share, or some that share a GPU.

    Threads of one process wait for each other while they decode. Optical flow keeps a GPU busy alone and needs its memory.
    Another process with the same videos is waited for, and what it has finished is taken.
    """
    mine = {video: videos[video] for video in sorted(videos)[shard[0] - 1 :: shard[1]]}
    key = hashlib.sha256(repr(mine).encode()).hexdigest()[:16]
    with locks.held(parts(recipe) / f"{key}.lock", f"features of {len(mine)} videos"):
        return _extract_mine(mine, recipe, spread)


def _extract_mine(mine: Mapping[str, Path], recipe: Recipe, spread: bool) -> ExtractionSummary:
    made, folder, extraction = streams(recipe), parts(recipe), recipe.extraction  # weights are fetched, faults are said
    done = ready(mine, made, folder)
    whole = extract({v: mine[v] for v in done}, made, folder, batch=extraction.batch, workers=extraction.workers)
    if not (todo := {video: file for video, file in mine.items() if video not in done}):
        return whole
    flow_on_gpu = seeding.device().type == "cuda" and any(stream.prepare is not iter for stream in made.values())
    count = min(len(workers.gpus()) if flow_on_gpu else workers.count(), len(todo))
    threads = max(1, workers.count() // count) if spread and seeding.device().type == "cpu" else 1
    pinned = settled(extraction.speed, seeding.device()).precision == "float32"
    with workers.pool(count, any_instruction=not pinned) as pool:
        shards = [(i + 1, count) for i in range(count)]
        for one in [pool.submit(share, todo, recipe, folder, threads, shard) for shard in shards]:
            part = one.result()
            whole.computed += part.computed
            whole.reused += part.reused
            whole.warnings |= part.warnings
            whole.failures |= part.failures
    return whole


def share(videos: Mapping[str, Path], recipe: Recipe, folder: Path, threads: int, shard: tuple[int, int]) -> ExtractionSummary:
    """What one process does."""
    torch.set_num_threads(threads)
    return extract(
        videos, streams(recipe), folder, batch=recipe.extraction.batch, workers=recipe.extraction.workers, shard=shard
    )


def extract_on_cluster(videos: Mapping[str, Path], recipe: Recipe, *, copies: int) -> ExtractionSummary:
    """`extract_all` on a Ray cluster, with so many copies of each network, on a GPU each if the cluster has any.

    Raises:
        UserError: Ray is not installed, or no cluster is found.
    """
    try:
        import ray

        from wstal.features.extraction import scaleout
    except ImportError:
        raise UserError('Ray is not installed; install it with `pip install -e ".[ray]"`, or leave --ray out.') from None
    made, folder = streams(recipe), parts(recipe)
    try:
        ray.init(address="auto", log_to_driver=False)
    except ConnectionError:
        raise UserError("no Ray cluster is running; start one with `ray start --head`, or set RAY_ADDRESS.") from None
    gpus = 1.0 if ray.cluster_resources().get("GPU") else 0.0
    return scaleout.extract(videos, made, folder, batch=recipe.extraction.batch, networks=copies, gpus=gpus)
