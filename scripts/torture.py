"""`make torture`: kill everything that writes, at random moments; does the next run end in the bytes of an undisturbed one?

    python scripts/torture.py                                 all kinds of work, 20 kills each, and all faults
    python scripts/torture.py --kinds store --kills 3 --faults ""

All work is small: the copies that notebooks make of the pipeline, and films that are drawn for it. The table is
reports/torture.md.
"""

import argparse
import hashlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import yaml

from wstal.base import files
from wstal.base.conversion import convert, merge
from wstal.base.paths import ROOT
from wstal.base.timegrid import TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.datasets.clips.render import render
from wstal.datasets.clips.storyboards import Source, storyboards
from wstal.features.extraction.importer import import_features

OUT = ROOT / "reports" / "torture.md"
METHOD = "facnet"
HARD_S = 1800  # no work takes so long
DATASET, ENTRY = "thumos14-sim", "thumos14-sim"  # of which notebooks make small copies
STAGES = {
    "annotations": ("01_annotations", f"dataset={DATASET}"),
    "features": ("02_extract_features", f"dataset={DATASET}"),
    "train": ("03_train", f"entry={ENTRY}"),
    "results": ("04_results", f"entry={ENTRY}"),
    "ensemble": ("05_ensemble", "entry=lgbm_ensemble"),
}
OWN = ("extract", "wstal train", "wstal localize")
KINDS = ("store", "training", *(f"stage {name}" for name in STAGES), "dvc repro", *OWN)
ASIDE = {".git", ".dvc", "__pycache__"}  # in a clone, what is no output
FAULTS = ("full disk", "read-only checkout", "stderr closed", "stderr without a reader", "Ctrl-C", "worker killed")

Process = subprocess.Popen[bytes]


@dataclass(frozen=True)
class Work:
    """Something to be disturbed: what it reads lies in `inputs`, what it writes in `place`/out and `place`/cache."""

    kind: str
    inputs: Path

    def command(self, place: Path) -> list[str]:
        """The command line, run in `place`."""
        python, out = sys.executable, place / "out"
        films = [str(path) for path in sorted(self.inputs.glob("films/*test*.mp4"))]
        if self.kind.startswith("stage "):
            notebook, parameter = STAGES[self.kind.removeprefix("stage ")]
            run = [python, "-m", "wstal.app.notebooks", "run", str(ROOT / f"notebooks/{notebook}.ipynb")]
            return [*run, str(out / "notebook.ipynb"), parameter, "smoke=true"]
        wstal, own = [python, "-m", "wstal"], ["--params", str(self.inputs / "own.yaml")]
        if self.kind == "wstal train":
            videos = ["--videos", str(self.inputs / "films"), "--out", str(out / "run"), "--method", METHOD, "--replace"]
            return [*wstal, "train", str(self.inputs / "labels.csv"), *videos, *own]
        if self.kind == "wstal localize":
            run = ["--run", str(self.inputs / "run"), "--out", str(out), "--formats", "webvtt"]
            return [*wstal, "localize", *films, *run, *own]
        return [python, str(Path(__file__).resolve()), "--work", self.kind, str(self.inputs), str(place)]

    def start(self, place: Path, limit: Callable[[], None] | None = None, stderr: int = subprocess.DEVNULL) -> Process:
        """The running work, in a process group of its own; `limit` is called in it before it begins."""
        place.mkdir(parents=True, exist_ok=True)
        around = os.environ | {"PYTHONPATH": str(ROOT), "WSTAL_CACHE": str(place / "cache"), "WSTAL_DEVICE": "cpu"}
        return subprocess.Popen(
            self.command(place), cwd=place, env=around, start_new_session=True, preexec_fn=limit,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip

    def finish(self, place: Path) -> float:
        """Run to the end; seconds that it took.

        Raises:
            RuntimeError: it fails.
        """
        begin, process = time.monotonic(), self.start(place, stderr=subprocess.PIPE)
        error = process.communicate(timeout=HARD_S)[1]
        if process.returncode:
            raise RuntimeError(f"{self.kind} fails: {error.decode(errors='replace')[-2000:]}")
        return time.monotonic() - begin


def made(place: Path) -> dict[str, str]:
    """{file of out: SHA-256}."""
    out = place / "out"
    found = [path for path in sorted(out.rglob("*")) if path.is_file() and ASIDE.isdisjoint(path.parts)]
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def left(place: Path) -> list[Path]:
    """What unfinished work is still there, beside its locks."""
    return [path for path in place.rglob(f"{files.PREFIX}*") if path.suffix != ".lock"]


def end(process: Process, number: int = signal.SIGKILL) -> int:
    """Send a signal to all processes of the work; its exit status."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass
    return process.wait(timeout=HARD_S)


def kills(work: Work, count: int, place: Path, rng: random.Random, whole: dict[str, str], took_s: float) -> int:
    """How often, of `count`, a run after a killed one has ended in the bytes `whole`, and left nothing behind."""
    good = 0
    for number in range(count):
        here = place / f"kill-{number}"
        process = work.start(here)
        time.sleep(rng.random() * took_s)
        end(process)
        good += again(work, here, whole)
        shutil.rmtree(here)
    return good


def again(work: Work, place: Path, whole: dict[str, str]) -> bool:
    """Whether the work, run again where it was disturbed, ends in the bytes `whole` and leaves nothing behind."""
    try:
        work.finish(place)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr, flush=True)
        return False
    return made(place) == whole and not left(place)


def faulty(work: Work, fault: str, place: Path, took_s: float) -> tuple[str, bool]:
    """(how a run ends that meets the fault, whether it ends well: with the work done, or with one sentence)."""
    if fault == "full disk":
        process = work.start(place, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, -1)), stderr=subprocess.PIPE)
    elif fault == "read-only checkout":
        return read_only(work, place)
    elif fault == "stderr closed":
        process = work.start(place, lambda: os.close(2))
    elif fault == "stderr without a reader":
        reader, writer = os.pipe()
        process = work.start(place, stderr=writer)
        os.close(reader)
        os.close(writer)
    elif fault == "Ctrl-C":
        process = work.start(place, stderr=subprocess.PIPE)
        time.sleep(took_s * 0.6)
        end(process, signal.SIGINT)
    else:
        process = work.start(place, stderr=subprocess.PIPE)
        if not kill_worker(process, HARD_S):
            process.communicate(timeout=HARD_S)
            return "it has no worker", process.returncode == 0
    error = (process.communicate(timeout=HARD_S)[1] or b"").decode(errors="replace")
    traceback = "Traceback" in error
    well = process.returncode == 0 if "stderr" in fault else not traceback and process.returncode >= 0
    return f"status {process.returncode}{', a traceback' if traceback else ''}", well


def read_only(work: Work, place: Path) -> tuple[str, bool]:
    """The work with the checkout mounted read-only, where the system lets this user do so."""
    place.mkdir(parents=True, exist_ok=True)
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" || exit 99; exec "$@"'
    around = {name: value for name, value in os.environ.items() if name != "WSTAL_CACHE"}
    around |= {"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(place / "cache"), "WSTAL_DEVICE": "cpu"}
    command = ["unshare", "--mount", "sh", "-c", mount, str(ROOT), *work.command(place)]
    try:
        done = subprocess.run(command, cwd=place, env=around, capture_output=True, text=True, timeout=HARD_S)
    except FileNotFoundError:
        return "this system cannot mount it so", True
    if done.returncode == 99 or done.stderr.startswith("unshare"):
        return "this system cannot mount it so", True
    return f"status {done.returncode}", done.returncode == 0


def kill_worker(process: Process, most_s: float) -> bool:
    """Kill the newest worker of a process once it has one, as the system does when memory is used up; whether it ever had.

    Python's tracker of resources, which computes nothing, is no worker.
    """
    until = time.monotonic() + most_s
    while process.poll() is None and time.monotonic() < until:
        try:
            found = [n for path in Path(f"/proc/{process.pid}/task").glob("*/children") for n in path.read_text().split()]
            workers = [int(n) for n in found if b"resource_tracker" not in Path(f"/proc/{n}/cmdline").read_bytes()]
            if workers:
                time.sleep(1)  # into its work
                os.kill(max(workers), signal.SIGKILL)
                return True
        except OSError:
            pass  # it has ended meanwhile
        time.sleep(0.05)
    return False


def prepare(inputs: Path, kinds: Sequence[str]) -> None:
    """Make what work reads: films, their labels, weights of a network, and a trained run."""
    if set(kinds) & set(OWN):
        import torch  # here, as a store needs none of it

        from wstal.border import tensorfile
        from wstal.config import parameters
        from wstal.features.backbones import registry

        raw = parameters.read()
        small = raw["smoke"]["own"]
        where = raw["datasets"]["clips"]["features"]["source"] | small["films"]
        source = convert(where, Source, "params.yaml, smoke.own.films")
        render(source, inputs / "films")
        known = {storyboard.id: {source.classes[shot.label] for shot in storyboard.shots} for storyboard in storyboards(source)}
        lines = [f"{video},{label}" for video, labels in known.items() if "train" in video for label in sorted(labels)]
        files.write(inputs / "labels.csv", "\n".join(["video,label", *lines]) + "\n")
        torch.manual_seed(0)
        tensorfile.save(registry.load("i3d_rgb").build(classes=2).state_dict(), inputs / "random.safetensors")
        extraction = small["features"]["extraction"] | {"weights": str(inputs / "random.safetensors")}
        own = {"steps": 100, "overrides": small["overrides"], "features": {"extraction": extraction}}
        files.write(inputs / "own.yaml", yaml.safe_dump({"own": own}))
    if "wstal localize" in kinds:
        work = Work("wstal train", inputs)
        work.finish(inputs / "first")
        (inputs / "first/out/run").rename(inputs / "run")


def work_store(place: Path) -> None:
    """A feature store of videos that are made up."""
    rng, grid = np.random.default_rng(0), TimeGrid(fps=25.0, stride_f=16, window_f=16)
    names = [f"video{k}" for k in range(60)]
    features = {name: rng.normal(size=(100, 64)).astype(np.float32) for name in names}
    videos = tuple(Video(name, "train" if k % 2 else "test", grid.coverage_s(100), ("a",)) for k, name in enumerate(names))
    segments = tuple(Segment(name, "a", 1.0, 2.0) for name in names)
    items = ((name, {"rgb": x}) for name, x in features.items())
    import_features(items, {"rgb": grid}, Annotations(("a",), videos, segments), place / "out/store", backbone="x", slack_s=1.0)


def work_training(place: Path) -> None:
    """Training of a network on features that are made up, which is written after every step."""
    import msgspec  # here, as a store needs no torch
    from benchmark_training import released, thumos

    from wstal.training import experiment, interrupted
    from wstal.training.train import fit

    interrupted.EVERY_S, interrupted.SHARE = 0.0, float("inf")
    preset = released("co2")
    preset = msgspec.structs.replace(preset, training=msgspec.structs.replace(preset.training, epochs=20, checkpoints=2))
    target = place / "out" / "network.safetensors"
    unfinished = interrupted.Unfinished(place / "cache" / "network.unfinished", "network")
    experiment.save(fit(preset, thumos(["rgb", "flow"], 20, 16), 0, lambda *told: None, unfinished), target)
    interrupted.forget(unfinished.path)


def work_dvc(place: Path) -> None:
    """A stage of DVC, in a clone of what is committed."""
    clone = place / "out"
    if not clone.exists():
        with files.fresh(clone) as fresh:
            subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(fresh)], check=True)
    around = os.environ | {"PYTHONPATH": str(clone), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    # DVC writes dvc.lock in place, for a second or two: the one cure that docs/dvc.md names for what a kill leaves of it
    lock = subprocess.run(["git", "show", "HEAD:dvc.lock"], cwd=clone, check=True, capture_output=True)
    files.write(clone / "dvc.lock", lock.stdout)
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet", "--force", "plan"], cwd=clone, env=around, check=True)


def work_extract(inputs: Path, place: Path) -> None:
    """What `wstal extract` does, on the films; its parts without what their names say of files and times."""
    from wstal.app import own_videos  # here, as a store needs no torch
    from wstal.config import parameters
    from wstal.datasets import prepare as datasets
    from wstal.features.extraction import recipes

    raw = merge(parameters.read(), yaml.safe_load((inputs / "own.yaml").read_text()))
    section = own_videos.settings(raw).features
    recipe = datasets.recipe(section, own_videos.NAME)
    videos = {path.stem: path for path in sorted((inputs / "films").glob("*.mp4"))}
    recipes.extract_all(videos, recipe, spread=True)
    for video, streams in recipes.load(videos, recipe).items():
        for stream, x in streams.items():
            with files.fresh(place / "out" / f"{video}-{stream}.npy") as path:
                np.save(path, x)


def table(killed: list[tuple[str, int, int]], faults: list[tuple[str, str, str, bool, bool]]) -> str:
    """The report."""
    lines = [
        "# Torture",
        "",
        "By `make torture`: small work, killed at random moments with all its processes, and run again.",
        "",
    ]
    lines += ["| work | kills | the next run ends in the bytes of an undisturbed one |", "|---|---:|---:|"]
    lines += [f"| {kind} | {count} | {good} |" for kind, count, good in killed]
    lines += ["", "Work that meets a fault, and then runs again without it:", ""]
    lines += ["| fault | work | ends | well | the next run ends in the bytes of an undisturbed one |", "|---|---|---|---|---|"]
    lines += [
        f"| {fault} | {kind} | {ends} | {'yes' if well else 'no'} | {'yes' if same else 'no'} |"
        for fault, kind, ends, well, same in faults
    ]
    return "\n".join(lines) + "\n"


def torture(
    kinds: Sequence[str], count: int, faults: Sequence[str], fault_kinds: Sequence[str], seed: int, place: Path
) -> tuple[str, bool]:
    """(the report, whether all went well)."""
    rng, inputs = random.Random(seed), place / "inputs"
    inputs.mkdir()
    fault_kinds = fault_kinds if faults else ()
    prepare(inputs, (*kinds, *fault_kinds))
    killed, met = [], []
    for kind in dict.fromkeys((*kinds, *fault_kinds)):
        work, first = Work(kind, inputs), place / "first"
        took_s, whole = work.finish(first), made(first)
        shutil.rmtree(first)
        if kind in kinds:
            killed.append((kind, count, kills(work, count, place, rng, whole, took_s)))
            print(*killed[-1], flush=True)
        for fault in faults if kind in fault_kinds else ():
            here = place / "fault"
            ends, well = faulty(work, fault, here, took_s)
            met.append((fault, kind, ends, well, again(work, here, whole)))
            print(*met[-1], flush=True)
            shutil.rmtree(here)
    good = all(n == count for _, count, n in killed) and all(well and same for *_, well, same in met)
    return table(killed, met), good


def names(text: str) -> list[str]:
    """Read "a,b" -> ["a", "b"]."""
    return [name for name in text.split(",") if name]


def main() -> int:
    """Run the command line; 0 if all went well."""
    if sys.argv[1:2] == ["--work"]:
        kind, inputs, place = sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
        {"store": work_store, "training": work_training, "dvc repro": work_dvc}.get(kind, partial(work_extract, inputs))(place)
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", type=names, default=list(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--kills", type=int, default=20, help="of each kind; default: %(default)s")
    parser.add_argument("--faults", type=names, default=list(FAULTS), help=f"of {', '.join(FAULTS)}")
    parser.add_argument("--fault-kinds", type=names, default=["wstal train"], help="what meets them; default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the moments; default: %(default)s")
    parser.add_argument("--out", type=Path, default=OUT, help="default: %(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wstal-torture-", ignore_cleanup_errors=True) as scratch:
        arguments = options.kinds, options.kills, options.faults, options.fault_kinds, options.seed, Path(scratch)
        report, good = torture(*arguments)
    files.write(options.out, report)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
