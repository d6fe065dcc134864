"""Pairs a second of TV-L1 and its distance from OpenCV's, where opencv-contrib-python-headless is installed.

python scripts/benchmark_flow.py [VIDEO ...] [--pairs 12] [--threads 1 2] [--size 340 256] [--device cuda]

Pairs are spread over the videos; without any, or without OpenCV, which decodes them, they are a drifting texture. On the
CPU both take a few pairs in turn, so that other load on the machine meets both; seconds of CPU time a pair say more there.
On a GPU the pairs are neighbours, as in extraction, and go in blocks of its size, after one to warm up: give it thousands. One
cut from shot to shot in a block takes all the iterations that there are, so films with cuts are the measure.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from wstal.features.pixels.flow import tvl1
from wstal.features.pixels.motion import at_once
from wstal.features.pixels.tvl1 import OPENCV

try:
    import cv2
except ImportError:
    cv2 = None


def video_pairs(path: Path, count: int, size: tuple[int, int], spread: bool) -> np.ndarray:
    """(N, 2, H, W) uint8: neighbouring grey frames, resized to `size` (W, H), spread over the film or its first ones."""
    video = cv2.VideoCapture(str(path))
    frames = []
    while (read := video.read())[0]:
        frames.append(cv2.resize(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA))
    count = min(count, len(frames) - 1)
    starts = np.linspace(0, len(frames) - 2, count).astype(int) if spread else range(count)
    return np.stack([frames[start : start + 2] for start in starts])


def texture_pairs(count: int, size: tuple[int, int]) -> np.ndarray:
    """(N, 2, H, W) uint8: a smooth random texture that drifts by a pixel or two, and noise."""
    rng = np.random.default_rng(0)
    (width, height), k = size, np.fft.fftfreq(512)
    spectrum = np.fft.fft2(rng.normal(size=(512, 512))) / (1e-4 + k**2 + k[:, None] ** 2)
    texture = np.fft.ifft2(spectrum).real
    texture = 128 + 50 * (texture - texture.mean()) / texture.std()
    shifts = rng.integers(-2, 3, (count, 2))
    pairs = [[texture[:height, :width], np.roll(texture, shift, (0, 1))[:height, :width]] for shift in shifts]
    return (np.array(pairs) + rng.normal(0, 2, (count, 2, height, width))).clip(0, 255).astype(np.uint8)


def ours(pairs: np.ndarray, device: str) -> np.ndarray:
    """Flow (N, 2, H, W) in pixels of pairs (N, 2, H, W)."""
    frames = torch.from_numpy(pairs).to(device)
    return tvl1(frames[:, 0], frames[:, 1], settings=OPENCV).cpu().numpy()


def opencv(pairs: np.ndarray) -> np.ndarray:
    """Flow (N, 2, H, W) in pixels of pairs (N, 2, H, W), as OpenCV computes it."""
    flow = [cv2.optflow.DualTVL1OpticalFlow_create().calc(first, second, None) for first, second in pairs]
    return np.stack(flow).transpose(0, 3, 1, 2)


class Timed:
    """A function of pairs (N, 2, H, W) that adds up the time of its calls."""

    def __init__(self, name: str, function: Callable[[np.ndarray], np.ndarray]):
        self.name, self.function, self.pairs, self.wall_s, self.cpu_s = name, function, 0, 0.0, 0.0

    def __call__(self, pairs: np.ndarray) -> np.ndarray:
        """What the function makes of pairs (N, 2, H, W)."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        flow = self.function(pairs)
        self.pairs += len(pairs)
        self.wall_s += time.perf_counter() - wall_s
        self.cpu_s += time.process_time() - cpu_s
        return flow

    def report(self) -> None:
        """Print pairs a second, and seconds of CPU time a pair."""
        print(f"{self.name:24} {self.pairs / self.wall_s:9.2f} pairs/s {self.cpu_s / self.pairs:8.3f} CPU s a pair")


def compare(pairs: np.ndarray, threads: int) -> None:
    """Time both on the CPU, a few of the pairs (N, 2, H, W) in turn, and print their end-point difference in pixels."""
    torch.set_num_threads(threads)
    mine, theirs, distances = Timed(f"wstal, {threads} threads", lambda pairs: ours(pairs, "cpu")), None, []
    if cv2:
        cv2.setNumThreads(threads)
        theirs = Timed(f"OpenCV, {threads} threads", opencv)
    mine.function(pairs[:1])  # load libraries
    for some in np.array_split(pairs, -(-len(pairs) // (2 * threads))):
        flow = mine(some)
        if theirs:
            distances.append(np.hypot(*(flow - theirs(some)).swapaxes(0, 1)))
    mine.report()
    if theirs:
        theirs.report()
        distance = np.concatenate(distances)
        percentiles = ", ".join(f"{q} %: {np.percentile(distance, q):.4f}" for q in (50, 95, 99, 99.9))
        worst = distance.mean((1, 2)).max()
        print(f"end-point difference: mean {distance.mean():.4f} px, of the worst pair {worst:.4f} px; {percentiles}")


def main() -> None:
    """Time the pairs of each video, or of a drifting texture, on the chosen device."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("videos", nargs="*", metavar="VIDEO", type=Path)
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--size", type=int, nargs=2, default=[340, 256], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for video in (options.videos if cv2 else None) or [None]:
        on_cpu, size = options.device == "cpu", options.size
        pairs = video_pairs(video, options.pairs, size, on_cpu) if video else texture_pairs(options.pairs, size)
        print(f"{video or 'drifting texture'}: {len(pairs)} pairs")
        if on_cpu:
            for threads in options.threads:
                compare(pairs, threads)
        else:
            block = at_once(torch.device(options.device), *size[::-1])
            ours(pairs[:block], options.device)
            on_device = Timed(f"wstal, {options.device}", lambda pairs: ours(pairs, options.device))
            for start in range(0, len(pairs), block):
                on_device(pairs[start : start + block])
            on_device.report()


if __name__ == "__main__":
    main()
