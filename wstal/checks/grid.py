"""Whether features lie on the time grid that is stated, told from all videos together: what they cover against their lengths.

A right grid covers each video but for what is lost or added at its end, less than a snippet or two. Another frame rate or
stride makes one ratio of all of them, which no length of a single video shows: 24 for 25 frames a second is 0.96.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wstal.base.timegrid import TimeGrid
from wstal.checks.findings import Findings

FRAME_RATES = (8.0, 10.0, 12.0, 12.5, 15.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0)
STRIDES_F = (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 16, 20, 24, 25, 30, 32, 48, 64)
UNITS = 8.0  # a ratio beyond this is one of units: lengths in frames, milliseconds, or minutes
WRONG = 0.015  # a ratio further from 1 than this is another grid
DRIFT = 0.0004  # and one further than this may be: 29.97 for 30 is 0.001
NAMED = 2  # frame rates that a sentence names
FEWEST = 2  # videos that tell
SURE = 4.0  # standard errors that a ratio must be away from 1
BEYOND = 1.2  # ends of a right grid by which videos of one length must miss it
FITTING = 0.7  # share of the videos that must lie on the line
NOISE = 0.01  # share of its length that a video may lie off the line
OFFSET = 0.06  # share of the usual length that a line may miss them all by, as where windows are wider than strides
FAR = 0.1  # share of its length that a single video may miss
ROUNDED_S = 0.5  # by which lengths in whole seconds may be off
ROUNDS = 5  # of leaving out the videos that lie off it


@dataclass(frozen=True)
class LengthFit:
    """Features cover `ratio` times the length of a video, and `offset_s` more."""

    ratio: float
    offset_s: float
    error: float  # standard error of the ratio
    most_s: float  # offset that a grid may make
    fitting: np.ndarray  # (N,) bool: the videos that lie on it

    @property
    def certain(self) -> bool:
        """Whether it is one line for (nearly) all videos that a grid may make, and not a ratio of 1."""
        grid = self.ratio > 0 and abs(self.offset_s) <= self.most_s and self.fitting.mean() >= FITTING
        return bool(grid) and abs(self.ratio - 1) > max(SURE * self.error, DRIFT)


def check_grid(stream: str, lengths: Mapping[str, tuple[int, float]], grid: TimeGrid, findings: Findings) -> bool:
    """Find out whether all videos say that a stream lies on another grid than the one stated; -> whether it certainly does.

    lengths: {video: (snippets T, length of the video in seconds)}.
    """
    if not lengths:
        return False
    snippets, length_s = (np.array(column, dtype=np.float64) for column in zip(*lengths.values(), strict=True))
    line = fit((snippets - 1) * grid.stride_f / grid.fps + grid.window_f / grid.fps, length_s, grid)
    if len(lengths) < FEWEST or not line.certain:
        _check_single(stream, lengths, grid, findings)
        return False
    wrong = abs(line.ratio - 1) > WRONG
    likely = next(iter(rates(grid, line)), grid.fps * line.ratio) / grid.fps
    ratio = f"{likely:.2f}" if wrong and likely > 0.1 else f"{line.ratio:.4f}"
    count = f"all {len(lengths)} videos" if line.fitting.all() else f"{line.fitting.sum()} of {len(lengths)} videos"
    problem = f"features of stream {stream!r} cover about {ratio} times the length of {count} on the grid of {described(grid)}"
    cure = f"{fits(grid, line)} would fit: set it under `grid` (or the stream's own under `grids`) in params.yaml"
    if not 1 / UNITS < line.ratio < UNITS:
        cure = "give the durations in seconds, or mend `grid` (or the stream's own under `grids`) in params.yaml"
    findings.found("wrong grid" if wrong else "drifting grid", problem, cure)
    return wrong


def fit(covered_s: np.ndarray, length_s: np.ndarray, grid: TimeGrid) -> LengthFit:
    """The line through what features of N videos cover over their lengths, both (N,) seconds; videos off it have no say."""
    end_s = max(grid.stride_f, grid.window_f) / grid.fps  # what a right grid may lose or add at the end of a video
    ratio = np.sort(covered_s / length_s)[len(length_s) // 2]  # that of a video
    kept = np.abs(covered_s - ratio * length_s) <= 2 * _tolerance_s(length_s, end_s)
    for _ in range(ROUNDS):
        line = _line(covered_s, length_s, kept, grid.step_s, end_s)
        kept = line.fitting if line.fitting.any() else kept
    return line


def _tolerance_s(length_s: np.ndarray, end_s: float) -> np.ndarray:
    """How far videos may lie off their line, (N,) seconds."""
    return end_s + NOISE * length_s


def rates(grid: TimeGrid, line: LengthFit) -> list[float]:
    """The frame rates that a ratio speaks for, the likeliest first; of equally likely ones, whole numbers."""
    fps, error = grid.fps * line.ratio, 2 * line.error * grid.fps
    within = max(2 * error, 0.002 * fps)
    near = [rate for rate in FRAME_RATES if abs(rate - fps) <= within]
    if not near and abs((nearest := min(FRAME_RATES, key=lambda rate: abs(rate - fps))) / fps - 1) < WRONG:
        near = [nearest]
    return sorted(near, key=lambda rate: (round(abs(rate - fps) / max(error, 0.01)), rate % 1 > 0, abs(rate - fps)))[:NAMED]


def fits(grid: TimeGrid, line: LengthFit) -> str:
    """The frame rates and strides that a ratio speaks for."""
    stride_f = grid.stride_f / line.ratio
    within_f = max(0.02, SURE * line.error / line.ratio) * stride_f
    strides = [stride for stride in STRIDES_F if abs(stride - stride_f) < within_f and stride != grid.stride_f]
    strides = sorted(strides, key=lambda stride: abs(stride - stride_f))[:1]
    named = [*(f"fps {rate:g}" for rate in rates(grid, line)), *(f"stride_f {stride}" for stride in strides)]
    return " or ".join(named or [f"fps {grid.fps * line.ratio:.4g}"])


def described(grid: TimeGrid) -> str:
    """The grid in a sentence."""
    return f"fps {grid.fps:g}, stride_f {grid.stride_f}"


def _line(covered_s: np.ndarray, length_s: np.ndarray, kept: np.ndarray, step_s: float, end_s: float) -> LengthFit:
    """Least squares over the `kept` videos; where their lengths differ too little for a slope, a line without offset.

    Videos of one length that are covered alike count once: what is rounded in one is rounded in all of them.
    """
    x, y = np.unique(np.stack([length_s[kept], covered_s[kept]]), axis=1)
    middle_s = float(np.median(x))
    spread = np.sqrt(((x - x.mean()) ** 2).sum())
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread**2) if spread > 0 else 1.0
    noise_s = max(step_s / np.sqrt(12), 1.4826 * float(np.median(np.abs(y - y.mean() - slope * (x - x.mean())))))
    error = noise_s / spread if spread > 0 else np.inf
    offset_s = float(y.mean() - slope * x.mean())
    most_s = max(2 * end_s, OFFSET * middle_s) + 3 * error * middle_s
    ratio = float(np.median(y / x))
    if abs(slope - 1) <= SURE * error and abs(slope - ratio) <= SURE * error:  # no slope can be told from another
        ends_s = end_s + ROUNDED_S * bool((x == np.round(x)).all())
        slope, offset_s, error = ratio, 0.0, max(BEYOND * ends_s / middle_s, WRONG) / SURE
    off_s = np.abs(covered_s - slope * length_s - offset_s)
    return LengthFit(slope, offset_s, error, most_s, off_s <= _tolerance_s(length_s, end_s))


def _check_single(stream: str, lengths: Mapping[str, tuple[int, float]], grid: TimeGrid, findings: Findings) -> None:
    """Single videos that lie far off."""
    for video, (snippets_t, length_s) in lengths.items():
        covered_s = grid.coverage_s(snippets_t)
        if abs(covered_s - length_s) > max(FAR * length_s, 2 * max(grid.stride_f, grid.window_f) / grid.fps):
            times = f"{covered_s / length_s:.2f} times its length ({covered_s:.1f} s of {length_s:.1f} s)"
            cure = "look whether these are its features, made at that frame rate, or leave it out"
            findings.found("odd length", f"stream {stream!r} of video {video!r} covers {times}", cure)
