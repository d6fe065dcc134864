"""How fast the pieces are, beside the straightforward way in the same run: reports/benchmarks/<group>.json, a file a group.

    python scripts/bench.py                      # every group that a CPU measures, each in a process of its own: `make bench`
    python scripts/bench.py evaluation --quick   # one group, on little
    python scripts/bench.py gpu                  # training, networks, flow and extraction on a GPU: `make bench-gpu`

A group is a function below that yields rows, wstal/report/benchmarks.py; notebooks/07_speed.ipynb draws all files.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT | {"WSTAL_DEVICE": os.environ.get("WSTAL_DEVICE", "cpu")})

import msgspec
import numpy as np
import torch
from benchmark_evaluate import plain_loop, problem
from benchmark_training import released, thumos

from wstal.app import intervals
from wstal.app.intervals import Shown
from wstal.base.paths import ROOT
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections, VideoScores
from wstal.config import parameters, resolve
from wstal.data.bags import Batch
from wstal.data.sampling import perturb
from wstal.detect.localize import localize
from wstal.evaluation.evaluate import PROTOCOLS, evaluate
from wstal.report.benchmarks import BenchmarkRow, Measured, measured
from wstal.training.parts import CALLS, partition, scored
from wstal.training.train import Trainer

OUT = ROOT / "reports" / "benchmarks"
GPU_S = {"benchmark_training.py": 240, "benchmark_networks.py": 120}  # after which no row begins; a row lasts 40 s at most


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Of the processor, which a busy machine changes little, in the fastest of some runs."""
    taken = []
    for _ in range(repeats):
        begin = process_time()
        work()
        taken.append(process_time() - begin)
    return min(taken)


def peak_mb() -> float:
    """Memory of this process at its largest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def multiplies_a_second() -> float:
    """Multiply-adds of float32 that one core makes, in a product of large matrices."""
    a = torch.rand(768, 768)
    return float(768**3 / seconds(lambda: a @ a, 5))


def bytes_a_second() -> float:
    """Bytes that one core copies."""
    a = np.ones(2**24)
    return 2 * a.nbytes / seconds(a.copy, 5)


def evaluation(quick: bool) -> Iterator[BenchmarkRow]:
    """mAP at ten tIoUs, and a loop over sorted detections."""
    protocol, rate = PROTOCOLS["activitynet"], bytes_a_second()
    for count in (2_000,) if quick else (200_000, 1_000_000):
        task = problem(count, videos=40 if quick else 4_000, classes=100, seed=0)
        columns = (task[1].video, task[1].label, task[1].start_s, task[1].end_s, task[1].score)
        ours = seconds(partial(evaluate, *task, protocol, protocol.tious))
        plain = seconds(partial(plain_loop, *task, protocol.tious), 1)
        yield BenchmarkRow(
            group="evaluation", work=f"{count:,} detections, 100 classes, 10 tIoUs", unit="s", ours=ours, plain=plain,
            way="a loop over sorted detections", floor=sum(c.nbytes for c in columns) / rate, memory_mb=peak_mb(),
        )  # fmt: skip


def choice(quick: bool) -> Iterator[BenchmarkRow]:
    """The detections that people see: the best that do not overlap."""
    rng, count = np.random.default_rng(0), 300 if quick else 10_000
    start, none = rng.uniform(0, count, count), np.zeros(count, np.int32)
    found = Detections(("v",), ("c",), none, none, start, start + 0.5, rng.uniform(0.5, 1, count))

    def one_by_one() -> list[int]:
        kept: list[int] = []
        for row in np.argsort(-found.score):
            if all(found.end_s[row] <= found.start_s[k] or found.end_s[k] <= found.start_s[row] for k in kept):
                kept.append(row)
        return kept

    ours = seconds(lambda: intervals.apart(found, Shown(least=0.1)))
    yield BenchmarkRow(
        group="choice", work=f"{count:,} detections of a class in a video", unit="s", ours=ours, plain=seconds(one_by_one, 1),
        way="each held against all that were kept", memory_mb=peak_mb(),
    )  # fmt: skip


def sampling(quick: bool) -> Iterator[BenchmarkRow]:
    """Snippets of 64 steps of 16 videos, drawn ahead, and one after the other."""
    rng = np.random.default_rng(0)
    lengths, count = rng.integers(100, 1_000, 64 if quick else 1_024), 750

    def one_by_one() -> None:
        for length in lengths:
            ends = [int(i * length / count) for i in range(count)]
            highs = [*ends[1:], length - 1]
            [rng.integers(low, high, endpoint=True) if low < high else low for low, high in zip(ends, highs, strict=True)]

    ours = seconds(lambda: perturb(lengths, count, lambda low, high: rng.integers(low, high, endpoint=True)))
    yield BenchmarkRow(
        group="sampling", work=f"{count} snippets of {len(lengths):,} videos", unit="s", ours=ours,
        plain=seconds(one_by_one, 1), way="one number at a time", floor=len(lengths) * count * 8 / bytes_a_second(),
        memory_mb=peak_mb(),
    )  # fmt: skip


def training(quick: bool) -> Iterator[BenchmarkRow]:
    """A step at THUMOS14's size: in parts of nearly equal length, as one padded batch, and video by video."""
    rate = multiplies_a_second()
    for method in ("facnet",) if quick else ("facnet", "um", "basnet", "wtalc"):
        preset = released(method)
        bags = thumos(next(iter(preset.networks.values())), *((12, 16) if quick else ()))
        trainer = Trainer(preset, bags, 0)
        weights, drawn = sum(p.numel() for p in trainer.model.parameters()), next(trainer.draws())
        ways = {
            "parts": partition(drawn.lengths, weights, CALLS),
            "one padded batch": [np.arange(len(drawn.lengths))],
            "video by video": list(np.arange(len(drawn.lengths))[:, None]),
        }
        taken = {name: seconds(partial(step, trainer, drawn, places), 1 if quick else 3) for name, places in ways.items()}
        for name in ("one padded batch", "video by video"):
            yield BenchmarkRow(
                group="training", unit="s", ours=taken["parts"], plain=taken[name], way=name,
                work=f"{method}, a step of {len(drawn.lengths)} videos of {drawn.lengths.mean():.0f} snippets",
                floor=3 * float(drawn.lengths.sum()) * weights / rate, memory_mb=peak_mb(),
            )  # fmt: skip


def step(trainer: Trainer, drawn: Any, places: list[np.ndarray]) -> None:
    """One step of the optimizer on bags in these parts."""
    parts: list[Batch] = [trainer.bags.gather(drawn.take(part)) for part in places]
    trainer.update(scored(trainer.model, parts, np.concatenate(places)), torch.tensor(0.0))


def localization(quick: bool) -> Iterator[BenchmarkRow]:
    """FAC-Net's post-processing of more and more videos, of which 50 differ, and the evaluation of what it finds."""
    rng, snippets, classes = np.random.default_rng(0), 120, tuple(f"c{k:02d}" for k in range(20))
    settings = resolve.rows(parameters.load(), "facnet_table1")["full"].localize
    grid, made = TimeGrid(fps=25.0, stride_f=16, window_f=16), []
    for _ in range(50):
        smooth = np.apply_along_axis(np.convolve, 0, rng.normal(size=(snippets, 20)), np.ones(5) / 5, "same")
        activation = 1 / (1 + np.exp(-4 * smooth))
        made.append(VideoScores(activation, np.eye(20)[rng.integers(20)], activation.max(1), smooth))
    length_s = float(grid.seconds(np.array([snippets]))[0])
    for videos in (20, 200) if quick else (400, 4_000, 40_000):
        names = [f"v{i:06d}" for i in range(videos)]
        scores = {"rgb": {name: made[i % 50] for i, name in enumerate(names)}}
        durations_s = dict.fromkeys(names, length_s)
        ours = seconds(partial(localize, scores, classes, durations_s, grid, settings), 1)
        yield BenchmarkRow(
            group="localization", work=f"{videos:,} videos of {snippets} snippets", unit="s", ours=ours, memory_mb=peak_mb(),
            size=videos,
        )  # fmt: skip
        task = problem(20 * videos, videos=videos, classes=20, seed=0)
        ours = seconds(partial(evaluate, *task, PROTOCOLS["activitynet"], (0.3, 0.5, 0.7)), 1)
        yield BenchmarkRow(
            group="evaluation of 20 detections a video", work=f"{videos:,} videos", unit="s", ours=ours, memory_mb=peak_mb(),
            size=videos,
        )  # fmt: skip


def gpu(quick: bool) -> Iterator[BenchmarkRow]:
    """What the benchmarks of a GPU find, one after the other, within 8 minutes."""
    with tempfile.TemporaryDirectory() as folder:
        for script, budget_s in GPU_S.items():
            out = Path(folder, script).with_suffix(".json")
            command = [sys.executable, str(Path(__file__).with_name(script)), "--out", str(out), "--budget", str(budget_s)]
            environment = os.environ | {"PYTHONPATH": str(ROOT), "WSTAL_DEVICE": "cuda"}
            subprocess.run(command, check=False, env=environment)
            if out.is_file():
                yield from measured(json.loads(out.read_text()), out).rows


GROUPS: dict[str, Callable[[bool], Iterator[BenchmarkRow]]] = {
    group.__name__: group for group in (evaluation, choice, sampling, training, localization)
}


def machine(name: str) -> str:
    """The processor or the GPU, and the versions that matter."""
    if name == "gpu":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, one core, Python {platform.python_version()}, torch {torch.__version__}"


def write(name: str, quick: bool, out: Path) -> None:
    """Measure a group, print its rows and write them."""
    torch.set_num_threads(1)
    rows = []
    for row in (gpu if name == "gpu" else GROUPS[name])(quick):
        rows.append(row)
        beside = "" if row.ratio is None else f"; {row.way}: {row.plain:.4g}, {row.ratio:.3g} times as fast"
        print(f"{row.group}: {row.work}: {row.ours:.4g} {row.unit}{beside}", flush=True)
    out.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(Measured(machine(name), tuple(rows))))
    (out / f"{name}.json").write_bytes(text + b"\n")


def main() -> None:
    """Measure one group, or each in a process of its own."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("group", nargs="?", choices=[*GROUPS, "gpu"])
    options.add_argument("--quick", action="store_true", help="on little, to see that it works")
    options.add_argument("--out", type=Path, default=OUT)
    given = options.parse_args()
    if given.group == "gpu" and not torch.cuda.is_available():
        raise SystemExit("the group gpu needs a GPU, and torch sees no CUDA device.")
    if given.group:
        return write(given.group, given.quick, given.out)
    for name in GROUPS:
        command = [sys.executable, __file__, name, "--out", str(given.out), *["--quick"][: given.quick]]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
