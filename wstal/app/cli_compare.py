"""`wstal compare` on the command line."""

import argparse
import math
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wstal.features.compare import Difference, FeatureSet

LINES = 10  # videos on the screen
COLUMNS = (
    "video",
    "snippets_a",
    "snippets_b",
    "dim_a",
    "dim_b",
    "cosine",
    "lowest_cosine",
    "length_ratio",
    "largest_difference",
)


def add(commands: Any) -> None:
    """Add the command."""
    command = commands.add_parser(
        "compare",
        help="say how far two feature sets differ",
        description="Say how far two feature sets of the same videos differ: shape, stride, cosine by video.",
        epilog="""sets:
  a dataset of params.yaml whose features are made, a folder of such features, or a folder of VIDEO.npy, (T, D) each

examples:
  wstal compare thumos14 mine
  wstal compare thumos14 published/i3d_rgb --stream rgb --csv differences.csv""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("first", metavar="A", help="a feature set")
    command.add_argument("second", metavar="B", help="another one")
    command.add_argument("--stream", metavar="NAME", help="this stream alone; default: all, side by side")
    command.add_argument("--csv", type=Path, metavar="OUT", help="also write a line for every video to this file")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from wstal.app import folders
    from wstal.base import files, paths, progress
    from wstal.features import compare

    places = [_folder(place) for place in (options.first, options.second)]
    folders.check_apart([options.csv], places)
    sets = [compare.opened(place, options.stream) for place in places]
    with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
        found = list(compare.differences(*sets))
    print(_summary(sets, found))
    if options.csv:
        files.write(options.csv, _table(found))
    return 0


def _folder(place: str) -> Path:
    """A path as it is; else the features of a dataset."""
    from wstal.base import paths

    return Path(place) if Path(place).exists() or os.sep in place else paths.PIPELINE.features(place)


def _summary(sets: Sequence["FeatureSet"], differences: Sequence["Difference"]) -> str:
    """What a reader wants to know first, then the videos that differ most."""
    lines = [_about(letter, sets, place, differences) for place, letter in enumerate("AB")]
    return "\n".join([*lines, _snippets(differences), *_directions(differences)])


def _about(letter: str, sets: Sequence["FeatureSet"], place: int, differences: Sequence["Difference"]) -> str:
    """One of the two sets."""
    one, other = sets[place], sets[1 - place]
    widths = sorted({row.shapes[place][1] for row in differences})
    alone = len(set(one.videos) - set(other.videos))
    step = f", a snippet every {one.grid.step_s:g} s" if one.grid else ""
    width = " or ".join(map(str, widths[:3])) + (" or others" if len(widths) > 3 else "")
    return f"{letter}: {one.name}: {len(one.videos)} videos ({alone} not in the other), {width} features a snippet{step}"


def _snippets(differences: Sequence["Difference"]) -> str:
    """How many snippets one set has for those of the other."""
    ratios = sorted(row.snippets for row in differences)
    same = sum(row.shapes[0][0] == row.shapes[1][0] for row in differences)
    return (
        f"snippets: as many in {same} of {len(differences)} videos; B has {statistics.median(ratios):.3g} for one of A "
        f"({ratios[0]:.3g} to {ratios[-1]:.3g})"
    )


def _directions(differences: Sequence["Difference"]) -> list[str]:
    """Cosines over videos, and the videos where they are lowest."""
    compared = sorted((row for row in differences if not math.isnan(row.cosine)), key=lambda row: (row.cosine, row.video))
    if not compared:
        return ["cosine: none, as the widths differ"]
    if all(row.shapes[0] == row.shapes[1] and row.largest == 0 for row in differences):
        return ["every number is the same"]
    median, scale = (statistics.median(values) for values in zip(*((row.cosine, row.scale) for row in compared), strict=True))
    head = (
        f"cosine: {median:.4f} in the median video, {compared[0].cosine:.4f} in the lowest; vectors of B are {scale:.3g} times "
        "as long"
    )
    width = max(map(len, ["lowest", *(row.video for row in compared[:LINES])]))
    table = [f"{'lowest':{width}}  cosine         A         B"]
    for row in compared[:LINES]:
        first, second = ("x".join(map(str, shape)) for shape in row.shapes)
        table.append(f"{row.video:{width}}  {row.cosine:6.3f}  {first:>8}  {second:>8}")
    return [head, *table]


def _table(differences: Sequence["Difference"]) -> str:
    from wstal.border import csvfile  # as late as the rest: numpy takes its time

    return csvfile.exact([COLUMNS, *map(_line, differences)])


def _line(row: "Difference") -> list[str]:
    (first_t, first_d), (second_t, second_d) = row.shapes
    numbers = (row.cosine, row.lowest, row.scale, row.largest)
    sizes = map(str, (first_t, second_t, first_d, second_d))
    return [row.video, *sizes, *("" if math.isnan(x) else f"{x:.6g}" for x in numbers)]
