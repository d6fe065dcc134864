"""Extraction on a cluster, by Ray Data: the same code and the same parts as extract.py, on many machines.

    files --tasks on CPUs--> snippets --object store, bounded--> networks on GPUs --> the driver --> parts

Ray holds decoding back while networks are busy, and runs again what a lost machine had in hand; as the driver alone writes,
and a part is written when every snippet of its video is there, nothing is lost or there twice. Videos lie on a file system
that all machines see. Needs the extra `ray` (pip install -e ".[ray]"), and `ray.init` to have been called, or RAY_ADDRESS.
Afterwards `make_store` finds all parts there.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wstal.base import progress
from wstal.base.errors import MachineError, UserError
from wstal.features.extraction.extract import (
    ExtractionSummary,
    Extractor,
    VideoJob,
    check_grid,
    clips_of,
    full,
    missing,
    settle,
)
from wstal.features.extraction.partfiles import Parts
from wstal.features.pixels.decode import Footage

COLUMNS = ("video", "t", "data", "form", "note")  # of the rows that travel: a clip, a feature, or a note
Columns = dict[str, np.ndarray]
FLOW_SHARE = 0.1  # of a network's GPU that each file lends whose optical flow is computed
NETWORK_SHARE = 0.6  # what the network then keeps: too much for two on one GPU, and room for four files


def extract(
    videos: Mapping[str, Path], streams: Mapping[str, Extractor], parts: Path, *,
    batch: int,  # snippets that a network sees at once
    networks: int,  # how many copies of the network
    gpus: float,  # GPUs for each of them; 0 where there are none
) -> ExtractionSummary:  # fmt: skip
    """Bring `parts` up to date, as `wstal.features.extraction.extract.extract` does on one machine."""
    summary = ExtractionSummary()
    for name, stream in streams.items():
        check_grid(name, stream.clips, stream.grid)
        store = Parts(parts / name, stream.origin, stream.grid)
        todo = missing(sorted(videos), videos, store, summary)
        jobs = {video: VideoJob(video, Footage(videos[video]), store.sources(videos[video])) for video in todo}
        if jobs:
            rows = _pipeline(jobs, stream, batch, networks, gpus).iter_batches(batch_size=None, batch_format="numpy")
            for done, job in enumerate(assemble(rows, jobs), start=1):
                settle(job, store, summary)
                progress.report(f"extract {name}", done, len(todo))
    return summary


def _pipeline(jobs: Mapping[str, VideoJob], stream: Extractor, batch: int, networks: int, gpus: float) -> Any:
    """The rows of all jobs, as Ray will make them."""
    import ray.data  # here, as the extra may be missing where this file is only looked at

    files = [{"video": job.video, "file": str(job.footage.path)} for job in jobs.values()]
    lent = gpus * FLOW_SHARE if stream.prepare is not iter else 0.0  # optical flow is computed where a file is decoded
    decoded = ray.data.from_items(files, override_num_blocks=len(files)).map_batches(
        decode, batch_size=1, fn_args=(stream, batch), num_cpus=1, num_gpus=lent
    )
    return decoded.map_batches(
        Networks, batch_size=batch, fn_constructor_args=(stream, batch), concurrency=networks,
        num_gpus=gpus * (NETWORK_SHARE if lent else 1.0),
        num_cpus=0,  # or copies that move off a lost machine could take the last CPU from decoding, and both would wait
    )  # fmt: skip


def decode(item: Columns, stream: Extractor, batch: int) -> Iterator[Columns]:
    """One file -> its snippets, `batch` at a time, and a last row (t = -1) whose note says how it went."""
    video, footage = str(item["video"][0]), Footage(Path(str(item["file"][0])))
    held, count, failure = [], 0, ""
    try:
        for count, clip in enumerate(clips_of(footage, stream), start=1):
            held.append(_row(video, count - 1, clip))
            if len(held) == batch:
                yield _table(held)
                held = []
    except MachineError:
        raise
    except UserError as error:
        failure = str(error)
    note = json.dumps({"count": count, "failure": failure, "warnings": footage.warnings})
    yield _table([*held, {"video": video, "t": -1, "data": b"", "form": "", "note": note}])


class Networks:
    """The network, loaded once by each process that runs it."""

    def __init__(self, stream: Extractor, batch: int):
        self.network, self.batch = stream.load(), batch

    def __call__(self, table: Columns) -> Columns:
        """Rows with clips -> rows with features; notes pass through."""
        rows = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
        clips = [_array(row) for row in rows if row["t"] >= 0]
        features = iter(self.network(full(clips, self.batch)) if clips else ())
        return _table([_row(row["video"], row["t"], next(features)) if row["t"] >= 0 else row for row in rows])


def _row(video: str, t: int, array: np.ndarray) -> dict:
    """An array as a row; bytes, as arrays of many shapes would not share a column."""
    array = torch.as_tensor(array).numpy(force=True)  # a clip of optical flow may lie on a GPU
    form = json.dumps([array.dtype.str, array.shape])
    return {"video": video, "t": t, "data": array.tobytes(), "form": form, "note": ""}


def _array(row: dict) -> np.ndarray:
    dtype, shape = json.loads(row["form"])
    return np.frombuffer(row["data"], dtype).reshape(shape)


def _table(rows: list[dict]) -> Columns:
    return {name: np.array([row[name] for row in rows], dtype=int if name == "t" else object) for name in COLUMNS}


def assemble(tables: Iterator[Columns], jobs: Mapping[str, VideoJob]) -> Iterator[VideoJob]:
    """Each job when all its rows have come, in whatever order and however often."""
    rows: dict[str, dict[int, np.ndarray]] = {video: {} for video in jobs}
    notes: dict[str, dict] = {}
    for table in tables:
        for values in zip(*(table[name] for name in COLUMNS), strict=True):
            row = dict(zip(COLUMNS, values, strict=True))
            video, t = row["video"], int(row["t"])
            if video not in rows:
                continue  # once more, after it was complete
            if t < 0:
                notes[video] = json.loads(row["note"])
            else:
                rows[video][t] = _array(row)
            if video in notes and len(rows[video]) == notes[video]["count"]:
                job, brought, note = jobs[video], rows.pop(video), notes[video]
                job.rows = [brought[i] for i in range(len(brought))]
                job.failure, job.footage.warnings = note["failure"] or None, note["warnings"]
                yield job
