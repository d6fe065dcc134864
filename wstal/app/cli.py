"""Command line of the package. Each subcommand is one function that imports what it needs, so that `--help` is fast.

Bad input is one sentence on stderr and status 1; a wrong command line is argparse's message and status 2; Ctrl-C and SIGTERM
end it with a sentence and status 130.
"""

import argparse
import json
import os
import shlex
import signal
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from wstal import __version__
from wstal.app import cli_compare, cli_explain, cli_export, cli_labels
from wstal.base import standard_streams
from wstal.base.errors import UserError, of_system


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand; the exit status."""
    with standard_streams.patient():
        return _main(argv)


def _main(argv: list[str] | None) -> int:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # names that are not in UTF-8 are spelled out
    argv = sys.argv[1:] if argv is None else argv
    options = _parser(argv).parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        return options.run(options)
    except UserError as error:
        over = getattr(options, "params", None) and str(error).startswith("params.yaml")
        print(f"wstal: {f'{options.params}, laid over ' if over else ''}{error}", file=sys.stderr)
        return 1
    except (OSError, MemoryError) as error:
        path = str(getattr(error, "filename", None) or "a file")
        reason = getattr(error, "strerror", None) or error
        said = of_system(error, path) or UserError(f"{path} cannot be used ({reason}); check the path.")
        print(f"wstal: {said}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("wstal: stopped; what is finished is kept: the same command goes on.", file=sys.stderr)
        return 130


def _stop(*_: object) -> None:
    """End the processes that this one has started, then this one."""
    from multiprocessing import active_children

    for child in active_children():
        child.terminate()
    raise KeyboardInterrupt


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    """The whole command line; of commands whose options are slow to know, those of the one that is meant."""
    parser = argparse.ArgumentParser(prog="wstal", description="Weakly-supervised temporal action localization.")
    parser.add_argument("--version", action="version", version=f"wstal {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_evaluate(commands, meant="evaluate" in argv)
    _add_train(commands)
    _add_localize(commands)
    _add_extract(commands)
    _add_inspect(commands)
    checker = commands.add_parser("check", help="say whether params.yaml is well-formed")
    checker.set_defaults(run=_check)
    for module in (cli_labels, cli_export, cli_compare, cli_explain):
        module.add(commands)
    return parser


def _check(options: argparse.Namespace) -> int:
    from wstal.app import declared

    print(declared.ask(_checked))
    return 0


def _checked() -> str:
    from wstal.app.check import check, check_lock
    from wstal.base.paths import ROOT
    from wstal.config import parameters

    check_lock(ROOT / "dvc.lock")
    return check(parameters.read())


def _add_inspect(commands: Any) -> None:
    command = commands.add_parser(
        "inspect",
        help="say what a dataset or a file holds, and what is wrong or odd about it",
        description="Videos, classes, instances, lengths, coverage, what is wrong or odd, and videos for each class.",
        epilog="""status:
  0, or 1 if something is wrong and would be refused

examples:
  wstal inspect mine                      a dataset of params.yaml, with its features
  wstal inspect annotations.json          ActivityNet's layout; also tables of segments or of labels
  wstal inspect predictions.json          detections
  wstal inspect features/monday.npy       features; also .npz, .h5, .csv, and the folder of a feature store""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("target", metavar="DATASET|FILE", help="a dataset of params.yaml, or a file")
    command.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    from wstal.datasets.inspection import inspect

    found = inspect(options.target)
    print(found.text)
    return 1 if found.findings.faults else 0


def _add_train(commands: Any) -> None:
    command = commands.add_parser(
        "train",
        help="train on your own videos and their labels",
        description="Train a method on your own videos. All it needs to know is which actions each video shows, not when.",
        epilog="""files:
  LABELS.csv  columns video,label: a line for every action that a video shows; `video` is the name of a file in FOLDER
              a video that shows none of the actions has the label -
              a third column, subset, may keep videos out of training: train or test

writes to RUN:
  run.yaml, *.safetensors   all that `wstal localize` needs
  summary.md                videos and classes, what is left out or odd, video-level accuracy by cross-validation
  losses.csv, losses.png    of every step

status:
  0 if all videos were used, 1 if some were left out, though the run was written from the others

examples:
  wstal train labels.csv --videos videos --out runs/mine
  wstal localize new.mp4 --run runs/mine""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("labels", type=Path, metavar="LABELS.csv", help="which video shows which action")
    command.add_argument("--videos", type=Path, required=True, metavar="FOLDER", help="folder of the video files")
    command.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder to write the trained run to")
    command.add_argument("--method", default="facnet", metavar="NAME", help="a method of params.yaml; default: %(default)s")
    command.add_argument("--seed", type=seed, default=0, metavar="N", help="of training; default: %(default)s")
    command.add_argument("--replace", action="store_true", help="replace the trained run that RUN holds")
    _add_device(command)
    _add_params(command)
    command.set_defaults(run=_train)


def _add_localize(commands: Any) -> None:
    command = commands.add_parser(
        "localize",
        help="find actions in videos with a trained run",
        description="Find when actions happen in videos, with a run that `wstal train` or the pipeline has trained on videos.",
        epilog="""writes to OUT:
  timeline.html     score curves, detections and pictures on one page, for any browser
  detections.csv    video,start_s,end_s,label,score
  elan/VIDEO.txt    the same for ELAN: File, Import, Tab-delimited Text
  predictions.json  every detection in ActivityNet's layout, for `wstal evaluate`
  labelled/VIDEO.mp4  with --video: the video without sound, with what is found burnt in

formats, beside these, of the detections on the page:
  webvtt       webvtt/VIDEO.vtt, subtitles for browsers
  srt          srt/VIDEO.srt, subtitles for players
  labelstudio  labelstudio/tasks.json and config.xml, to import into Label Studio
  via          via/project.json, to open in VIA 3
  elan         elan/VIDEO.eaf, to open in ELAN
  fiftyone     fiftyone/, a FiftyOneTemporalDetectionDataset
  csv          segments.csv, a table of segments with subsets and durations
what is corrected in a tool of the first five goes back by `wstal labels`

status:
  0 if all videos were used, 1 if some were left out, though the files were written from the others

example:
  wstal localize new/*.mp4 --run runs/mine --out found --formats elan,csv""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("videos", type=Path, nargs="+", metavar="VIDEO", help="a video file")
    command.add_argument("--run", type=Path, required=True, dest="folder", metavar="RUN", help="folder of the trained run")
    command.add_argument(
        "--out", type=Path, default=Path("found"), metavar="OUT", help="folder to write to; default: %(default)s"
    )
    command.add_argument("--video", action="store_true", help="also write the videos with what is found burnt in")
    command.add_argument("--formats", type=formats, default=(), metavar="LIST", help="also write these, as webvtt,elan")
    _add_device(command)
    _add_params(command)
    command.set_defaults(run=_localize)


def _add_extract(commands: Any) -> None:
    command = commands.add_parser(
        "extract",
        help="make features of a dataset's videos ahead, on many machines",
        description="Send the videos of a dataset of params.yaml through its backbone. What is finished is kept in "
        ".cache/parts, on a file system that all machines see; `dvc repro features@DATASET` then finds it there.",
        epilog="""examples:
  wstal extract mine                                                      all of it, here
  sbatch --array=1-64 --gres=gpu:1 --wrap 'wstal extract mine --shard $SLURM_ARRAY_TASK_ID/64'
  wstal extract mine --ray 8                                              8 networks on the Ray cluster of RAY_ADDRESS""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("dataset", metavar="DATASET", help="a dataset of params.yaml with a section `extraction`")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--shard", type=share, default=(1, 1), metavar="I/N", help="only the I-th of N shares, from 1 on")
    where.add_argument("--ray", type=count, metavar="COPIES", help="on a Ray cluster, with so many copies of the network")
    _add_device(command)
    command.set_defaults(run=_extract)


def formats(text: str) -> tuple[str, ...]:
    """Read "webvtt,elan" -> ("webvtt", "elan")."""
    from wstal.exchange.tools import registry

    names = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    if unknown := [name for name in names if name not in registry.formats()]:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no format; write some of {', '.join(registry.formats())}")
    return names


def seed(text: str) -> int:
    """Read "3" -> 3."""
    if not text.isdecimal() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed; write a whole number from 0 to {2**31 - 1}")
    return int(text)


def share(text: str) -> tuple[int, int]:
    """Read "3/64" -> (3, 64)."""
    first, _, last = text.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is no share; write I/N with I from 1 to N, as 3/64")
    return int(first), int(last)


def count(text: str) -> int:
    """Read "8" -> 8."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of copies; write 1 or more")
    return int(text)


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", metavar="NAME", help="cpu, cuda for all GPUs, or one, as cuda:1; default: GPUs if any")


def _add_params(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--params", type=Path, metavar="FILE", help="a YAML file laid over params.yaml; its section `own` is what counts here"
    )


def _settings(options: argparse.Namespace) -> dict:
    """params.yaml, with the file of --params laid over it."""
    from wstal.base.conversion import merge
    from wstal.border import yamlfile
    from wstal.config import parameters

    whole = parameters.read()
    return merge(whole, yamlfile.read(options.params, "name a YAML file of parameters")) if options.params else whole


def _train(options: argparse.Namespace) -> int:
    from wstal.app import devices, own_videos
    from wstal.base import paths, progress

    devices.choose(options.device)
    with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
        summary = own_videos.train(
            _settings(options), options.labels, options.videos, options.out,
            method=options.method, seed=options.seed, replace=options.replace, tell=partial(print, flush=True),
        )  # fmt: skip
    _tell(summary, used=summary.computed + summary.reused)
    for note in summary.notes:
        print(f"note: {note}", file=sys.stderr)
    for name in summary.lost:
        print(f"note: class {name!r} is left out: none of its training videos can be used.", file=sys.stderr)
    if summary.crossed:
        print(summary.crossed.sentence)
    following = f"wstal localize VIDEO... --run {shlex.quote(str(options.out))}"
    print(f"{options.out} is trained, {options.out / 'summary.md'} says how; next: {following}")
    return 1 if summary.failures else 0


def _extract(options: argparse.Namespace) -> int:
    from wstal.app import devices
    from wstal.base import paths, progress
    from wstal.config import parameters
    from wstal.datasets import prepare

    devices.choose(options.device)
    with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
        section = parameters.load().dataset(options.dataset).features
        summary = prepare.extract_ahead(section, f"datasets.{options.dataset}", options.shard, options.ray)
    _tell(summary, used=summary.computed + summary.reused)
    print(f"{options.dataset}: {summary.computed} arrays new, {summary.reused} there before, one a video and stream")
    return 1 if summary.failures else 0


def _localize(options: argparse.Namespace) -> int:
    from wstal.app import burn, devices, folders, formats, own_videos
    from wstal.base import paths, progress
    from wstal.report import timeline

    devices.choose(options.device)
    settings = _settings(options)
    with folders.taken(options.out), progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
        formats.check(options.formats, options.folder, options.videos, options.out)
        if options.video:
            burn.targets(folders.named(options.videos), options.out)
        located = own_videos.localize(settings, options.videos, options.folder, options.out)
        if options.video:
            burn.burn(located.films, located.classes, options.out, own_videos.settings(settings).burnt)
        formats.write(options.formats, options.folder, options.videos, located.shown, options.out)
    _tell(located.summary, used=len(located.found.videos))
    for video, count in own_videos.counts(located.shown).items():
        print(
            f"{video}: {', '.join(f'{label} {n}' for label, n in count.items()) or timeline.nothing_found(located.why[video])}"
        )
    print(f"open {options.out / 'timeline.html'}")
    return 1 if located.summary.failures else 0


def _tell(summary: Any, used: int) -> None:
    """Notes on videos that were left out or are damaged."""
    for video, warnings in sorted(summary.warnings.items()):
        print(f"note: {video}: {'; '.join(warnings)}.", file=sys.stderr)
    for sentence in summary.failures.values():
        print(f"note: left out: {sentence}", file=sys.stderr)
    if summary.failures:
        print(f"note: {used} of {used + len(summary.failures)} videos were used.", file=sys.stderr)


def _add_evaluate(commands: Any, meant: bool) -> None:
    told = "mean average precision of a result file"
    if not meant:
        commands.add_parser("evaluate", help=told)
        return
    from wstal.evaluation.evaluate import PROTOCOLS

    defaults = "\n".join(f"  {name:14} {', '.join(f'{t:g}' for t in p.tious)}" for name, p in PROTOCOLS.items())
    command = commands.add_parser(
        "evaluate",
        help=told,
        description="Mean average precision of detections, as a published evaluator computes it.",
        epilog=f"""files (start S and end E in seconds):
  GROUND_TRUTH  {{"database": {{VIDEO: {{"subset": NAME, "annotations": [{{"segment": [S, E], "label": NAME}}]}}}}}}
  PREDICTIONS   {{"results": {{VIDEO: [{{"label": NAME, "score": NUMBER, "segment": [S, E]}}]}}}}

protocols and their usual thresholds:
{defaults}

example:
  wstal evaluate activity_net.v1-3.min.json predictions.json --protocol activitynet --json metrics.json""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("ground_truth", type=Path, metavar="GROUND_TRUTH", help="ActivityNet ground-truth JSON")
    command.add_argument("predictions", type=Path, metavar="PREDICTIONS", help="ActivityNet result JSON")
    command.add_argument("--protocol", choices=PROTOCOLS, default="activitynet", help="default: %(default)s")
    command.add_argument(
        "--tiou",
        type=thresholds,
        metavar="LIST",
        help="start:stop:step with stop included, as 0.5:0.95:0.05, or a comma list; default: the protocol's",
    )
    command.add_argument("--subset", metavar="NAME", help="subset of the ground truth; default: the protocol's usual one")
    command.add_argument(
        "--leave-out",
        type=Path,
        metavar="FILE",
        help="videos that count nowhere, as those that the official tool blocks: a JSON list of ids, or one id a line",
    )
    command.add_argument(
        "--as-published",
        action="store_true",
        help="where a class has no detection, mAP 0 as thumos-facnet's and thumos-wtalc's codes print; default: AP 0 for it",
    )
    command.add_argument(
        "--errors", type=float, metavar="TIOU", help="also say what is wrong with the detections at this tIoU, as 0.5"
    )
    command.add_argument("--json", type=Path, metavar="OUT", help="also write average_mAP, mAP and seconds to this file")
    command.set_defaults(run=_evaluate)


def thresholds(text: str) -> tuple[float, ...]:
    """Read "0.5:0.95:0.05" or "0.3,0.5" -> thresholds; a range is numpy.linspace, as in published evaluators."""
    import numpy as np

    try:
        if ":" in text:
            start, stop, step = map(float, text.split(":"))
            steps = round((stop - start) / step)
            if not 0 <= steps < 1000 or abs(start + steps * step - stop) > 1e-9:
                raise ValueError
            values = tuple(np.linspace(start, stop, steps + 1).tolist())
        else:
            values = tuple(map(float, text.split(",")))
    except (ValueError, ZeroDivisionError, OverflowError):
        message = f"{text!r} is neither start:stop:step, where whole steps lead to stop, nor numbers and commas"
        raise argparse.ArgumentTypeError(message) from None
    if len(set(map(_key, values))) < len(values):
        raise argparse.ArgumentTypeError(f"{text!r} holds a threshold twice")
    if not all(0 < value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} holds a threshold that is not above 0 and at most 1")
    return values


def _evaluate(options: argparse.Namespace) -> int:
    from wstal.app import folders
    from wstal.base import files
    from wstal.detect import detections
    from wstal.evaluation import left_out, truth
    from wstal.evaluation.evaluate import PROTOCOLS, evaluate

    folders.check_apart([options.json], [options.ground_truth, options.predictions, options.leave_out])
    protocol = PROTOCOLS[options.protocol]
    ground_truth = truth.read(
        options.ground_truth,
        subset=options.subset,
        preferred=protocol.subsets,
        ambiguous_label=protocol.ambiguous_label,
    )
    predictions = detections.read_json(options.predictions)
    if options.leave_out:
        ground_truth, predictions = left_out.without(ground_truth, predictions, left_out.read(options.leave_out))
    begin = time.perf_counter()
    result = evaluate(ground_truth, predictions, protocol, options.tiou or protocol.tious)
    seconds = time.perf_counter() - begin
    for note in result.notes:
        print(f"note: {note}", file=sys.stderr)
    shown = result.mAP if options.as_published else result.plain_mAP
    if protocol.zero_if_undetected and result.undetected and len(predictions):
        chosen = "prints that 0" if options.as_published else "has AP 0 for the class, `--as-published` prints the 0"
        print(f"note: The table {chosen}.", file=sys.stderr)
    mean, average = dict(zip(map(_key, result.tious.tolist()), shown.tolist(), strict=True)), float(shown.mean())
    width = max(len("average"), *map(len, mean))
    print(f"{'tIoU':{width}}  mAP %")
    for name, value in [*mean.items(), ("average", average)]:
        print(f"{name:{width}} {100 * value:6.2f}")
    if options.errors is not None:
        _print_errors(ground_truth, predictions, protocol, options.errors)
    if options.json:
        metrics = {"average_mAP": average, "mAP": mean, "seconds": seconds}
        files.write(options.json, json.dumps(metrics, indent=2) + "\n")
    return 0


def _print_errors(*problem: Any) -> None:
    from wstal.evaluation.diagnosis import diagnose

    found = diagnose(*problem)
    print(f"\nof the best detections of each class at tIoU {found.tiou:g}, as many as it has instances:")
    print(f"{'':16}      %  mAP without them")
    for kind, share in found.share.items():
        gain = f" {100 * found.gain[kind]:+6.2f}" if kind in found.gain else ""
        print(f"{kind:16} {100 * share:6.2f}{gain}")
    print(f"{100 * (1 - found.recall):.2f} % of the instances are matched by no detection.")


def _key(tiou: float) -> str:
    """Two decimals, or as many as the threshold has."""
    return f"{tiou:.2f}" if abs(round(tiou, 2) - tiou) < 1e-9 else f"{tiou:.12g}"
