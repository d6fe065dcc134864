"""All methods on a small benchmark of real videos with ready-made RGB features, and an ensemble of the best few.

    python scripts/real_benchmark.py ROOT OUT [--seeds 0,1,2] [--rows co2,sal] [--mode fast] [--steps 500]
        [--alone Fight,Falling]

    ROOT/annotations.json     ActivityNet's layout, subsets "training" and "validation"
    ROOT/features/<video>.npy (T, 1024), a snippet of 16 frames every 8 at 25 frames a second
    ROOT/meta.json            optional: {"videos": {video: {"kind": ...}}}, by which validation videos are judged apart, too

First every method is trained once on four fifths of the training videos. On the fifth that is held out, the members of the
ensemble are chosen by video-level labels alone: by how well a video's best detection of each class tells which videos show it.
Then all methods are trained on all training videos, every seed, and validation videos are looked at for the first time.

OUT gets chosen.json, about.json, metrics.json and their tables in table.md; its folder `work` may be deleted. With
reports/real as OUT, the first page of the site shows them. A method that fails is named, and
the others go on. Presets are scaled to the size of the benchmark; `--steps` bounds the number of steps, where time is short.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT)

import msgspec
import numpy as np
import torch

from wstal.base import seeding
from wstal.base.conversion import merge
from wstal.base.errors import UserError
from wstal.base.paths import Tree
from wstal.base.types import Detections
from wstal.border import content, jsonfile, npyfile, yamlfile
from wstal.config import parameters, plan
from wstal.config.parameters import Parameters
from wstal.config.plan import RowsPlan
from wstal.config.scaled_settings import DatasetSize
from wstal.data.labels import Labels
from wstal.datasets import prepare
from wstal.datasets.readers import _database
from wstal.datasets.readers._database import Annotated
from wstal.detect import detections
from wstal.evaluation import metrics
from wstal.evaluation.judging import judging
from wstal.report import real_videos, results
from wstal.report.real_videos import About
from wstal.training import ensemble_runs, experiment
from wstal.training.experiment import Run

Benchmark = Mapping[str, Annotated]  # by video
CURE = "name a folder that holds annotations.json and features/<video>.npy, as `--help` says"
OVERLAY = Path(__file__).with_suffix(".yaml")
HELD_OUT = 5  # one training video in so many chooses the ensemble
MEMBERS = 3  # of the ensemble


def main() -> None:
    """Choose, train, judge."""
    given = arguments()
    root, tree = given.root.resolve(), Tree(given.out.resolve() / "work")
    benchmark = _database.read(root / "annotations.json", CURE).entries
    params = parameters.load(raw_parameters(given, root, tree, benchmark))
    write_labels(tree, benchmark)
    write_change(root, tree, benchmark)
    tried = trained("held", params, tree, given.steps, params.seeds[:1])
    scores = {run.row: told_apart(detections.read_json(run.predictions()), run.data.labels) for run in tried}
    chosen = sorted(scores, key=lambda row: -scores[row])[:MEMBERS]
    told = {"average precision of videos held out, percent": scores, "chosen": chosen}
    (given.out / "chosen.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told), flush=True)
    done = trained("real", params, tree, given.steps, params.seeds)
    if not done:
        raise UserError("No method could be trained; the lines above say why.")
    (given.out / "about.json").write_text(json.dumps(msgspec.structs.asdict(about(given, benchmark)), indent=1) + "\n")
    judge(params, done, [row for row in chosen if row in {run.row for run in done}], given.out, tree)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=lambda text: [int(seed) for seed in text.split(",")], default=[0, 1, 2])
    parser.add_argument("--rows", type=lambda text: text.split(","), default=[], help="of real_benchmark.yaml; none: all")
    parser.add_argument("--mode", choices=("reproducible", "fast"), default="reproducible")
    parser.add_argument("--steps", type=int, default=0, help="at most so many of a network; 0: as the rule says")
    parser.add_argument("--alone", type=lambda text: text.split(","), default=[], help="classes that are judged alone, too")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return given


def raw_parameters(given: argparse.Namespace, root: Path, tree: Tree, benchmark: Benchmark) -> dict[str, Any]:
    """params.yaml with the overlay, and with what the folder and the command line say."""
    overlay = yamlfile.read(OVERLAY, "restore it")
    durations_s = [entry.duration for entry in benchmark.values() if entry.subset == "training" and entry.duration]
    if len(durations_s) < HELD_OUT:
        raise UserError(f"{root / 'annotations.json'} has {len(durations_s)} training videos with a duration; {CURE}.")
    grid = overlay["datasets"]["real"]["features"]["grid"]
    size = {"width": 1024, "videos": len(durations_s), "length_t": float(np.mean(durations_s)) * grid["fps"] / grid["stride_f"]}
    source = {"root": str(root), "features": {"change": {"path": str(tree.root / "change" / "{video}.npy")}}}
    lists = {subset: str(tree.root / f"{subset}.txt") for subset in ("train", "test")}
    held = source | {"annotations": str(tree.root / "labels.json"), "lists": lists}
    judged = {"class_groups": {name: [name] for name in given.alone}, "video_groups": kinds(root, benchmark)}
    changes = {
        "seeds": given.seeds,
        "datasets": {
            "real": {"features": {"source": source}, "evaluation": judged, "scaled": size},
            "held": {"features": {"source": held}, "scaled": size | {"videos": len(durations_s) - len(held_out(benchmark))}},
        },
        "entries": {name: {"rows": chosen_rows(entry["rows"], given.rows)} for name, entry in overlay["entries"].items()},
        "defaults": {"training": {"mode": given.mode}},
    }
    for name in overlay["entries"]:
        overlay["entries"][name] = overlay["entries"][name] | {"rows": {}}
    return merge(parameters.read(), overlay, changes)


def chosen_rows(rows: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """The named rows, or all."""
    return {name: values for name, values in rows.items() if not names or name in names}


def about(given: argparse.Namespace, benchmark: Benchmark) -> About:
    """What is measured, and where."""
    device = seeding.device()
    return About(
        training_videos=sum(entry.subset == "training" for entry in benchmark.values()),
        validation_videos=sum(entry.subset == "validation" for entry in benchmark.values()),
        classes=len({one.label for entry in benchmark.values() for one in entry.annotations}),
        mode=given.mode, steps=given.steps,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU",
    )  # fmt: skip


class Kind(msgspec.Struct):
    """What meta.json says of a video, among other things."""

    kind: str


class Meta(msgspec.Struct):
    """meta.json."""

    videos: dict[str, Kind]


def kinds(root: Path, benchmark: Benchmark) -> dict[str, list[str]]:
    """{kind: validation videos} of meta.json; {} without it."""
    path, groups = root / "meta.json", dict[str, list[str]]()
    if path.exists():
        for video, one in sorted(jsonfile.read(path, Meta, "is damaged", "remove it").videos.items()):
            if video in benchmark and benchmark[video].subset == "validation":
                groups.setdefault(one.kind, []).append(video)
    return groups


def held_out(benchmark: Benchmark) -> list[str]:
    """Training videos that choose the ensemble: one in `HELD_OUT`, in the order of their names."""
    return sorted(video for video, entry in benchmark.items() if entry.subset == "training")[::HELD_OUT]


def names(entry: Annotated) -> list[dict[str, str]]:
    """The labels of a video, each once."""
    return [{"label": label} for label in sorted({one.label for one in entry.annotations})]


def write_labels(tree: Tree, benchmark: Benchmark) -> None:
    """Write the training videos with their labels, without times, and who of them is held out."""
    held = set(held_out(benchmark))
    training = {video: entry for video, entry in benchmark.items() if entry.subset == "training"}
    labels = {video: {"duration": entry.duration, "annotations": names(entry)} for video, entry in training.items()}
    tree.root.mkdir(parents=True, exist_ok=True)
    (tree.root / "labels.json").write_text(json.dumps({"database": labels}))
    for subset, videos in (("train", training.keys() - held), ("test", held)):
        (tree.root / f"{subset}.txt").write_text("\n".join(sorted(videos)) + "\n")


def write_change(root: Path, tree: Tree, benchmark: Benchmark) -> None:
    """Write the second stream: half the absolute difference between the features of the snippets before and after."""
    (tree.root / "change").mkdir(exist_ok=True)
    files = {video: root / "features" / f"{video}.npy" for video in benchmark}
    content.require(files.values(), CURE)
    for video, path in files.items():
        x = npyfile.load(path, CURE).astype(np.float32)  # (T, 1024)
        near = np.concatenate([x[:1], x, x[-1:]])
        np.save(tree.root / "change" / f"{video}.npy", (np.abs(near[2:] - near[:-2]) / 2).astype(np.float16))


def trained(entry: str, params: Parameters, tree: Tree, steps: int, seeds: tuple[int, ...]) -> list[Run]:
    """Train and localize the rows of an entry, at most so many steps each if not 0; those that fail are left out."""
    size = params.dataset(entry).scaled
    assert isinstance(size, DatasetSize)
    planned = msgspec.structs.replace(bounded(plan.of_rows(params, entry), steps, size.videos), seeds=seeds)
    dataset = plan.of_dataset(params, planned.dataset)
    prepare.annotate(dataset, tree)
    prepare.extract(dataset, tree)
    runs, begin = experiment.runs(planned, tree), time.perf_counter()
    if not fail(runs):
        done = runs
    else:  # what was trained is kept; the rest a row at a time
        done = [run for row in planned.rows if not fail(own := [run for run in runs if run.row == row]) for run in own]
    print(f"{entry}: {len(done)} of {len(runs)} runs, {time.perf_counter() - begin:.1f} s", flush=True)
    return done


def fail(runs: list[Run]) -> bool:
    """Train and localize runs; whether that failed, of which the reason is printed."""
    try:
        experiment.train_all(runs)
    except Exception as error:
        print(f"{', '.join(dict.fromkeys(run.row for run in runs))}: {type(error).__name__}: {error}", flush=True)
        return True
    return False


def bounded(planned: RowsPlan, steps: int, videos: int) -> RowsPlan:
    """Rows with at most so many steps each; 0 bounds nothing."""
    if not steps:
        return planned
    rows = {}
    for name, row in planned.rows.items():
        epochs = max(min(row.training.epochs, steps * row.training.batch_videos // videos), 1)
        rows[name] = msgspec.structs.replace(row, training=msgspec.structs.replace(row.training, epochs=epochs))
    return msgspec.structs.replace(planned, rows=rows)


def told_apart(found: Detections, labels: Labels) -> float:
    """How well a video's best detection of a class tells which held-out videos show it: mean average precision, percent."""
    held = labels.subset("test", 0)
    best: dict[tuple[str, str], float] = {}
    for video, label, score in zip(found.video, found.label, found.score, strict=True):
        place = found.videos[video], found.labels[label]
        best[place] = max(best.get(place, -np.inf), float(score))
    each = []
    for name in labels.classes:
        shown = np.array([name in video.labels for video in held])
        scores = np.array([best.get((video.id, name), -np.inf) for video in held])
        if shown.any():
            each.append(average_precision(shown, scores))
    return 100 * float(np.mean(each))


def average_precision(shown: np.ndarray, scores: np.ndarray) -> float:
    """Of a ranking (N,) by falling scores, those of no detection last and at no recall."""
    order = np.argsort(-scores, kind="stable")
    hits = shown[order] & np.isfinite(scores[order])
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float((precision * hits).sum() / shown.sum())


def judge(params: Parameters, done: list[Run], chosen: list[str], out: Path, tree: Tree) -> None:
    """Write metrics and the table of all methods, and of the union of the chosen ones."""
    rows = {"union": {"weights": dict.fromkeys(chosen, 1.0)}} if chosen else {}
    union = msgspec.structs.replace(params.ensemble("real_union"), rows=rows, localize=done[0].row)
    changed = msgspec.structs.replace(params, ensembles={"real_union": union}, seeds=tuple({run.seed: 0 for run in done}))
    joined = ensemble_runs.runs(plan.of_ensemble(changed, "real_union"), done, tree)
    ensemble_runs.join_all(joined)
    found = metrics.evaluate_all(judging(plan.of_judging(params, "real"), [*done, *joined], tree))
    (out / "metrics.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    tables = f"{real_videos.table(out).markdown()}\n{results.groups(found).markdown()}"
    (out / "table.md").write_text(tables)
    print(tables)


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(str(error)) from None
