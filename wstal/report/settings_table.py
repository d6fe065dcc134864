"""What the rows of an entry are trained with, and in what rows of one method differ."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wstal import published
from wstal.config.settings import Settings
from wstal.report.tables import Table
from wstal.training.experiment import Run

NAMED = ("method", "preset")  # columns of their own


def settings_table(runs: Sequence[Run]) -> Table:
    """Method, preset, and every parameter that differs between rows of the method, a line a row of the runs' entry."""
    rows = {run.row: run.settings for run in reversed(runs)}
    rows = {name: rows[name] for name in dict.fromkeys(run.row for run in runs)}
    lines = []
    for name, settings in rows.items():
        changed = ", ".join(f"{key} {text(value)}" for key, value in differing(settings, list(rows.values())).items())
        lines.append((published.label(runs[0].card.entry, name), settings.method, settings.preset, changed or "–"))
    caption = "Parameters that are the same in all rows of a method are left out: reports/plan/rows has every value."
    return Table(
        "What rows are trained with", caption, ("row", "method", "preset", "in what rows of the method differ"), tuple(lines)
    )


def differing(settings: Settings, every: Sequence[Settings]) -> dict[str, Any]:
    """{parameter: value} of settings, for those that differ between all settings of the same method."""
    alike = [flat(msgspec.to_builtins(one)) for one in every if one.method == settings.method]
    mine = flat(msgspec.to_builtins(settings))
    return {key: value for key, value in mine.items() if key not in NAMED and any(one.get(key) != value for one in alike)}


def flat(section: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{dotted name: value} of nested mappings."""
    found: dict[str, Any] = {}
    for key, value in section.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return found


def text(value: Any) -> str:
    """A value on one line; lists without quotes."""
    return f"[{', '.join(map(text, value))}]" if isinstance(value, list | tuple) else str(value)
