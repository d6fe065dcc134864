"""`wstal export` on the command line."""

import argparse
import os
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "export",
        help="write features and annotations as another code reads them",
        description="Write a dataset as another code reads it; `dvc repro annotations@DATASET features@DATASET` prepares it.",
        epilog="""layouts:
  wtalc         DATASET-I3D-JOINTFeatures.npy and DATASET-Annotations/, as W-TALC, FAC-Net, WSAD and CO2-Net read them
  acmnet        gt.json, split_{train,test}.txt, {train,test}/VIDEO.npy, as ACM-Net and FAC-Net (ActivityNet) read them
  cmcs          annotations.json, STREAM-resize-stepN/v_VIDEO-STREAM.npz
  actionformer  annotations.json with label_id and fps, features/VIDEO.npy, dataset.yaml
  activitynet   annotations.json in the official layout, features/STREAM/VIDEO.npy

examples:
  wstal export thumos14-sim --layout wtalc --out exported
  wstal export activitynet13 --layout wtalc --subsets training,validation --out exported
  wstal export thumos14 --layout acmnet --subsets train,test --out exported""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("dataset", metavar="DATASET", help="a dataset of params.yaml")
    command.add_argument("--layout", type=layout, required=True, metavar="NAME", help="one of those below")
    command.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="new folder to write to")
    command.add_argument(
        "--subsets", type=subsets, metavar="TRAIN,TEST", help="names of the two subsets; default: those that the code tests for"
    )
    command.set_defaults(run=_run)


def layout(text: str) -> str:
    """The name of a layout."""
    from wstal.exchange.layouts import registry

    if text not in registry.known():
        raise argparse.ArgumentTypeError(f"{text!r} is no layout; write one of {', '.join(registry.known())}")
    return text


def subsets(text: str) -> tuple[str, str]:
    """Read "training,validation" -> ("training", "validation")."""
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names) or names[0] == names[1]:
        raise argparse.ArgumentTypeError(f"{text!r} are no two names; write TRAIN,TEST, as training,validation")
    return names[0], names[1]


def _run(options: argparse.Namespace) -> int:
    from wstal.base import paths, progress
    from wstal.config import parameters
    from wstal.exchange.layouts import exported_dataset, registry

    name, tree = options.dataset, paths.PIPELINE
    streams = parameters.load().dataset(name).features.streams
    data = exported_dataset.read(name, tree.annotations(name), tree.features(name), streams)
    with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
        registry.write(options.layout, data, options.subsets, options.out)
    print(f"{options.out}: {len(data.videos)} videos in the layout {options.layout}")
    return 0
