"""Released settings scaled to a smaller dataset by one rule, the same for all methods, fixed before a result of it was seen.

Every released code trains on I3D features of THUMOS14; presets named activitynet are for ActivityNet1.2, LGBM-Net's report is
on HACS. With r the width of a stream over theirs and q the mean length of a video in snippets over theirs, what a preset says
becomes

widths of layers           times r, as codes tie them to the features; at least 16
step size                  over r: Adam moves each weight by it, and a layer sums over r times as many (Yang and Hu 2021)
number of steps            times r, as each goes 1 / r as far; within 500 and 1000, what a reproduction affords
margin of UM               times the root of r: it is a length of an embedding; margins of cosines and of scores stay
snippets of a bag          times q
blocks, k of a block       times q; k as a share stays; so is what SAL chooses in addition
pooled snippets of STPN    times q, where it pools a sum over the bag

and nothing else changes: losses, their weights, weight decay, dropout, ratios, batches, thresholds, post-processing. The number
of videos enters through the epochs that make the number of steps. A preset's own step or length is scaled like any other and
never replaced. Rows of entries and `overrides` of a dataset stand over the rule and are not scaled.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from math import isfinite
from typing import Any

from wstal.base.record import Count, Positive, Record

LEAST_WIDTH = 16
STEPS = (500, 1000)  # fewest and most of a scaled run
WIDTHS = ("hidden", "filter_hidden", "attention_hidden")  # parameters of methods that are widths of layers
LENGTHS = {("um", "margin")}  # that are lengths of an embedding
COUNTS = ("block", "k", "extra")  # that count snippets


class DatasetSize(Record):
    """What a preset is scaled by: how large a dataset is."""

    width: Count  # D of a stream
    videos: Count  # of the training subset
    length_t: Positive  # mean snippets of a video


THUMOS14 = DatasetSize(width=1024, videos=200, length_t=327.0)  # 209 s in snippets of 0.64 s
HACS = DatasetSize(width=1024, videos=37613, length_t=184.0)  # its lengths are not published: ActivityNet1.3's 117.5 s
ACTIVITYNET12 = DatasetSize(width=1024, videos=4441, length_t=181.0)  # 116 s
RELEASED = {"lgbm": HACS}  # method -> what its settings are for, where that is not THUMOS14
PRESETS = {"activitynet": ACTIVITYNET12}  # preset of any method -> what it is for


def home_of(method: str, preset: str) -> DatasetSize:
    """The dataset that a preset of a method is for."""
    return PRESETS.get(preset) or RELEASED.get(method, THUMOS14)


def scaled(values: Mapping[str, Any], method: str, size: DatasetSize, preset: str = "") -> dict[str, Any]:
    """Settings of a preset, as params.yaml spells them, scaled to a dataset of that size; what is no number stays."""
    home, found = home_of(method, preset), deepcopy(dict(values))
    r, q = size.width / home.width, size.length_t / home.length_t
    batch, bag = at(found, "training", "batch_videos"), at(found, "training", "snippets", "count")
    for name in WIDTHS:
        change(found, lambda width: max(round(width * r), LEAST_WIDTH), "params", name)
    change(found, lambda lr: significant(lr / r), "optimizer", "lr")
    if is_number(batch) and batch > 0:
        change(found, lambda epochs: epochs_of(epochs * home.videos / batch * r, batch, size), "training", "epochs")
    if (method, "margin") in LENGTHS:
        change(found, lambda margin: significant(margin * r**0.5), "params", "margin")
    for name in COUNTS:
        change(found, lambda count: max(round(count * q), 1) if count >= 1 else count, "params", name)
    change(found, lambda pooled: float(round(pooled * q)) if pooled == bag else pooled, "params", "pooled")
    change(found, lambda count: round(count * q), "training", "snippets", "count")
    return found


def epochs_of(steps: float, batch: int, size: DatasetSize) -> int:
    """Passes over the training videos that make about so many steps, within `STEPS`, and at least one."""
    return max(round(min(max(steps, STEPS[0]), STEPS[1]) * batch / size.videos), 1)


def significant(value: float) -> float:
    """A value to three digits, as tables and params.yaml write it."""
    return float(f"{value:.3g}")


def at(values: Mapping[str, Any], *path: str) -> Any:
    """What stands at a path of nested mappings; None where nothing does."""
    found: Any = values
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def change(values: dict[str, Any], rule: Callable[[Any], Any], *path: str) -> None:
    """Replace the number, or each of a list of numbers, at a path; where there is none, nothing happens."""
    found = at(values, *path)
    if is_number(found):
        at(values, *path[:-1])[path[-1]] = rule(found)
    elif isinstance(found, list) and all(map(is_number, found)):
        at(values, *path[:-1])[path[-1]] = [rule(one) for one in found]


def is_number(value: Any) -> bool:
    """Whether a value of params.yaml is a finite number; `true` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def changes(before: Mapping[str, Any], after: Mapping[str, Any], place: str = "") -> dict[str, tuple[Any, Any]]:
    """{dotted place: (released, scaled)} of all values that differ."""
    found: dict[str, tuple[Any, Any]] = {}
    for name, value in before.items():
        where = f"{place}.{name}".lstrip(".")
        if isinstance(value, Mapping):
            found |= changes(value, after[name], where)
        elif value != after[name]:
            found[where] = (value, after[name])
    return found
