"""Where two folders differ: the place and the values, in every kind of file that the pipeline writes."""

import json

import nbformat
import numpy as np
import pytest
import torch

from wstal.app import differences
from wstal.border import tensorfile


@pytest.fixture
def both(tmp_path):
    """both(name, write, old, new) -> what is said of a file that `write` writes in two folders."""

    def both(name, write, old, new):
        for folder, value in (("old", old), ("new", new)):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            write(tmp_path / folder / name, value)
        return list(differences.between(tmp_path / "old", tmp_path / "new"))

    return both


def save_json(path, value):
    path.write_text(json.dumps(value))


def save_text(path, value):
    path.write_text(value)


def save_tensors(path, value):
    tensorfile.save({name: torch.tensor(x) for name, x in value.items()}, path)


def save_notebook(path, value):
    output = nbformat.v4.new_output("stream", text=value)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", id="a", outputs=[output])]), path)


@pytest.mark.parametrize(
    ("name", "write", "old", "new", "said"),
    [
        ("a.json", save_json, {"rows": {"um": [0.5, 1]}}, {"rows": {"um": [0.5, 2]}}, "rows.um[1] is 2, and was 1"),
        ("a.json", save_json, {"a": [1]}, {"a": [1, 2]}, "a[1] is 2, and was nothing"),
        ("a.json", save_json, {"a": 1}, {"a": 1.0}, "a is 1.0, and was 1"),
        ("a.json", save_json, {"a": 1, "b": 2}, {"b": 2}, "a is nothing, and was 1"),
        ("a.yaml", save_text, "a: {b: 1}\n", "a: {b: 2}\n", "a.b is 2, and was 1"),
        ("a.csv", save_text, "a,b\n1,2\n", "a,b\n1,3\n", "line 2, column 2 is '3', and was '2'"),
        ("a.csv", save_text, "a,b\n", "a,b\n1,3\n", "line behind the last, column 1 is '1', and was nothing"),
        ("b/a.md", save_text, "x\ny\n", "x\nz\n", "line 2 is 'z', and was 'y'"),
        ("a.npy", np.save, np.zeros((2, 2)), np.eye(2), "array[0, 0] is 1.0, and was 0.0 (2 of 4 differ)"),
        ("a.npy", np.save, np.zeros(2), np.zeros(3), "array is float64 of shape (3,), and was float64 of shape (2,)"),
        ("a.npy", np.save, np.array([0.0]), np.array([-0.0]), "array[0] is -0.0, and was 0.0 (1 of 1 differ)"),
        ("a.safetensors", save_tensors, {"w": [1, 2]}, {"w": [1, 3]}, "tensor w[1] is 3, and was 2 (1 of 2 differ)"),
        ("a.safetensors", save_tensors, {"w": [1]}, {"w": [1], "v": [1]}, "tensor v was not there"),
        ("a.ipynb", save_notebook, "1", "2", "cells[0].outputs[0].text[0] is '2', and was '1'"),
        ("a.png", save_text, "abc", "abd", "line 1 is 'abd', and was 'abc'"),
        ("a.json", save_text, "{", "{{", "byte 1 differs; it has 2 bytes, and had 1"),
    ],
)  # fmt: skip
def test_the_first_difference_is_said(both, name, write, old, new, said):
    assert both(name, write, old, new) == [f"{name}: {said}"]


def test_equal_folders_have_none(both):
    assert both("a.json", save_json, {"a": [1.5]}, {"a": [1.5]}) == []


def test_files_of_one_side_are_named(tmp_path):
    for name in ("old/a", "new/b"):
        save_text_at = tmp_path / name
        save_text_at.parent.mkdir()
        save_text_at.write_text("x")
    assert list(differences.between(tmp_path / "old", tmp_path / "new")) == ["a is missing", "b was not there"]
