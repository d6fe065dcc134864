"""Ids become names of files in one place: apart on every file system, inside their folder, short enough, and text."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import GRID, VALUES
from wstal.base.errors import UserError
from wstal.border import filenames
from wstal.features.extraction.partfiles import Part, Parts

ODD = [
    "",
    ".",
    "..",
    "...",
    "/",
    "../x",
    "a/b",
    "a\\b",
    "C:\\x",
    "a\0b",
    "\0",
    "con",
    "CON",
    "nul.txt",
    "com1",
    "lpt9.x",
    "aux.",
    "x.",
    "x ",
    " x",
    "-x",
    ".x",
    "~",
    "a~b",
    "a\nb",
    "a\tb",
    "é",
    "e\u0301",
    "É",
    "日本語",
    "ß",
    "ss",
    "SS",
    "ſs",
    "ı",
    "i",
    "I",
    "İ",
    "ﬁ",
    "fi",
    "K",
    "k",
    "K",
    "\u202egpj.exe",
    "\ud800",
    "\udcff",
    "a" * 400,
    "A" * 400,
    "日" * 400,
    "é" * 150,
    "*?",
    "[x]",
    "cam1:front",
    "v_AbC",
    "v_abc",
    "v_aBc",
    "video_test_0000270",
    "%2e%2e",
    "\u200b",
    "\ufeff",
    "a\u200bb",
]
texts = st.text(st.characters(exclude_categories=[]), max_size=300) | st.sampled_from(ODD)


def same_place(one: str, other: str) -> bool:
    """Whether some file system takes two names for one, by foldings that `names` does not use itself."""
    forms = ("NFC", "NFD")
    return any(
        unicodedata.normalize(form, case(unicodedata.normalize(form, one)))
        == unicodedata.normalize(form, case(unicodedata.normalize(form, other)))
        for form in forms
        for case in (str, str.lower, str.upper, str.casefold)
    )


@settings(max_examples=300)
@given(st.lists(texts, max_size=8, unique=True))
def test_every_id_gets_a_name_of_its_own(ids):
    for made in (filenames.file_names(ids), {name: filenames.file_name(name) for name in ids}):
        assert list(made) == ids
        found = list(made.values())
        assert not any(same_place(a, b) for i, a in enumerate(found) for b in found[:i])


@settings(max_examples=300)
@given(texts)
def test_a_name_stays_in_its_folder_and_is_short(name):
    made = filenames.file_name(name)
    path = Path("folder") / f"{made}.txt"
    assert path.parent == Path("folder") and path.name == f"{made}.txt"
    assert 0 < len(made.encode("utf-8")) <= filenames.LONGEST and not set('/\\:*?"<>|\0') & set(made) and made.isprintable()
    assert (
        not made.startswith(("-", " "))
        and not made.endswith((".", " "))
        and made.split(".")[0].lower() not in ("con", "nul", "com1")
    )


def test_odd_names_can_be_written(tmp_path):
    for name in filenames.file_names(ODD).values():
        (tmp_path / f"{name}.txt").write_text("x")
    assert len(list(tmp_path.iterdir())) == len(set(ODD))


def test_usual_ids_keep_their_names():
    usual = ["video_test_0000270", "v_AoRk69eieek", "Monday", "日本語", "café", "train-0001", "a.b", "GoPro 001 (2)"]
    assert filenames.file_names(usual) == {name: name for name in usual}
    lower = [name for name in usual if name == name.lower()]
    assert [filenames.file_name(name) for name in lower] == lower


def test_ids_that_differ_by_case_or_spelling_alone_are_told_apart():
    made = filenames.file_names(["Monday", "monday", "caf\u00e9", "cafe\u0301"])
    assert made["Monday"].startswith("Monday~") and made["cafe\u0301"].startswith("caf")
    assert len({filenames.fold(name) for name in made.values()}) == 4


@pytest.mark.parametrize("name", ["../x", "..", ".", "", "a/b", "/etc/passwd", "a\\b", "a\0", "\udcff"])
def test_a_file_that_somebody_named_is_in_its_folder(name):
    with pytest.raises(UserError, match=r"list\.txt: video id .* cannot name a file; use an id without slashes\.$"):
        filenames.part(name, "list.txt")
    assert filenames.part("v_A b:é", "list.txt") == "v_A b:é"


@pytest.mark.parametrize("name", ["../../out", "x" * 400, "a/b", "é" * 200, "..", "con", "a\udcff"])
def test_parts_of_any_video_lie_in_their_folder(tmp_path, name):
    parts, film = Parts(tmp_path / "parts", "a network", GRID), tmp_path / "film.mp4"
    parts.save(name, Part(VALUES, []), parts.sources(film))
    assert (parts.load(name, film).features == VALUES).all()
    assert len(list((tmp_path / "parts").iterdir())) == 1 and len(list(tmp_path.iterdir())) == 1
    assert parts.load(name + "x", film) is None
