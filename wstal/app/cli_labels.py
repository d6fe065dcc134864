"""`wstal labels` on the command line."""

import argparse
import sys
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "labels",
        help="read corrected files of annotation tools",
        description="Read what was corrected in an annotation tool: labels for `wstal train`, times for `wstal evaluate`.",
        epilog="""files:
  VIDEO.vtt, VIDEO.srt   subtitles, named as their video; every line of text is a label
  VIDEO.eaf              ELAN: tiers that `wstal localize --formats elan` has written, and tiers whose text is a label
  *.json                 Label Studio (Export, JSON), or a project of VIA 3

examples:
  wstal localize new/*.mp4 --run runs/mine --out found --formats elan
  wstal labels found/elan/*.eaf --out corrected.csv --truth truth.json
  wstal train corrected.csv --videos new --out runs/better
  wstal evaluate truth.json found/predictions.json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("files", type=Path, nargs="+", metavar="FILE", help="a corrected file")
    command.add_argument("--out", type=Path, required=True, metavar="LABELS.csv", help="table of labels to write")
    command.add_argument("--truth", type=Path, metavar="TRUTH.json", help="also write times, as ground truth")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from wstal.app import corrections, folders

    folders.check_apart([options.out, options.truth], options.files)
    corrected = corrections.collect(options.files)
    corrections.write(corrected, options.out, options.truth)
    for video in corrected.unlabelled:
        cure = "if it shows no action, add it there with the label -"
        print(f"note: {video} has no label, so it is not in {options.out}; {cure}.", file=sys.stderr)
    for video in corrected.untimed if options.truth else []:
        print(f"note: {video} has a label without times, so it is not in {options.truth}.", file=sys.stderr)
    lines = corrected.table().count("\n") - 1
    print(f"{options.out}: {len(corrected.tracks) - len(corrected.unlabelled)} videos, {lines} labels")
    if options.truth:
        print(f"next: wstal evaluate {options.truth} PREDICTIONS.json")
    return 0
