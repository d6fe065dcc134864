"""Average mAP of an entry's rows and seeds, trained in mode `fast` on a GPU, beside those that the pipeline has committed.

    python scripts/benchmark_modes.py [--entry thumos14-sim] [--out reports/benchmarks/modes_gpu.json]

The dataset is made anew in a scratch folder. notebooks/07_speed.ipynb draws both.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from wstal.base.seeding import ENVIRONMENT

os.environ.update(ENVIRONMENT)

import msgspec
import torch

from wstal.base.paths import PIPELINE, Tree
from wstal.base.seeding import device
from wstal.config import parameters, plan
from wstal.config.plan import RowsPlan
from wstal.datasets import prepare
from wstal.evaluation import judging, metrics
from wstal.training import experiment


def fast(rows: RowsPlan) -> RowsPlan:
    """The plan with every row in mode `fast`."""
    changed = {
        name: msgspec.structs.replace(row, training=msgspec.structs.replace(row.training, mode="fast"))
        for name, row in rows.rows.items()
    }
    return msgspec.structs.replace(rows, rows=changed)


def measure(entry: str) -> dict[str, object]:
    """Average mAP in percent, {row: one a seed}, of both modes, and seconds of training and localization."""
    params = parameters.load()
    rows = fast(plan.of_rows(params, entry))
    with tempfile.TemporaryDirectory() as scratch:
        tree = Tree(Path(scratch))
        dataset = plan.of_dataset(params, rows.dataset)
        prepare.annotate(dataset, tree)
        prepare.extract(dataset, tree)
        runs = experiment.runs(rows, tree)
        start = time.perf_counter()
        experiment.train_all(runs)
        took_s = time.perf_counter() - start
        found = metrics.evaluate_all(judging.judging(plan.of_judging(params, entry), runs, tree))
    committed = metrics.read(entry, PIPELINE)
    return {
        "machine": f"{torch.cuda.get_device_name()}, torch {torch.__version__}",
        "entry": entry,
        "seeds": len(rows.seeds),
        "fast_s": took_s,
        "fast": {row: (found.average(row)).tolist() for row in rows.rows},
        "reproducible": {row: committed.average(row).tolist() for row in rows.rows},
    }


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser()
    options.add_argument("--entry", default="thumos14-sim")
    options.add_argument("--out", type=Path, default=Path("reports/benchmarks/modes_gpu.json"))
    args = options.parse_args()
    if device().type != "cuda":
        raise SystemExit("benchmark_modes.py needs a GPU, and torch sees no CUDA device.")
    measured = measure(args.entry)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(msgspec.json.format(msgspec.json.encode(measured)) + b"\n")
    print(args.out.read_text())


if __name__ == "__main__":
    main()
