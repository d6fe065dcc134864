"""Names that mean the same: known answers, and pairs that are two names."""

import pytest

from wstal.checks.spelling import alike, joined, nearest, tidy, typos


@pytest.mark.parametrize(
    ("name", "tidied"),
    [
        ("Jump ", "Jump"),
        ("\u00a0Jump", "Jump"),
        ("U\u0308ben", "Üben"),
        ("\ufeffJump\u200b", "Jump"),
        ("Long  jump", "Long  jump"),
        (" ", ""),
    ],
)
def test_tidy(name, tidied):
    assert tidy(name) == tidied


def test_letters_of_other_alphabets_look_alike():
    assert [*alike(["Cap", "\u0421\u0430\u0440", "\u03a1ole", "Pole", "\u0411\u0435\u0433"])] == [
        ["Cap", "\u0421\u0430\u0440"],
        ["\u03a1ole", "Pole"],
    ]


def test_alike():
    names = ["Red", "red", "RED ", "High Jump", "HighJump", "high-jump", "Walk", "Walks", "Pass", "Pas", "C", "Ｃ", "Blue"]
    assert [*alike(names)] == [
        ["Red", "red", "RED "], ["High Jump", "HighJump", "high-jump"], ["Walk", "Walks"], ["C", "Ｃ"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rare", "common"),
    [("Runing", "Running"), ("Jupming", "Jumping"), ("Runninng", "Running"), ("Bending", "Benting"), ("unning", "Running")],
)
def test_slips_are_a_letter_apart(rare, common):
    assert [*typos({common: 9, rare: 1})] == [(rare, common)]


def test_what_is_no_slip():
    """Both are common, short names, digits, two letters apart, and real neighbours of Kinetics-400 at their real sizes."""
    assert not [*typos({"shaking head": 300, "shaving head": 300, "clapping": 50, "slapping": 60})]
    assert not [*typos({"Jump": 9, "Bump": 1, "Class1": 1, "Class2": 1, "Class12": 1, "Running": 9, "Rinnink": 1})]


def test_slips_of_many_names_are_found_quickly():
    counts = {
        f"action number {chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676)} of the list": 9 for i in range(2000)
    }
    counts["actoin number aaa of the list"] = 1
    assert ("actoin number aaa of the list", "action number aaa of the list") in [*typos(counts)]


def test_several_names_in_one():
    assert joined("Red,Blue", ["Red", "Blue", "Red,Blue"]) == ["Red", "Blue"]
    assert joined("red; Green", ["Red", "Blue"]) == ["Red"]
    assert joined("Dive, high", ["Dive low", "Jump"]) == [] and joined("Red", ["Red", "red"]) == []


def test_nearest():
    assert nearest("jump", ["Wave", "Jump"]) == "Jump" and nearest("Jmup", ["Wave", "Jump", "Jumping"]) is not None
    assert nearest("unknown", ["x"]) is None and nearest("x", []) is None
