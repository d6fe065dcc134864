"""Seconds of training on a GPU at THUMOS14's size, every method at its released settings: modes `reproducible` and `fast`.

    python scripts/benchmark_training.py [--methods facnet,um] [--seeds 3] [--steps 150] [--out FILE.json]

Features are random: 200 videos of THUMOS14's lengths, 1024 wide and a stream. `fast` trains all seeds and streams of a method
side by side, for so many steps of each, from which all steps are told; the first steps, in which graphs are made, count apart.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT)

import msgspec
import numpy as np
import torch

from wstal import methods
from wstal.base.conversion import merge
from wstal.base.seeding import device
from wstal.base.timegrid import TimeGrid
from wstal.config import parameters
from wstal.config.settings import Settings, settings
from wstal.data.bags import Bags
from wstal.data.store import ArrayStore
from wstal.training import together
from wstal.training.train import fit

VIDEOS, CLASSES, WIDTH, MEDIAN_T, SPREAD, LONGEST_T = 200, 20, 1024, 250, 0.6, 1500


class Stop(Exception):
    """Enough steps."""


def thumos(streams: Sequence[str], videos: int = VIDEOS, width: int = WIDTH) -> Bags:
    """Random features and labels of THUMOS14's size, or of fewer videos and narrower features."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(np.log(MEDIAN_T), SPREAD, videos), 30, LONGEST_T).astype(int)
    labels = np.eye(CLASSES, dtype=np.float32)[rng.integers(CLASSES, size=videos)]
    labels[rng.random(videos) < 0.15, rng.integers(CLASSES)] = 1
    noise = np.abs(rng.normal(size=(LONGEST_T, width))).astype(np.float16)
    arrays = {str(i): {stream: np.roll(noise, i, axis=1)[:length] for stream in streams} for i, length in enumerate(lengths)}
    grid = TimeGrid(fps=25.0, stride_f=16, window_f=16)
    return Bags(ArrayStore(arrays, dict.fromkeys(streams, grid)), streams, tuple(arrays), labels)


def released(method: str) -> Settings:
    """Settings of a method's default preset."""
    raw = parameters.read()
    section = raw["methods"][method]
    named = {"method": method, "preset": section["preset"], "streams": ["rgb", "flow"]}
    return settings(merge(raw["defaults"], section["base"], section["presets"][section["preset"]], named), method)


class Clock:
    """Times of steps, on a device that has finished them."""

    def __init__(self, first: int, last: int):
        self.first, self.last, self.begun, self.ended = first, last, 0.0, 0.0

    def __call__(self, done: int, total: int, loss: Callable[[], float]) -> None:
        """A step ended."""
        if done == self.first:
            torch.cuda.synchronize()
            self.begun = time.perf_counter()
        if done == self.last:
            torch.cuda.synchronize()
            self.ended = time.perf_counter()
            raise Stop


def plain_ms(preset: Settings, bags: Bags) -> float:
    """Milliseconds of a step of mode `reproducible`."""
    clock = Clock(3, 13)
    try:
        fit(preset, bags, 0, clock)
    except Stop:
        pass
    return (clock.ended - clock.begun) / 10 * 1e3


def together_s(preset: Settings, networks: Sequence[Bags], seeds: int, steps: int) -> tuple[float, float]:
    """Seconds of mode `fast` until graphs are made, and of a step of all networks after that."""
    warm = steps // 2
    clock = Clock(warm, steps)
    torch.cuda.synchronize()
    start = time.perf_counter()
    jobs = [together.Job(preset, bags, seed, lambda *told: None) for seed in range(seeds) for bags in networks]
    jobs[-1] = jobs[-1]._replace(step=clock)
    try:
        for _ in together.fit_all(jobs):
            pass
    except Stop:
        pass
    return clock.begun - start, (clock.ended - clock.begun) / (steps - warm)


def row(method: str, seeds: int, steps: int) -> dict[str, float | str]:
    """The figures of a method."""
    preset = released(method)
    networks = [thumos(streams) for streams in preset.networks.values()]
    training, members = preset.training, seeds * len(networks)
    total = training.epochs * VIDEOS // training.batch_videos
    torch.cuda.reset_peak_memory_stats()
    plain = plain_ms(preset, networks[0])
    warm, each = together_s(preset, networks, seeds, min(steps, total))
    return {
        "method": method,
        "steps": total,
        "networks": members,
        "reproducible_ms_a_step": plain,
        "reproducible_s": plain * total * members / 1e3,
        "fast_ms_a_step": each / members * 1e3,
        "fast_first_s": warm,
        "fast_s": each * total + max(0.0, warm - each * (min(steps, total) // 2)),
        "memory_gb": torch.cuda.max_memory_allocated() / 2**30,
    }


def main() -> None:
    """Print a line a method and write all."""
    options = argparse.ArgumentParser()
    options.add_argument("--methods", default=",".join(methods.names()))
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--steps", type=int, default=150)
    options.add_argument("--budget", type=float, default=float("inf"), help="seconds after which no method begins")
    options.add_argument("--out", type=Path, default=Path("reports/benchmarks/training_gpu.json"))
    args = options.parse_args()
    if device().type != "cuda":
        raise SystemExit("benchmark_training.py measures a GPU, and there is none; torch sees no CUDA device.")
    machine, rows = f"{torch.cuda.get_device_name()}, torch {torch.__version__}", []
    print(machine)
    begin = time.perf_counter()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    for method in args.methods.split(","):
        if time.perf_counter() - begin > args.budget:
            print(f"{method} and those after it are left out: {args.budget:.0f} s have passed")
            break
        rows.append(row(method, args.seeds, args.steps))
        print(
            ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in rows[-1].items()
            ),
            flush=True,
        )
        torch.cuda.empty_cache()
        args.out.write_bytes(msgspec.json.format(msgspec.json.encode({"machine": machine, "rows": rows})) + b"\n")


if __name__ == "__main__":
    main()
