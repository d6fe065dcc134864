"""Sections of params.yaml put together: each row with every value that it has, each entry with how it is judged.

Layers in this order, later ones win: `defaults`, the method's base, its preset, the dataset's overrides, the row. On datasets
that say `scaled`, wstal/config/scaled_settings.py scales the first three to the dataset's size.
"""

from collections.abc import Mapping
from math import exp
from typing import Any

import msgspec

from wstal.base.conversion import convert, merge
from wstal.base.errors import UserError
from wstal.base.record import Count
from wstal.config import scaled_settings
from wstal.config.parameters import Dataset, EnsembleEntry, Entry, EvaluationSection, Features, Parameters, lookup
from wstal.config.scaled_settings import DatasetSize
from wstal.config.settings import Draft, Settings, settings
from wstal.detect.ensemble import Combination


def row(params: Parameters, entry: Entry, values: Mapping[str, Any], where: str) -> Settings:
    """Settings of a row: its method, its preset and what it sets. `where` is its place: "entries.facnet_table1.rows.full".

    Raises:
        UserError: something does not fit.
    """
    place, change = f"params.yaml, {where}", dict(values)
    if unknown := sorted(set(values) - set(Draft.__struct_fields__)):
        raise UserError(f"{place} sets {unknown[0]!r}; a row may set {', '.join(Draft.__struct_fields__)}.")
    method, preset = change.pop("method", entry.method), change.pop("preset", None)
    if method is None:
        raise UserError(f"{place} has no `method`; add one to the row.")
    section, dataset = lookup(params.methods, method, f"methods, where {where} looks,"), params.dataset(entry.dataset)
    preset = preset or section.preset
    chosen = merge(params.defaults, section.base, lookup(section.presets, preset, f"methods.{method}.presets"))
    if size := size_of(dataset, entry.dataset):
        chosen = scaled_settings.scaled(chosen, method, size, preset)
    merged = merge(chosen, dataset.overrides.get(method, {}), change, {"method": method, "preset": preset})
    resolved = settings(merged, place)
    streams = resolved.streams or dataset.features.streams
    if unknown := [name for name in streams if name not in dataset.features.streams]:
        known = ", ".join(dataset.features.streams)
        raise UserError(f"{place} uses stream {unknown[0]!r}; datasets.{entry.dataset} has {known}.")
    fused = streams if len(streams) > 1 and not resolved.early_fusion else ()
    if unscaled := sorted(set(fused) - set(resolved.localize.stream_scale)):
        raise UserError(
            f"{place}: there is no localize.stream_scale for stream {unscaled[0]!r} of datasets.{entry.dataset}; add it "
            "to the method or to the dataset's overrides."
        )
    return msgspec.structs.replace(resolved, streams=streams)


class Stated(msgspec.Struct):
    """What a simulated dataset's source states of its size, among other things."""

    dim: Count
    train_videos: Count
    duration_s: tuple[float, float]  # median and log-deviation


def features(params: Parameters, name: str) -> Features:
    """How the annotations and features of dataset `name` are made: if it is redrawn, a draw for every seed."""
    dataset = params.dataset(name)
    if not dataset.redrawn:
        return dataset.features
    return msgspec.structs.replace(dataset.features, source={**dataset.features.source, "draws": list(params.seeds)})


def size_of(dataset: Dataset, name: str) -> DatasetSize | None:
    """The size that presets are scaled to on dataset `name`; None where they are not.

    Raises:
        UserError: it says `scaled: true`, and its source does not state its size.
    """
    if isinstance(dataset.scaled, DatasetSize) or not dataset.scaled:
        return dataset.scaled or None
    try:
        stated = msgspec.convert(dataset.features.source, Stated)
    except msgspec.ValidationError:
        raise UserError(
            f"params.yaml: datasets.{name} says `scaled: true`, but its source does not state `dim`, `train_videos` and "
            "`duration_s`; write `scaled: {width: ..., videos: ..., length_t: ...}`."
        ) from None
    median, deviation = stated.duration_s
    length_t = median * exp(deviation**2 / 2) / dataset.features.grid.step_s
    return DatasetSize(width=stated.dim, videos=stated.train_videos, length_t=length_t)


def rows(params: Parameters, name: str) -> dict[str, Settings]:
    """Settings of all rows of an entry, in order."""
    entry = params.entry(name)
    return {key: row(params, entry, values, f"entries.{name}.rows.{key}") for key, values in entry.every.items()}


def combinations(params: Parameters, name: str) -> dict[str, Combination]:
    """How each row of an ensemble entry joins its members.

    Raises:
        UserError: something does not fit, or a member is no row of the entry.
    """
    entry = params.ensemble(name)
    found: dict[str, Combination] = {}
    known = params.entry(entry.of).every
    lookup(known, entry.localize, f"{entry.of}, which ensembles.{name} joins,")
    for key, values in entry.rows.items():
        found[key] = convert(merge(entry.base, values), Combination, f"params.yaml, ensembles.{name}.rows.{key}")
        for member in found[key].weights:
            lookup(known, member, f"{entry.of}, which ensembles.{name} joins,")
    return found


def evaluation(params: Parameters, name: str) -> EvaluationSection:
    """How an entry is judged: the dataset's section and what the entry sets over it.

    Raises:
        UserError: the dataset has no such section, or what the entry sets does not fit.
    """
    entry: Entry | EnsembleEntry = lookup(params.reported, name, "entries and ensembles")
    section = params.dataset(entry.dataset).evaluation
    if section is None:
        raise UserError(f"params.yaml: datasets.{entry.dataset} has no `evaluation` section; add one as thumos14-sim has it.")
    merged = merge(msgspec.to_builtins(section), entry.evaluation)
    return convert(merged, EvaluationSection, f"params.yaml, {name}.evaluation")
