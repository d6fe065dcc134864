"""Networks, flow and extraction on a GPU, in one file of figures.

python scripts/benchmark_networks.py [--out FILE] [--budget SECONDS]

Networks: clips a second at 64 clips, plain in float16 as torch runs it, and fused in float16 and bfloat16; how far features lie
from those of the plain network in float32; the time of each kernel. Layers: each different convolution, and the slowest ones
with other tiles and by cuDNN. Flow: pairs a second of drawn films, from frames in the host's memory to 8-bit flow there.
Extraction: from files, end to end, and decoding alone. Weights are arbitrary. A row that fails says why, and the others go on.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, sleep, time
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from wstal.base.extraction import Speed
from wstal.base.paths import ROOT
from wstal.base.timegrid import TimeGrid
from wstal.datasets.clips.render import encode, pictures
from wstal.datasets.clips.storyboards import Source, Storyboard, storyboards
from wstal.features.backbones import embed, fused, registry
from wstal.features.backbones.registry import Backbone
from wstal.features.extraction.extract import Extractor, extract
from wstal.features.pixels.decode import Footage
from wstal.features.pixels.flow import quantize, tvl1
from wstal.features.pixels.motion import at_once, flow_images, luma
from wstal.features.pixels.tvl1 import OPENCV
from wstal.report.network_cost import cost

Precision = Literal["float32", "float16", "bfloat16"]
GOALS = {"i3d_rgb": 4000, "slowfast_r101": 1000, "csn_ir101": 1000, "tdn_r101": 1200, "vivit_b16x2": 800}  # clips a second
WAYS: tuple[tuple[Precision, Callable], ...] = (("float16", embed.fused), ("float16", embed.plain), ("bfloat16", embed.fused))
TRIED = ((128, 256, 8, 4), (128, 128, 8, 4), (256, 128, 8, 3), (256, 64, 8, 4))  # tiles: rows, columns, warps, stages
BATCH = 64
FEW = 8  # clips whose features are compared
DEVICE = torch.device("cuda")
TILED = tuple(map(str, range(len(TRIED))))
FILMS = Source(
    root="", seed=40, classes=["Bounce", "Swing", "JumpingJack", "Windmill"], train_videos=16, test_videos=1, fps=25,
    size=(340, 256), shots=(2, 3), action_s=(2.0, 5.0), rest_s=(1.2, 2.8), decoy=0.5, other=0.3, shake=0.012,
)  # fmt: skip
PATH = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
START = perf_counter()
RESULTS: dict = {}


def way(precision: Precision) -> Speed:
    """Channels last and folded."""
    return Speed(precision=precision, channels_last=True, fold=True, compile=False)


@contextmanager
def row(*names: str, budget_s: float = 0) -> Iterator[dict]:
    """A row of the results, printed when it is there; what fails is printed in full and does not stop the others."""
    place = RESULTS
    for name in names:
        place = place.setdefault(name, {})
    begin = perf_counter()
    try:
        if budget_s and begin - START > budget_s:
            raise TimeoutError(f"{begin - START:.0f} s have passed")
        yield place
    except Exception as error:
        place["error"] = f"{type(error).__name__}: {error}"[:300]
        traceback.print_exc()
    place["took_s"] = perf_counter() - begin
    print(f"[{perf_counter() - START:6.1f} s] {' '.join(names)}: {json.dumps(place, default=rounded)}", flush=True)
    torch.cuda.empty_cache()


def rounded(value: object) -> object:
    """Numbers of NumPy and torch for JSON."""
    return value.item() if hasattr(value, "item") else str(value)


def seconds(runs: int, run: Callable[..., object], *given: object) -> float:
    """Of one of `runs` runs on what is given, one after the other, after two that warm up."""
    run(*given)
    run(*given)
    torch.cuda.synchronize()
    begin = perf_counter()
    for _ in range(runs):
        run(*given)
    torch.cuda.synchronize()
    return (perf_counter() - begin) / runs


def network_of(backbone: Backbone) -> nn.Module:
    """The network with arbitrary weights under which values neither grow nor fade."""
    torch.manual_seed(0)
    network = backbone.build(400)
    for name, values in network.state_dict().items():
        if "norm" in name and values.is_floating_point() and backbone.name[:5] != "vivit":
            values.uniform_(0.1, 0.3) if ".branch.c." in name and name.endswith("weight") else values.uniform_(0.5, 1.5)
        elif name.endswith("conv.weight"):
            values.normal_(std=(2 / values[0].numel()) ** 0.5)
    return network


def clips_of(backbone: Backbone, count: int) -> Tensor:
    """Clips (N, C, T, H, W) uint8 as extraction stacks them, smooth in space."""
    channels, frames, height, width = backbone.clip
    generator = torch.Generator(DEVICE).manual_seed(1)
    small = torch.rand(count * frames, channels, height // 8, width // 8, device=DEVICE, generator=generator)
    large = nn.functional.interpolate(small, (height, width), mode="bilinear") * 255
    return large.to(torch.uint8).unflatten(0, (count, frames)).permute(0, 1, 3, 4, 2).contiguous().permute(0, 4, 1, 2, 3)


def measure(name: str, budget_s: float) -> None:
    """Rows of one network."""
    backbone = registry.load(name)
    tflop = 2e-12 * cost(backbone, 400, len(backbone.offsets), backbone.size).macs
    clips = clips_of(backbone, BATCH)
    with torch.no_grad():
        reference = embed.plain(backbone, network_of(backbone).to(DEVICE), way("float32"), DEVICE)(clips[:FEW])
        for precision, make in WAYS if name.startswith("vivit") else WAYS[:2]:
            with row("networks", name, f"{make.__name__} {precision}", budget_s=budget_s) as out:
                out |= {"goal": GOALS[name]} | one_way(backbone, precision, make, clips, reference)
                out["TFLOP/s"] = out["clips a second"] * tflop


def one_way(backbone: Backbone, precision: Precision, make: Callable, clips: Tensor, reference: Tensor) -> dict:
    """Speed, memory and features of a network run in one way."""
    torch.cuda.reset_peak_memory_stats()
    run = make(backbone, network_of(backbone).to(DEVICE), way(precision), DEVICE)
    difference = run(clips)[:FEW] - reference
    fast = make is embed.fused
    return {
        "largest difference": difference.abs().max().item(), "largest feature": reference.abs().max().item(),
        "relative difference": (difference.norm() / reference.norm()).item(),
        "clips a second": BATCH / seconds(8 if fast else 2, run, clips),
        "memory GB": torch.cuda.max_memory_allocated() / 2**30,
        "kernels": kernels(run.forward, clips) if fast and precision == "float16" else {},
    }  # fmt: skip


def kernels(run: Callable[..., object], *given: object) -> dict[str, str]:
    """Kernels by their share of the time of a run on what is given."""
    run(*given)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        run(*given)
        torch.cuda.synchronize()
    events = sorted(profile.key_averages(), key=lambda event: -event.self_device_time_total)
    total = sum(event.self_device_time_total for event in events)
    found = {
        e.key[:70]: f"{e.self_device_time_total / 1e3:.2f} ms {e.self_device_time_total / total:.1%} x{e.count}"
        for e in events[:10]
    }
    return found | {"all, ms": f"{total / 1e3:.1f}"}


def convolutions(name: str) -> dict[tuple, list[fused.Conv]]:
    """A network's convolutions by (shape of a clip's input, what is added, what else tells them apart)."""
    backbone = registry.load(name)
    seen: dict[tuple, list[fused.Conv]] = {}
    network = fused.fuse(backbone, network_of(backbone).to(DEVICE), torch.float16)

    def note(module: nn.Module, given: tuple, options: dict, made: Tensor) -> None:
        assert isinstance(module, fused.Conv)
        key = (tuple(fused.clip(given[0]).shape[1:]), len(given) > 1, module.out, module.kernel, module.step)
        if type(module) is fused.Conv:
            seen.setdefault(key, []).append(module)

    hooks = [m.register_forward_hook(note, with_kwargs=True) for m in network.modules() if isinstance(m, fused.Conv)]
    with torch.no_grad():
        network(torch.zeros(1, *backbone.clip, dtype=torch.float16, device=DEVICE))
    for hook in hooks:
        hook.remove()
    return seen


def layers(name: str, budget_s: float) -> None:
    """Milliseconds of each different convolution of a network, and of the five slowest done otherwise."""
    found = []
    for key, modules in convolutions(name).items():
        label = f"{key[0]} -> {key[2]} kernel {key[3]} step {key[4]}{' added' if key[1] else ''} x{len(modules)}"
        with row("layers", name, label, budget_s=budget_s) as result, torch.no_grad():
            result |= layer(modules[0], *inputs(modules[0], key))
            result["of all ms"] = result["ours ms"] * len(modules)
            found.append((result["of all ms"], label, key, modules[0]))
    for _, label, key, module in sorted(found, key=lambda one: -one[0])[:5]:
        with row("tiles", name, label, budget_s=budget_s) as result, torch.no_grad():
            result |= otherwise(module, *inputs(module, key))


def inputs(module: fused.Conv, key: tuple, count: int = BATCH) -> tuple[Tensor, Tensor | None]:
    """x of so many clips, and an addend where the network has one."""
    x = torch.randn(count, *key[0], device=DEVICE, dtype=torch.float16).contiguous(memory_format=torch.channels_last_3d)
    return x, torch.randn_like(module(x)) if key[1] else None


def layer(module: fused.Conv, x: Tensor, other: Tensor | None) -> dict[str, float]:
    """Time and rates of one convolution."""
    y = module(x)
    ours = 1e3 * seconds(4, module, x, other)
    taps = module.kernel[0] * module.kernel[1] * module.kernel[2]
    moved = x.numel() + y.numel() * (1 if other is None else 2)
    return {"ours ms": ours, "TFLOP/s": 2e-9 * y.numel() * x.shape[1] * taps / ours, "TB/s": 2e-9 * moved / ours}


def otherwise(module: fused.Conv, x: Tensor, other: Tensor | None) -> dict[str, float | str]:
    """Milliseconds of one convolution as it is, with other tiles, and by cuDNN without and with what follows."""
    from wstal.features.backbones import _kernels

    usual, wide, weight, refused = _kernels.tile, max(_kernels.TILES), module.weight, set(_kernels.refused)
    result: dict[str, float | str] = {"ours": 1e3 * seconds(4, module, x, other)}
    module.weight = nn.functional.pad(weight, (0, -weight.shape[1] % wide))
    module.bias, bias = nn.functional.pad(module.bias, (0, -len(module.bias) % wide)), module.bias
    for values in TRIED:
        try:
            _kernels.tile = partial(fixed, _kernels.Tile(*values))
            took = 1e3 * seconds(4, module, x, other)
            result[str(values)] = "refused" if _kernels.refused - refused else took
        except Exception as error:
            result[str(values)] = f"{type(error).__name__}: {error}"[:100]
        _kernels.refused.intersection_update(refused)
    _kernels.tile, module.weight, module.bias = usual, weight, bias
    plain = torch.randn(module.out, x.shape[1], *module.kernel, device=DEVICE) / 9
    plain = plain.half().contiguous(memory_format=torch.channels_last_3d)
    low, zeros = module.padding(x.shape[2:])[0], torch.zeros(module.out, device=DEVICE)

    def library() -> Tensor:
        z = nn.functional.conv3d(x, plain, None, module.step, low)
        return _kernels.finish(z, zeros, relu=True, other=other)

    result["cuDNN"] = 1e3 * seconds(4, nn.functional.conv3d, x, plain, None, module.step, low)
    return result | {"cuDNN and the rest": 1e3 * seconds(4, library)}


def fixed(value: Any, *_: object) -> Any:
    """`value`, whatever is asked."""
    return value


def draw(storyboard: Storyboard, path: Path) -> Path:
    """One film."""
    encode(pictures(storyboard, FILMS), FILMS, path)
    return path


def films(folder: Path, pool: ProcessPoolExecutor) -> list[Path]:
    """Drawn films, side by side."""
    jobs = [pool.submit(draw, storyboard, folder / f"{storyboard.id}.mp4") for storyboard in storyboards(FILMS)]
    return [job.result() for job in jobs]


def grey_frames(paths: list[Path]) -> Tensor:
    """Neighbouring grey frames (F, 256, 340) uint8 of films one after the other, pinned."""
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda path: torch.stack([luma(f) for f in Footage(path).frames(25, 256)]), paths))
    return torch.cat(parts).pin_memory()


def flow(paths: list[Path], budget_s: float) -> None:
    """Rows of TV-L1 on neighbouring frames of films."""
    from wstal.features.pixels import flow_triton

    frames = grey_frames(paths[:4])
    block = min(at_once(DEVICE, *frames.shape[1:]), len(frames) - 1)
    host = torch.empty(block, 2, *frames.shape[1:], dtype=torch.uint8, pin_memory=True)

    def run() -> None:
        grey = frames[: block + 1].to(DEVICE, non_blocking=True)
        host.copy_(quantize(tvl1(grey[:-1], grey[1:], settings=OPENCV)), non_blocking=True)

    counts: list[int] = []
    original = flow_triton.BatchSolver._step

    def counted(self: Any, steps: int) -> None:
        counts.append(len(self.active) * steps * self.shape[0] * self.shape[1])
        original(self, steps)

    setattr(flow_triton.BatchSolver, "_step", counted)  # noqa: B010
    with row("flow", "neighbouring frames of drawn films", budget_s=budget_s) as out:
        out["pairs"], out["frame"] = block, list(frames.shape[1:])
        took = seconds(3, run)
        out["pairs a second"], out["goal"] = block / took, 2000
        out["iterations of a pair, of the finest scale"] = sum(counts) / 5 / block / frames[0].numel()
        out["launches"] = len(counts) / 5
        out["kernels"] = kernels(run)
    with row("flow", "difference from the CPU", budget_s=budget_s) as out:
        pairs = frames[:20:5]
        ours = tvl1(pairs[:-1].to(DEVICE), pairs[1:].to(DEVICE), settings=OPENCV).cpu()
        theirs = tvl1(pairs[:-1], pairs[1:], settings=OPENCV)
        distance = (ours - theirs).norm(dim=1)
        out["mean px"], out["largest px"] = distance.mean().item(), distance.max().item()
    setattr(flow_triton.BatchSolver, "_step", original)  # noqa: B010


def steps_and_rows(paths: list[Path], budget_s: float) -> None:
    """TV-L1 with other numbers of iterations a kernel, and of rows a program."""
    from wstal.features.pixels import flow_triton

    frames = grey_frames(paths[:4]).to(DEVICE)
    block = min(at_once(DEVICE, *frames.shape[1:]), len(frames) - 1)
    constant = flow_triton.tl.constexpr
    for steps, rows in ((3, 64), (4, 64)):
        with row("flow", f"{steps} iterations a kernel, {rows} rows", budget_s=budget_s) as out:
            flow_triton.STEPS, flow_triton.COLUMNS, flow_triton.ROWS = steps, 64 - 2 * steps, rows
            flow_triton._STEPS, flow_triton._STRIP = constant(steps), constant(64 - 2 * steps)
            flow_triton._PART = constant(rows)
            for kernel in (flow_triton._iterate, flow_triton._median, flow_triton._walk, flow_triton._converged):
                kernel.device_caches.clear()
                kernel.hash = None
                kernel.used_global_vals.clear()
            took = seconds(2, lambda: tvl1(frames[:block], frames[1 : block + 1], settings=OPENCV))
            out["pairs a second"] = block / took


def from_files(paths: list[Path], processes: ProcessPoolExecutor, budget_s: float) -> None:
    """Rows of decoding and extraction from files."""
    frames = 0
    with row("extraction", "decoding alone, 16 threads", budget_s=budget_s) as out:
        begin = perf_counter()
        with ThreadPoolExecutor(16) as pool:
            frames = sum(pool.map(lambda path: sum(1 for _ in Footage(path).frames(25, 256)), paths * 2))
        out["frames"], out["snippets a second"] = frames, frames / 16 / (perf_counter() - begin)
    with row("extraction", "decoding alone, 16 processes", budget_s=budget_s) as out:
        begin = perf_counter()
        frames = sum(processes.map(count_frames, paths * 3))
        out["frames"], out["snippets a second"] = frames, frames / 16 / (perf_counter() - begin)
    for name, repeat, copies, workers in (("i3d_rgb", 8, 4, 4), ("i3d_flow", 1, 1, 8)):
        with row("extraction", f"{name}, {copies} processes of {workers} threads", budget_s=budget_s) as out:
            out |= end_to_end(name, paths, repeat, copies, workers)


def count_frames(path: Path) -> int:
    """Frames of a film, decoded."""
    return sum(1 for _ in Footage(path).frames(25, 256))


def end_to_end(name: str, paths: list[Path], repeat: int, copies: int, workers: int) -> dict:
    """Snippets a second from files to features on disk, by so many processes that begin when all are ready."""
    snippets = sum(max(1, (count_frames(path) - 16) // 16 + 1) for path in paths) * repeat
    command = [sys.executable, __file__, "--share", name, str(paths[0].parent), str(repeat), str(copies), str(workers)]
    parts = [
        subprocess.Popen([*command, str(i + 1)], env=os.environ | {"PYTHONPATH": PATH}, stdout=subprocess.PIPE, text=True)
        for i in range(copies)
    ]
    ended = [json.loads(part.communicate(timeout=120)[0].splitlines()[-1]) for part in parts]
    took = max(one["end"] for one in ended) - max(one["begin"] for one in ended)
    return {
        "snippets": snippets, "snippets a second": snippets / took, "CPU s": sum(one["cpu_s"] for one in ended),
        "network alone, from the host": ended[0]["alone"], "failures": sum(one["failures"] for one in ended),
    }  # fmt: skip


def share(name: str, folder: str, repeat: str, copies: str, workers: str, number: str) -> None:
    """What one process of `end_to_end` does."""
    backbone, paths = registry.load(name), sorted(Path(folder).glob("*.mp4"))
    run = embed.embedder(backbone, network_of(backbone), way("float16"), DEVICE)
    clips = np.zeros((BATCH, len(backbone.offsets), backbone.size, backbone.size, len(backbone.mean)), np.uint8)

    def network(clips: np.ndarray) -> np.ndarray:
        return run(torch.as_tensor(clips).permute(0, 4, 1, 2, 3)).cpu().numpy()

    for _ in range(3):
        network(clips)
    begin = perf_counter()
    for _ in range(3):
        network(clips)
    alone = 3 * BATCH / (perf_counter() - begin)
    grid = TimeGrid(fps=backbone.fps, stride_f=16, window_f=backbone.window_f)
    stream = Extractor(backbone, lambda: network, flow_images if backbone.stream == "flow" else iter, grid, "arbitrary weights")
    videos = {f"{i}_{path.stem}": path for i in range(int(repeat)) for path in paths}
    (Path(folder) / f"ready_{name}_{copies}_{number}").touch()
    while len(list(Path(folder).glob(f"ready_{name}_{copies}_*"))) < int(copies):
        sleep(0.02)
    with tempfile.TemporaryDirectory() as parts:
        shard, begin, cpu_s = (int(number), int(copies)), time(), process_time()
        summary = extract(videos, {backbone.stream: stream}, Path(parts), batch=BATCH, workers=int(workers), shard=shard)
        end, cpu_s = time(), process_time() - cpu_s
    print(json.dumps({"begin": begin, "end": end, "cpu_s": cpu_s, "alone": alone, "failures": len(summary.failures)}))


def warm(name: str) -> None:
    """Compile what one network, or flow, needs, so that the kernels lie on the drive."""
    with torch.no_grad():
        if name == "flow":
            tvl1(torch.zeros(2, 256, 340, device=DEVICE), torch.ones(2, 256, 340, device=DEVICE), settings=OPENCV)
            return
        if name in TILED:
            return warm_tiles(name)
        backbone = registry.load(name)
        for precision in ("float16", "bfloat16") if name.startswith("vivit") else ("float16",):
            embed.fused(backbone, network_of(backbone).to(DEVICE), way(precision), DEVICE)(clips_of(backbone, 1))


def warm_tiles(number: str) -> None:
    """Compile a tile of TRIED for the convolutions of I3D and SlowFast."""
    from wstal.features.backbones import _kernels

    setattr(_kernels, "columns", partial(fixed, max(_kernels.TILES)))  # noqa: B010
    setattr(_kernels, "tile", partial(fixed, _kernels.Tile(*TRIED[int(number)])))  # noqa: B010
    for name in ("i3d_rgb", "slowfast_r101"):
        convolutions(name)


def main() -> None:
    """Measure everything that the time allows, the most wanted first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "reports" / "benchmarks" / "gpu_networks.json")
    parser.add_argument("--budget", type=float, default=120, help="seconds after which no row begins")
    parser.add_argument("--warm", help="compile the kernels of one network, or flow, and stop")
    parser.add_argument("--share", nargs=6, help="extract as one of several processes, and stop")
    chosen = parser.parse_args()
    if chosen.share:
        return share(*chosen.share)
    if chosen.warm:
        return warm(chosen.warm)
    folder, processes = tempfile.TemporaryDirectory(), ProcessPoolExecutor(16)  # forked before CUDA starts
    with row("warming up"):
        command = [sys.executable, __file__, "--warm"]
        others = [
            subprocess.Popen([*command, name], cwd=ROOT, env=os.environ | {"PYTHONPATH": PATH})
            for name in (*GOALS, "flow", *TILED)
        ]
        paths: list[Path] = []
        with row("films"):
            paths = films(Path(folder.name), processes)
        RESULTS["warming up"]["exit"] = [other.wait(timeout=110) for other in others]
    RESULTS["machine"] = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__, "cores": os.cpu_count()}
    for name in GOALS:
        with row("network", name):
            measure(name, chosen.budget)
    jobs: list[Callable[[], None]] = [
        lambda: flow(paths, chosen.budget), lambda: layers("i3d_rgb", chosen.budget),
        lambda: layers("slowfast_r101", chosen.budget), lambda: from_files(paths, processes, chosen.budget),
        lambda: steps_and_rows(paths, chosen.budget),
    ]  # fmt: skip
    for job in jobs:
        with row("group"):
            job()
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    chosen.out.write_text(json.dumps(RESULTS, indent=1, default=rounded) + "\n", encoding="utf-8")
    print(f"written: {chosen.out}; {perf_counter() - START:.0f} s")
    processes.shutdown()
    folder.cleanup()


if __name__ == "__main__":
    main()
