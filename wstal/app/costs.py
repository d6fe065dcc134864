"""What the stages of the pipeline cost: each leaves a line when it runs, and `python -m wstal.app.costs` prints all of them.

Figures differ from run to run, so they lie in .cache/costs, outside of what is committed: a file a stage, of its last run.
Memory is that of the largest of a stage's processes.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from wstal.base import files, paths
from wstal.base.errors import UserError
from wstal.border import jsonfile

STAGE = "DVC_STAGE"  # where DVC names the stage that it runs
UNIT = 1 if sys.platform == "darwin" else 1024  # bytes, in which the system counts memory


class StageCost(msgspec.Struct, frozen=True):
    """Of one run of a stage."""

    stage: str
    cpu_s: float
    wall_s: float
    memory_mb: float


@contextmanager
def recorded() -> Iterator[None]:
    """Leave what this process and those that it waits for have cost since they began; outside a stage, nothing."""
    begun_s = time.monotonic()
    yield
    if stage := os.environ.get(STAGE):
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        cost = StageCost(
            stage=stage, cpu_s=round(sum(one.ru_utime + one.ru_stime for one in used), 1),
            wall_s=round(time.monotonic() - begun_s, 1), memory_mb=round(max(one.ru_maxrss for one in used) * UNIT / 1e6),
        )  # fmt: skip
        files.write(folder() / f"{stage}.json", json.dumps(msgspec.structs.asdict(cost)) + "\n")


def folder() -> Path:
    """Where the files are."""
    return paths.CACHE / "costs"


def read() -> list[StageCost]:
    """The last run of every stage, the dearest first.

    Raises:
        UserError: a file is damaged.
    """
    found = [jsonfile.read(path, StageCost, "is no cost of a stage", "remove it") for path in folder().glob("*.json")]
    return sorted(found, key=lambda cost: (-cost.cpu_s, cost.stage))


def table(costs: Sequence[StageCost]) -> str:
    """A line for each stage, and their sum."""
    largest = max((cost.memory_mb for cost in costs), default=0)
    every = StageCost("all", sum(cost.cpu_s for cost in costs), sum(cost.wall_s for cost in costs), largest)
    lines = [f"{'stage':<36}{'CPU s':>9}{'wall s':>9}{'MB':>7}"]
    for cost in [*costs, every]:
        lines.append(f"{cost.stage:<36}{cost.cpu_s:>9.1f}{cost.wall_s:>9.1f}{cost.memory_mb:>7.0f}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; the exit status."""
    try:
        print(table(read()))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
