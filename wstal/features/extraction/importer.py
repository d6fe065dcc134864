"""Features -> the feature store: one plain .npy a stream, and a manifest (wstal/base/manifest.py). Never pickles.

Videos are checked and appended one after the other, in the order in which they come, so that memory does not grow with their
number; all that is wrong is said together at the end, and what is odd goes into the manifest as notes. float16 and float32
stay as published, wider floats become float32; a stream in which both occur is float32.

The store is filled in a folder beside `out` and takes its place only when every check has passed, so that no reader
ever sees half a file, half a store, or a video that is no longer listed.
"""

import hashlib
import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np

from wstal.base import files, manifest, progress
from wstal.base.errors import UserError, system_errors
from wstal.base.manifest import Manifest, Rows
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations
from wstal.checks.findings import Findings
from wstal.checks.grid import check_grid
from wstal.checks.streams import Hashes, StreamChecks, check_paths
from wstal.features.extraction.streamfile import StreamFile

log = logging.getLogger(__name__)

GRID_ERROR = 1.5  # features that cover so many times a video's length, or as much less, were made on another grid

Arrays = Mapping[str, np.ndarray]  # stream -> features (T, D)


@dataclass
class Import:
    """What features are checked against, and what has been seen of them."""

    grids: Grids  # in the order of the streams
    annotations: Annotations
    slack_s: float  # how far a segment may end behind the last snippet, in seconds
    overrun: Collection[str] = ()  # videos known to be annotated past their end (THUMOS14 video_test_0000270)
    uneven_t: int = 0  # snippets by which streams of one grid may differ; the longer ones lose their last ones
    warnings: Mapping[str, Sequence[str]] = field(default_factory=dict)  # video -> what is wrong with its file
    extracted: bool = False  # by networks of this package, so that the streams of a video cannot have been mixed up
    findings: Findings = field(default_factory=Findings)
    lengths: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)  # stream -> video -> snippets, how it is named

    def __post_init__(self) -> None:
        self.streams = StreamChecks(self.findings, self.extracted)
        self.subsets = {video.id: video.subset for video in self.annotations.videos}

    def good(self, items: Iterable[tuple[str, Arrays]]) -> Iterator[tuple[str, Arrays]]:
        """The annotated videos with arrays that are well-formed, (T, D) little-endian float16 or float32."""
        dims: dict[str, int] = {}
        for number, (video, arrays) in enumerate(self._annotated(items)):
            with self.findings.gathering():
                if number == 0:
                    named = {stream: getattr(arrays[stream], "filename", None) for stream in self.grids}
                    check_paths({stream: Path(path) for stream, path in named.items() if path}, self.findings)
                origins = {stream: _origin(arrays[stream], f"{video}, stream {stream}") for stream in self.grids}
                values = {stream: _checked(arrays[stream], origin) for stream, origin in origins.items()}
                values = _evened(_origin(arrays[next(iter(self.grids))], video), values, self.grids, self.uneven_t)
                for stream, origin in origins.items():
                    _check_width(origin, values[stream], dims.setdefault(stream, values[stream].shape[1]))
                    self.lengths.setdefault(stream, {})[video] = (len(values[stream]), origin)
                self.streams.see(video, values)
                yield video, values

    def finish(self, hashes: Hashes) -> None:
        """Take down what only all videos together show, and how well features cover them."""
        for stream, grid in self.grids.items():
            self._check_lengths(stream, grid)
        self.streams.finish(hashes, self.subsets)

    def look(self, items: Iterable[tuple[str, Arrays]]) -> None:
        """All of it, and nothing is written."""
        hashed = {v: {s: hashlib.sha256(x.tobytes()).hexdigest() for s, x in found.items()} for v, found in self.good(items)}
        self.finish(hashed)

    def _annotated(self, items: Iterable[tuple[str, Arrays]]) -> Iterator[tuple[str, Arrays]]:
        """The items of annotated videos; one that is missing at the end is a fault."""
        missing = dict.fromkeys(self.subsets)
        total = len(missing)
        with self.findings.gathering():  # a file that cannot be read ends the rest
            for video, arrays in items:
                if video in missing:
                    yield video, arrays
                    del missing[video]
                    progress.report("features", total - len(missing), total)
            if missing:
                more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
                self.findings.fault(
                    f"annotated video {next(iter(missing))}{more} has no features", "add them or `exclude` the video"
                )

    def _check_lengths(self, stream: str, grid: TimeGrid) -> None:
        """The snippets of a stream cover the videos, on a grid that is the right one."""
        lengths = {video: one for video, one in self.lengths.get(stream, {}).items() if video not in self.overrun}
        length_s = {video.id: video.duration_s for video in self.annotations.videos}
        whole = {video: (t, length_s[video]) for video, (t, _) in lengths.items() if not self.warnings.get(video)}
        if math.isfinite(self.slack_s) and check_grid(stream, whole, grid, self.findings):
            return
        last_s: dict[str, float] = {}  # last annotated second of each video
        for segment in self.annotations.segments:
            last_s[segment.video] = max(segment.end_s, last_s.get(segment.video, 0.0))
        for video, (snippets_t, origin) in lengths.items():
            with self.findings.gathering():
                faults = self.warnings.get(video, ())
                _check_coverage(origin, snippets_t, grid, last_s.get(video, 0.0), length_s[video], self.slack_s, faults)


def import_features(
    items: Iterable[tuple[str, Arrays]],  # (video, its features), each once read
    grids: Grids,
    annotations: Annotations,
    out: Path,
    *,
    backbone: str,  # what made the features; only recorded
    slack_s: float,
    overrun: Collection[str] = (),
    uneven_t: int = 0,
    warnings: Mapping[str, Sequence[str]] = MappingProxyType({}),
    extracted: bool = False,
) -> Manifest:
    """Check the features of every annotated video and write the store `out`, all of it or nothing; -> its manifest.

    `Import` says what the other arguments are.

    Raises:
        UserError: features are missing, damaged, of several widths, do not fit the time grid or the annotations, or are what
            a check refuses; the sentence says all.
    """
    checked = Import(grids, annotations, slack_s, overrun, uneven_t, warnings, extracted)
    with files.fresh(out) as fresh:
        with system_errors(fresh):
            fresh.mkdir()
        made = _write(checked, items, fresh, backbone)
    log.info("%s: %d videos, streams %s", out, len(made.videos), {stream: form.dim for stream, form in made.streams.items()})
    return made


def _write(checked: Import, items: Iterable[tuple[str, Arrays]], folder: Path, backbone: str) -> Manifest:
    """Write the arrays of all videos, then the manifest."""
    grown: dict[str, StreamFile] = {}
    rows: dict[str, dict[str, Rows]] = {}
    with ExitStack() as stack:
        for video, arrays in checked.good(items):
            for stream, x in arrays.items():
                if stream not in grown:
                    file = StreamFile(manifest.array_file(folder, stream), x.shape[1], x.dtype)
                    grown[stream] = stack.enter_context(closing(file))
                grown[stream].append(video, x)
        for stream, file in grown.items():
            file.finish()
            for video, of_video in file.rows.items():
                rows.setdefault(video, {})[stream] = of_video
    checked.finish({video: {stream: one.sha256 for stream, one in of_video.items()} for video, of_video in rows.items()})
    checked.findings.refuse()
    streams = {stream: file.format for stream, file in grown.items()}
    noted = {video: list(checked.warnings[video]) for video in rows if checked.warnings.get(video)}
    grids = dict(checked.grids)
    made = Manifest(
        backbone=backbone, grids=grids, streams=streams, videos=rows, warnings=noted, notes=[*checked.findings.notes]
    )
    manifest.write(made, folder)
    return made


def _origin(array: np.ndarray, what: str) -> str:
    """How a sentence names an array: its file where it has one of its own."""
    path = getattr(array, "filename", None)
    return f"{path} ({what})" if path else f"features of {what}"


def _checked(array: np.ndarray, where: str) -> np.ndarray:
    """(T, D) little-endian float16 or float32, every entry finite."""
    if array.dtype.kind != "f":
        raise UserError(f"{where}: entries are {array.dtype}, not floats; save the features as float16 or float32.")
    if array.ndim != 2 or 0 in array.shape:
        raise UserError(f"{where}: the shape is {array.shape}; save one row of features per snippet, (T, D).")
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(array, dtype="<f2" if array.dtype.itemsize == 2 else "<f4")
    good = np.isfinite(values).all(axis=1)
    if not good.all():
        raise UserError(f"{where}: snippet {np.argmin(good)} holds NaN or infinity; extract the video again.")
    return values


def _evened(video: str, values: dict[str, np.ndarray], grids: Grids, uneven_t: int) -> dict[str, np.ndarray]:
    """One T over the streams of each grid; what the longer ones have at their end, up to `uneven_t` snippets, goes."""
    shortest = {}
    for grid in grids.values():
        lengths = {stream: len(x) for stream, x in values.items() if grids[stream] == grid}
        shortest[grid] = min(lengths.values())
        if max(lengths.values()) - shortest[grid] > uneven_t:
            raise UserError(
                f"{video}: streams differ in their number of snippets ({lengths}); extract them on one grid, or give each "
                "its own under `grids` in params.yaml, or allow a small difference there by `uneven_t`."
            )
    return {stream: x[: shortest[grids[stream]]] for stream, x in values.items()}


def _check_width(origin: str, values: np.ndarray, dim: int) -> None:
    """One D over the videos of a stream."""
    if values.shape[1] != dim:
        raise UserError(
            f"{origin}: {values.shape[1]} features a snippet, videos before it have {dim}; extract all videos with one "
            "backbone."
        )


def _check_coverage(
    video: str, snippets_t: int, grid: TimeGrid, last_s: float, duration_s: float, slack_s: float, faults: Sequence[str]
) -> None:
    """The snippets reach to the last annotated second, but for `slack_s`, and cover about as much as the video lasts."""
    covered_s = grid.coverage_s(snippets_t)
    damage = f"its file ends early or is damaged: {'; '.join(faults)}; replace it or `exclude` the video." if faults else None
    if not duration_s / GRID_ERROR - slack_s <= covered_s <= duration_s * GRID_ERROR + slack_s:
        cure = damage or (
            "mend fps, stride_f or window_f of `grid` (or the stream's own under `grids`) in params.yaml, the duration, or "
            "`exclude` the video."
        )
        raise UserError(f"{video}: {snippets_t} snippets cover {covered_s:.2f} s of a video of {duration_s:.2f} s; {cure}")
    if last_s > covered_s + slack_s:
        cure = damage or "mend `grid` in params.yaml, extract the whole video, or `exclude` it."
        raise UserError(
            f"{video}: {snippets_t} snippets cover {covered_s:.2f} s, but a segment reaches {last_s:.2f} s, more than "
            f"slack_s = {slack_s} later; {cure}"
        )
