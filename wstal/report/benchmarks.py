"""What was measured of speed: reports/benchmarks/*.json, in whatever layout a benchmark writes, as rows of one kind.

{"machine", "rows": [`BenchmarkRow`, ...]}                  scripts/bench.py
{"machine", "rows": [{"method", "fast_s", ...}]}            scripts/benchmark_training.py
{"machine", "rows": [{"what", "name", ...}]}                rows of scripts/benchmark_networks.py
{"machine", "entry", "fast", "reproducible", ...}           scripts/benchmark_modes.py
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from wstal.base.errors import UserError
from wstal.border import content, jsonfile
from wstal.report.cells import DASH, number
from wstal.report.tables import Table

PEAKS = {"H200": 989.0, "H100": 989.0}  # TFLOP/s of 16-bit numbers, dense, as their maker prints
RATES = {"clips a second": "clips", "pairs a second": "pairs", "snippets a second": "snippets"}
CURE = "make it again with `make bench` or `make bench-gpu`"


class BenchmarkRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A piece of work, how fast it is done here, and how fast in the straightforward way, in the same run."""

    group: str
    work: str
    unit: str  # "s", or what is made in a second, as in "clips a second"
    ours: float
    plain: float | None = None  # the straightforward way
    way: str = ""  # what that is
    floor: float | None = None  # what arithmetic and memory of the machine allow, in the same unit
    memory_mb: float | None = None
    goal: float | None = None
    size: int | None = None  # videos, where the same work is done on more and more of them

    @property
    def ratio(self) -> float | None:
        """How many times faster than the straightforward way."""
        if self.plain is None:
            return None
        return self.plain / self.ours if self.unit == "s" else self.ours / self.plain


class Measured(msgspec.Struct, frozen=True):
    """A file of rows."""

    machine: str
    rows: tuple[BenchmarkRow, ...]


class Modes(msgspec.Struct, frozen=True):
    """Average mAP of an entry in percent, {row: one a seed}, trained in both modes."""

    machine: str
    entry: str
    fast: dict[str, tuple[float, ...]]
    reproducible: dict[str, tuple[float, ...]]


def read(folder: Path) -> list[Measured]:
    """The files of a folder that hold rows, by name.

    Raises:
        UserError: a file is damaged.
    """
    return [measured(value, path) for path, value in values(folder) if not {"rows", "networks"}.isdisjoint(value)]


def modes(folder: Path) -> list[Modes]:
    """The files of a folder that compare modes, by name.

    Raises:
        UserError: a file is damaged.
    """
    return [convert(value, Modes, path) for path, value in values(folder) if "reproducible" in value]


def values(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The JSON files of a folder, by name.

    Raises:
        UserError: a file is no JSON object.
    """
    found = [(path, jsonfile.decode(content.read_bytes(path), path)) for path in sorted(folder.glob("*.json"))]
    for path, value in found:
        if not isinstance(value, dict):
            raise UserError(f"{path} is no file of a benchmark; {CURE}.")
    return found


def measured(value: Mapping[str, Any], path: Path) -> Measured:
    """A file of rows in any of the layouts.

    Raises:
        UserError: it is of none.
    """
    try:
        value = flat(value) if "networks" in value else value
        rows = value["rows"]
        if rows and "method" in rows[0]:
            rows = [training(one) for one in rows]
        elif rows and "what" in rows[0]:
            rows = networks(rows, value["machine"])
    except (KeyError, TypeError, AttributeError):
        raise UserError(f"{path} is no file of a benchmark; {CURE}.") from None
    return convert({**value, "rows": rows}, Measured, path)


def convert(value: Mapping[str, Any], kind: type[Any], path: Path) -> Any:
    """A decoded file as a record.

    Raises:
        UserError: it does not fit.
    """
    try:
        return msgspec.convert(value, kind, from_attributes=True)
    except msgspec.ValidationError as error:
        raise UserError(f"{path} is no file of a benchmark ({error}); {CURE}.") from None


def training(one: Mapping[str, Any]) -> BenchmarkRow:
    """A method trained in both modes."""
    return BenchmarkRow(
        group="training", work=f"{one['method']}, {one['networks']} networks of {one['steps']} steps", unit="s",
        ours=one["fast_s"], plain=one["reproducible_s"], way="mode reproducible, one network after the other",
        memory_mb=1024 * one["memory_gb"],
    )  # fmt: skip


def flat(value: Mapping[str, Any]) -> dict[str, Any]:
    """Rows that are nested by kind, name and, of networks, way, as a list."""
    rows = []
    for what in ("networks", "flow", "extraction"):
        for name, found in value.get(what, {}).items():
            nested = {f"{name} {way}": one for way, one in found.items()} if what == "networks" else {name: found}
            rows += [{"what": what, "name": full, **one} for full, one in nested.items() if isinstance(one, dict)]
    machine = value["machine"]
    return {"machine": f"{machine['gpu']}, torch {machine['torch']}", "rows": rows}


def networks(rows: Iterable[Mapping[str, Any]], machine: str) -> list[BenchmarkRow]:
    """Networks, flow and extraction; of a row that was measured again, the last time counts."""
    peak = next((tflops for name, tflops in PEAKS.items() if name in machine), None)
    last = {(one["what"], one["name"]): one for one in rows if not RATES.keys().isdisjoint(one)}
    found = []
    for (what, name), one in last.items():
        words: list[str] = [*name.rsplit(" ", 2), "", ""]
        network, way, precision = words[:3]
        if way == "plain":
            continue
        unit = next(unit for unit in RATES if unit in one)
        beside = last.get((what, f"{network} plain {precision}"), {}) if way == "fused" else {}
        found.append(
            BenchmarkRow(
                group=what,
                work=name,
                unit=unit,
                ours=one[unit],
                plain=beside.get(unit),
                way="the network as torch runs it" if beside else "",
                floor=one[unit] * peak / one["TFLOP/s"] if peak and "TFLOP/s" in one else None,
                memory_mb=1024 * one["memory GB"] if "memory GB" in one else None,
                goal=one.get("goal"),
            )
        )
    return found


def table(files: Sequence[Measured]) -> Table:
    """Every row, under its machine."""
    header = ("Work", "Machine", "Unit", "Ours", "Straightforward", "Ratio", "Floor", "Goal", "MB", "Straightforward is")
    rows = []
    for file in files:
        for row in file.rows:
            cells = (figure(value) for value in (row.ours, row.plain, row.ratio, row.floor, row.goal, row.memory_mb))
            ours, plain, ratio, floor, goal, memory = cells
            rows.append((f"{row.group}: {row.work}", file.machine, row.unit, ours, plain, ratio, floor, goal, memory, row.way))
    caption = "Floor: operations over the machine's rate, or bytes over its bandwidth, whichever takes longer."
    return Table("Speed", caption, header, tuple(rows))


def figure(value: float | None) -> str:
    """Three digits, or a dash."""
    return DASH if value is None else number(value, ",.0f" if value >= 100 else ".3g")
