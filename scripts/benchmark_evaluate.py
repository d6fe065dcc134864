"""Time the evaluator against a plain Python loop, and the whole command line: `python scripts/benchmark_evaluate.py`."""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from timeit import repeat
from typing import Any

import numpy as np

from wstal.base.types import Detections, Truth
from wstal.detect.detections import write_json
from wstal.evaluation.evaluate import PROTOCOLS, evaluate

MEASURED = """import sys, time; begin = time.perf_counter()
from wstal.app.cli import main; main(sys.argv[1:])
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(time.perf_counter() - begin, int(peak) / 1024)"""


def problem(rows: int, *, videos: int, classes: int, seed: int) -> tuple[Truth, Detections]:
    """About two instances a video; half of the detections are jittered instances, the rest noise of any length."""
    rng = np.random.default_rng(seed)
    names, labels = tuple(f"v_{i:06d}" for i in range(videos)), tuple(f"class_{c:03d}" for c in range(classes))
    video = np.repeat(np.arange(videos, dtype=np.int32), rng.integers(1, 4, videos))
    label = np.where(rng.random(len(video)) < 0.9, video % classes, rng.integers(classes, size=len(video)))
    start = rng.uniform(0, 150, len(video))
    end, none, label = start + rng.uniform(2, 60, len(video)), np.empty(0), label.astype(np.int32)
    truth = Truth(names, labels, video, label, start, end, none.astype(np.int32), none, none)
    source = np.sort(rng.integers(len(video), size=rows))
    d_start = np.where(rng.random(rows) < 0.5, start[source] + rng.normal(0, 6, rows), rng.uniform(0, 150, rows))
    d_end = np.maximum(d_start + 0.5, end[source] + rng.normal(0, 6, rows))
    d_label = np.where(rng.random(rows) < 0.8, label[source], rng.integers(classes, size=rows)).astype(np.int32)
    return truth, Detections(names, labels, video[source], d_label, d_start, d_end, rng.random(rows))


def plain_loop(truth: Truth, detections: Detections, tious: Sequence[float]) -> np.ndarray:
    """mAP (K,) of the ActivityNet protocol by walking through the sorted detections, all thresholds on the way."""
    instances: dict[tuple[int, int], list[tuple[float, float, int]]] = defaultdict(list)
    hits: dict[tuple[int, int], list[bool]] = defaultdict(list)
    taken: set[tuple[int, int | None]] = set()
    for i, (v, c) in enumerate(zip(truth.video.tolist(), truth.label.tolist(), strict=True)):
        instances[v, c].append((float(truth.start_s[i]), float(truth.end_s[i]), i))
    d, order = detections, np.argsort(detections.score, kind="stable")[::-1]
    for v, c, s, e in zip(*(column[order].tolist() for column in (d.video, d.label, d.start_s, d.end_s)), strict=True):
        found = []
        for g_start, g_end, i in instances.get((v, c), ()):
            inter = max(min(e, g_end) - max(s, g_start), 0)
            found.append((inter / ((g_end - g_start) + (e - s) - inter), i))
        found.sort(reverse=True)
        for k, threshold in enumerate(tious):
            taker = next((i for tiou, i in found if tiou >= threshold and (k, i) not in taken), None)
            taken.add((k, taker))
            hits[k, c].append(taker is not None)
    ap: dict[int, list[float]] = defaultdict(list)
    for (k, c), hit in hits.items():
        precision = np.maximum.accumulate((np.cumsum(hit) / np.arange(1, len(hit) + 1))[::-1])[::-1]
        ap[k].append(precision[hit].sum() / max(int(np.count_nonzero(truth.label == c)), 1))
    return np.array([np.sum(ap[k]) for k in range(len(tious))]) / len(np.unique(truth.label))


def command_line(truth: Truth, detections: Detections) -> tuple[float, float]:
    """Seconds and peak memory in MB of `wstal evaluate` in a process of its own, imports and reading included."""
    database: dict[str, Any] = {video: {"subset": "validation", "annotations": []} for video in truth.videos}
    for v, c, *segment in zip(truth.video, truth.label, truth.start_s.tolist(), truth.end_s.tolist(), strict=True):
        database[truth.videos[v]]["annotations"].append({"label": truth.labels[c], "segment": segment})
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "truth.json"), Path(folder, "predictions.json")
        files[0].write_text(json.dumps({"database": database}))
        write_json(detections, files[1])
        command = [sys.executable, "-c", MEASURED, "evaluate", *map(str, files)]
        wall_s, peak_mb = map(float, subprocess.check_output(command, text=True).split()[-2:])
    return wall_s, peak_mb


if __name__ == "__main__":
    protocol = PROTOCOLS["activitynet"]
    print("detections  evaluate s  plain loop s  ratio  command line s  its peak MB")
    for rows in (200_000, 1_000_000):
        task = problem(rows, videos=4000, classes=100, seed=0)
        fast_s = min(repeat(partial(evaluate, *task, protocol, protocol.tious), number=1))
        loop_s = min(repeat(partial(plain_loop, *task, protocol.tious), number=1, repeat=1))
        cli_s, peak_mb = command_line(*task)
        print(f"{rows:10,d} {fast_s:11.3f} {loop_s:13.2f} {loop_s / fast_s:6.1f} {cli_s:15.2f} {peak_mb:12.0f}")
