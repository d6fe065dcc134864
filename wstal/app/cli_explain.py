"""`wstal explain` on the command line."""

import argparse
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "explain",
        help="say where a table, figure, run or file of detections comes from",
        description="Say by which command, commit, parameters, data, code and environment something was made, whether it is "
        "still as it was made, and how to make it again.",
        epilog="""examples:
  wstal explain reports/tables/clips.md      also metrics, figures, notebooks, runs and features of the pipeline
  wstal explain runs/mine                    a run of `wstal train`
  wstal explain found/predictions.json       an output of `wstal localize`""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("path", type=Path, metavar="FILE", help="a file or folder")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from wstal.app.explain import explain

    print(explain(options.path))
    return 0
