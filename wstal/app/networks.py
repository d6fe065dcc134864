"""The stage `networks`: python -m wstal.app.networks trains what all tables need in one go, so that no core waits for a table.

Weights go to .cache/rows, where each table's own stage finds them; a table that is made by itself trains its own. What the
stage leaves, data/networks.json, says how many networks each table has.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

from wstal.app import costs, opening
from wstal.base import files, paths, progress
from wstal.base.errors import UserError
from wstal.base.paths import PIPELINE
from wstal.border import yamlfile
from wstal.config import plan
from wstal.training import experiment


def entries() -> list[str]:
    """The entries of the plan whose rows are trained; those of an ensemble are joined from them."""
    rows = sorted((PIPELINE.plan() / "rows").glob("*.yaml"))
    return [path.stem for path in rows if "of" not in yamlfile.read(path, plan.CURE)]


def main() -> int:
    """Train for all entries of the plan; the exit status."""
    try:
        runs = [run for entry in entries() for run in opening.runs(entry, smoke=False)]
        with costs.recorded(), progress.shown(paths.CACHE / "progress" / "networks"):
            weights = experiment.train(runs)
        files_of: defaultdict[str, set[Path]] = defaultdict(set)
        for run, found in zip(runs, weights, strict=True):
            files_of[run.card.entry] |= set(found.values())
        counts = {entry: len(found) for entry, found in files_of.items()}
        files.write(PIPELINE.output(PIPELINE.networks()), json.dumps(counts, indent=1) + "\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
