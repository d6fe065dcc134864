"""Notebooks ask modules of the package for what these have: a renamed function is found without running a notebook."""

import ast
from importlib import import_module

import nbformat
import pytest

from wstal.base.paths import NOTEBOOKS


def asked(source: str, modules: dict[str, str]) -> set[tuple[str, str]]:
    """(module, attribute) of every attribute that code takes of an imported module {name: dotted module}."""
    taken = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    found = [(node.value.id, node.attr) for node in taken if isinstance(node.value, ast.Name)]
    return {(modules[name], attribute) for name, attribute in found if name in modules}


def imported(source: str) -> dict[str, str]:
    """{name: dotted module} of what code imports from the package."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    names = [(node.module, alias.name) for node in nodes for alias in node.names if node.module.split(".")[0] == "wstal"]
    return {name: f"{module}.{name}" for module, name in names}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_name_is_there(path):
    code = "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
    modules = imported(code)
    assert modules
    for name, attribute in sorted(asked(code, modules)):
        assert hasattr(import_module(name), attribute), f"{name}.{attribute}"
