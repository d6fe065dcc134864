"""Docstrings state contracts: array functions name shapes, and functions that refuse input say so."""

import ast
import re
from collections.abc import Iterator

import pytest

from wstal.base.code import PACKAGE

FILES = [path.relative_to(PACKAGE).as_posix() for path in sorted(PACKAGE.rglob("*.py"))]
ARRAY = re.compile(r"\b(ndarray|Tensor|ArrayLike)\b")
ERRORS = {"UserError", "DecodeError"}
SIZE = re.compile(r"\.\.\.|(\d+|[A-Z]'?|[a-z_]+)([ +*/^-]+(\d+|[A-Z]'?|[a-z_]+))*")  # of an axis: N, C + 1, H / 4, window_f
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[tuple[Function, str]]:
    """Functions and methods that others may call, magic ones too, each with the docstring of its class, if it has one."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node, ""
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for child in node.body:
                if isinstance(child, Function) and (child.name.startswith("__") or not child.name.startswith("_")):
                    yield child, ast.get_docstring(node) or ""


def is_shape(text: str) -> bool:
    """Whether what stands in parentheses is the shape of an array: (N, T), (B, C + 1), (size,), (...)."""
    sizes = [size.strip() for size in text.removesuffix(",").split(",")]
    if not all(SIZE.fullmatch(size) for size in sizes):
        return False
    return text == "..." or ("," in text and (len(sizes) == 1 or re.search(r"[A-Z\d]|\.\.\.", text) is not None))


def names_a_shape(text: str) -> bool:
    return any(map(is_shape, re.findall(r"\(([^()]+)\)", text)))


def annotations(function: Function) -> str:
    """The annotations of a function's arguments and of what it returns."""
    args = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs, function.args.vararg)
    found = [function.returns, *(arg.annotation for arg in args if arg)]
    return " ".join(ast.unparse(one) for one in found if one)


def signature(function: Function, source: str) -> str:
    """The lines from `def` to the body, with their comments."""
    return "\n".join(source.splitlines()[function.lineno - 1 : function.body[0].lineno - 1])


def raised(node: ast.AST) -> Iterator[str]:
    """Names of the exceptions that a function raises itself, those of functions inside it left out."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(child, ast.Raise) and child.exc:
            asked = child.exc.values if isinstance(child.exc, ast.BoolOp) else [child.exc]  # of_system(...) or UserError(...)
            yield from (one.func.id for one in asked if isinstance(one, ast.Call) and isinstance(one.func, ast.Name))
        yield from raised(child)


@pytest.mark.parametrize("file", FILES)
def test_array_functions_name_shapes(file):
    source = (PACKAGE / file).read_text(encoding="utf-8")
    silent = [
        f"{file}:{function.lineno} {function.name}"
        for function, of_class in functions(ast.parse(source))
        if ARRAY.search(annotations(function))
        and not names_a_shape("\n".join([ast.get_docstring(function) or "", of_class, signature(function, source)]))
    ]
    assert not silent, "say the shapes of arrays, as in (N, T), in the docstring"


@pytest.mark.parametrize("file", FILES)
def test_functions_that_refuse_input_say_so(file):
    silent = [
        f"{file}:{function.lineno} {function.name}"
        for function, of_class in functions(ast.parse((PACKAGE / file).read_text(encoding="utf-8")))
        if not ERRORS.isdisjoint(raised(function))
        and "Raises:" not in (of_class if function.name.startswith("__") else ast.get_docstring(function) or "")
    ]
    assert not silent, "add `Raises:` with `UserError: when` to the docstring"


@pytest.mark.parametrize("text", ["N,", "B, T", "B, C + 1", "N S, C, H / 4, 3", "...", "N, ...", "size,", "sum of N,", "T', D"])
def test_shapes_are_recognized(text):
    assert names_a_shape(f"Features ({text}) of a video.")


@pytest.mark.parametrize("text", ["BaS-Net, STPN", "Huang, Wang", "start, end", "optional", "a disc, say"])
def test_words_are_no_shapes(text):
    assert not names_a_shape(f"As others have it ({text}).")


def test_raises_of_inner_functions_do_not_count():
    tree = ast.parse("def outer():\n  def inner():\n    raise UserError('x')\n  if 1:\n    raise f() or DecodeError('y')\n")
    assert list(raised(tree.body[0])) == ["f", "DecodeError"]
