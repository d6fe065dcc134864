"""YAML of any kind is a mapping of plain values or a sentence."""

import pytest

from wstal.base.errors import UserError
from wstal.border import yamlfile

LAUGHS = "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
BAD = {
    "a day that is none": "own: 2001-99-99",
    "an integer that is none": "own: !!int abc",
    "5,000 digits": "own: " + "9" * 5000,
    "3,000 levels": "a: " + "[" * 3000,
    "100,000 levels": "[" * 100_000,
    "levels of lines": "- " * 1000 + "a",
    "no number": "lr: .nan",
    "no Unicode": 'a: "\\ud800"',
    "a list in itself": "a: &a [*a]",
    "a mapping in itself": "a: &a {b: *a}",
    "a thousand million laughs": "a: &a [x, x, x, x, x, x, x, x, x]\n" + LAUGHS,
    "laughing merges": "a: &a {x: 1}\n"
    + "\n".join(f"{b}: &{b} {{<<: [{', '.join([f'*{a}'] * 9)}]}}" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "a key twice": "a: 1\nb: 2\na: 3",
    "a key twice, in two kinds": "1: a\n1.0: b",
    "a list as a key": "? [1]\n: 2",
    "an object": "a: !!python/object/apply:os.system [x]",
    "a module": "a: !!python/module:os",
    "a time that is none": "a: !!timestamp x",
    "a merge of nothing": "<<: 3",
    "an alias of nothing": "a: *b",
    "a tab": "\ta: 1",
    "two documents": "a: 1\n---\nb: 2",
    "a null sign": "a: \0",
    "not UTF-8": "a: \udcff",
    "a list": "- a",
    "nothing": "",
    "comments": "# a",
    "text": "a",
    "longer than settings are": "a: " + "x" * (2**21 + 1),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_yaml_is_a_sentence(tmp_path, case):
    path = tmp_path / "x.yaml"
    path.write_bytes(BAD[case].encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=r"^[^\n]*x\.yaml[^\n]*\.$"):
        yamlfile.read(path, "mend it")


def test_aliases_and_merges_are_read(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("a: &a {x: 1, y: [1, 2]}\nb: {<<: *a, x: 2}\nc: [*a, *a]\nd: .inf\n1: é\n")
    a = {"x": 1, "y": [1, 2]}
    assert yamlfile.read(path, "mend it") == {"a": a, "b": {"x": 2, "y": [1, 2]}, "c": [a, a], "d": float("inf"), 1: "é"}


def test_many_keys_are_looked_at_in_no_time(tmp_path):
    """20,000 keys; comparing each with each took minutes."""
    path = tmp_path / "x.yaml"
    path.write_text("\n".join(f"k{i}: {i}" for i in range(20_000)))
    assert len(yamlfile.read(path, "mend it")) == 20_000
