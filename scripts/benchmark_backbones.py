"""Snippets a second of every backbone.

python scripts/benchmark_backbones.py [BACKBONE ...] [--batch 8] [--peak TFLOPS]

On a GPU also the share of the chip's peak that multiply-adds reach. Weights are arbitrary; decoding is not part of it.
On a CPU, OMP_NUM_THREADS says how many threads run, and seconds are those of one of them at work, whatever else is running.
"""

import argparse
import re
import resource
from functools import partial
from time import perf_counter, process_time

import torch

from wstal.base.extraction import Speed
from wstal.features.backbones import registry
from wstal.features.backbones.embed import embedder
from wstal.features.backbones.registry import Backbone
from wstal.report.network_cost import cost

PEAK_TFLOPS = {  # data sheets: dense products of 16-bit floats, summed in 32 bits
    "B200": 2250, "H200": 989, "H100 PCIe": 756, "H100": 989, "A100": 312, "L40S": 362, "L40": 181, "L4": 121, "A10": 125,
    "V100": 125, "T4": 65, "RTX 4090": 165, "RTX 3090": 71,
}  # fmt: skip
way = partial(Speed, precision="float32", channels_last=True, fold=True, compile=False)
CPU = {
    "plain": way(channels_last=False, fold=False),
    "channels last": way(fold=False),
    "folded": way(channels_last=False),
    "both": way(),
    "both in bfloat16": way(precision="bfloat16"),
}
GPU = {
    "float32": way(),
    "float16": way(precision="float16"),
    "bfloat16": way(precision="bfloat16"),
    "bfloat16 channels first": way(precision="bfloat16", channels_last=False),
    "bfloat16 compiled": way(precision="bfloat16", compile=True),
}


def seconds(backbone: Backbone, speed: Speed, device: torch.device, batch: int, runs: int) -> float:
    """Seconds of the fastest of `runs` batches, the first one, which warms up, left out."""
    embed = embedder(backbone, backbone.build(400), speed, device)
    channels, frames, height, width = backbone.clip
    clips = torch.randint(0, 256, (batch, frames, height, width, channels), dtype=torch.uint8, device=device)
    clips = clips.permute(0, 4, 1, 2, 3)  # as extraction stacks them
    clock, threads = (process_time, torch.get_num_threads()) if device.type == "cpu" else (perf_counter, 1)
    times = []
    for _ in range(runs + 1):
        begin = clock()
        embed(clips).sum().item()  # waits for the device
        times.append(clock() - begin)
    return min(times[1:]) / threads


def main() -> None:
    """Print a line for each backbone and way to run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backbones", nargs="*", default=[one.name for one in registry.every()])
    parser.add_argument("--batch", type=int, help="clips at once (64 on a GPU, 2 on a CPU)")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", help="comma-separated part of the ways to run, as named in the table")
    parser.add_argument("--peak", type=float, help="of the chip, in TFLOP/s, where its data sheet is not known here")
    chosen = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chip = torch.cuda.get_device_name() if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    ways = GPU if device.type == "cuda" else CPU
    ways = {name: ways[name] for name in (chosen.ways.split(",") if chosen.ways else ways)}
    peak = chosen.peak or next((tflops for name, tflops in PEAK_TFLOPS.items() if re.search(rf"\b{name}\b", chip)), None)
    batch = chosen.batch or (64 if device.type == "cuda" else 2)
    print(f"{chip}, {batch} clips at once\n{'backbone':24s} {'way':26s} {'clips/s':>8s} {'TFLOP/s':>8s} {'of peak':>8s}")
    for backbone in map(registry.load, chosen.backbones):
        flops = 2 * cost(backbone, 400, len(backbone.offsets), backbone.size).macs
        for name, speed in ways.items():
            rate = batch / seconds(backbone, speed, device, batch, chosen.runs)
            tflops = rate * flops / 1e12
            share = f"{tflops / peak:8.1%}" if peak else f"{'-':>8s}"
            print(f"{backbone.name:24s} {name:26s} {rate:8.2f} {tflops:8.3f} {share}", flush=True)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    used = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else peak_kb / 2**20
    print(f"peak memory of {'the GPU' if device.type == 'cuda' else 'this process'}: {used:.1f} GB")


if __name__ == "__main__":
    main()
