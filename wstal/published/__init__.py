"""What papers and datasets print: facts, as data, one file a source. Knows no number of ours, and nothing of params.yaml.

They are read and checked at the first question.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from wstal.base.errors import UserError
from wstal.published import facts
from wstal.published.records import AVERAGE as AVERAGE
from wstal.published.records import Backbones, FeatureStatistics, Paper, PrintedTable, Statistics, nearest

FOLDER = Path(__file__).parent


@cache
def known() -> facts.Facts:
    """All facts.

    Raises:
        UserError: a file does not fit; the sentence names file, place and cure.
    """
    return facts.read(FOLDER)


def entry(name: str) -> PrintedTable:
    """What a paper prints of an entry; of one that no file knows, its name as the title and nothing else."""
    return known().entries.get(name) or PrintedTable(title=name)


def paper(name: str) -> Paper | None:
    """The paper that prints an entry; None for what no paper prints."""
    source = known().source.get(name)
    return known().papers.get(source.stem) if source else None


def in_order(entries: Iterable[str]) -> list[str]:
    """Entries as they are printed: source by source, then in its order; those that no file knows come last."""
    places = {name: place for place, name in enumerate(known().entries)}
    return sorted(entries, key=lambda name: (places.get(name, len(places)), name))


def label(name: str, row: str) -> str:
    """The paper's name of a row, or our own."""
    rows = entry(name).rows
    return rows[row].label if row in rows else row


def values(name: str, row: str) -> dict[str, float]:
    """The printed values of a row in percent: {column: value}; a column that the paper leaves empty is missing."""
    paper = entry(name)
    if row not in paper.rows or not paper.rows[row].values:
        return {}
    return {column: value for column, value in zip(paper.columns, paper.rows[row].values, strict=True) if value is not None}


def elsewhere(name: str) -> list[str]:
    """Rows of an entry that other papers published and nobody trains here."""
    return [row for row, content in entry(name).rows.items() if content.elsewhere]


def statistics() -> dict[str, Statistics]:
    """Statistics of datasets as published: {dataset: statistics}."""
    return known().statistics


def backbones() -> Backbones:
    """What is printed of video networks."""
    return known().backbones


def i3d_features() -> FeatureStatistics:
    """Statistics of real I3D features."""
    return known().i3d_features


def check(entries: Mapping[str, Collection[str]], tious: Mapping[str, Sequence[float]]) -> None:
    """Whether the facts are about what params.yaml has: entries {name: its rows} judged at tious {name: tIoUs}.

    Raises:
        UserError: an entry, a row or a claim's tIoU that params.yaml lacks; the sentence names file, place and cure.
    """
    for name, paper in known().entries.items():
        place = f"{known().source[name]}, {name}"
        if name not in entries:
            near = nearest(name, entries)
            raise UserError(f"{place}: params.yaml has no such entry; mend the name (nearest: {near}), or add the entry there.")
        check_rows(paper, entries[name], place)
        check_claims(paper, entries[name], tious[name], place)


def check_rows(paper: PrintedTable, trained: Collection[str], place: str) -> None:
    """Every row is published elsewhere, or is one that params.yaml trains.

    Raises:
        UserError: one is neither.
    """
    for row, content in paper.rows.items():
        if row not in trained and not content.elsewhere:
            raise UserError(
                f"{place}.rows.{row}: params.yaml trains no such row of the entry; mend the name (nearest: "
                f"{nearest(row, trained)}), or mark it `elsewhere: true`."
            )


def check_claims(paper: PrintedTable, trained: Collection[str], tious: Sequence[float], place: str) -> None:
    """Every claim can be tested.

    Raises:
        UserError: one is about a row that is not trained, or at a tIoU that the entry is not judged at.
    """
    for claim in paper.claims:
        where = f"{place}, claim {claim.text!r}"
        if missing := [row for row in (claim.better, claim.worse) if row not in trained]:
            raise UserError(f"{where}: nobody trains row {missing[0]!r} here; remove the claim, or add the row to params.yaml.")
        if claim.at is not None and claim.at not in tious:
            judged = ", ".join(f"{tiou:g}" for tiou in tious)
            raise UserError(f"{where}: the entry is not judged at tIoU {claim.at:g}; give `at` one of {judged}.")
