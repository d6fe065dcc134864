"""What papers and datasets print: facts, as data, one file a source."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent


@cache
def entry(name: str) -> dict:
    """What a paper prints of an entry: title, claim (a sentence), columns, rows {name: {label, values}}, claims about rows."""
    empty = {"title": name, "claim": "", "columns": [], "rows": {}, "claims": []}
    for path in sorted(FOLDER.glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if name in content:
            return empty | content[name]
    return empty


def in_order(entries: Iterable[str]) -> list[str]:
    """Entries as they are printed: source by source, then in its order; those that no file knows come last."""
    known = [name for path in sorted(FOLDER.glob("*.yaml")) for name in yaml.safe_load(path.read_text(encoding="utf-8"))]
    places = {name: place for place, name in enumerate(known)}
    return sorted(entries, key=lambda name: (places.get(name, len(known)), name))


def label(name: str, row: str) -> str:
    """The paper's name of a row, or our own."""
    return entry(name)["rows"].get(row, {}).get("label", row)


def values(name: str, row: str) -> dict[str, float]:
    """The printed values of a row: {column: value}; a column that the paper leaves empty is missing."""
    known = entry(name)
    printed = known["rows"].get(row, {}).get("values", [])
    return {column: value for column, value in zip(known["columns"], printed, strict=False) if value is not None}


def elsewhere(name: str) -> list[str]:
    """Rows of an entry that other papers published and nobody trains here."""
    return [row for row, content in entry(name)["rows"].items() if content.get("elsewhere")]


@cache
def statistics() -> dict[str, dict]:
    """Statistics of datasets as published: {dataset: {title, source, train, test, two_classes}}; None is not published."""
    files = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
    return {name: content for name, content in files.items() if "train" in content}
