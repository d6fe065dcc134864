"""The stage `networks`: python -m wstal.app.networks trains what all tables need in one go, so that no core waits for a table.

Weights go to .cache/rows, where each table's own stage finds them; a table that is made by itself trains its own. What the
stage leaves, data/networks.json, says how many networks each table has.
"""

import json
import sys

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
        runs = {entry: opening.runs(entry, smoke=False) for entry in entries()}
        with costs.recorded(), progress.shown(paths.CACHE / "progress" / "networks"):
            experiment.train([run for of_entry in runs.values() for run in of_entry])
        counts = {entry: len(experiment.networks(found)) for entry, found in runs.items()}
        files.write(PIPELINE.output(PIPELINE.networks()), json.dumps(counts, indent=1) + "\n")
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
