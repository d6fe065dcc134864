"""What modules declare, read with stand-ins for slow libraries: the same, and nothing of it is kept."""

import json
import subprocess
import sys
from importlib import import_module

import msgspec
import pytest
import torch

from wstal import methods, plugins
from wstal.app import declared
from wstal.base.errors import UserError

NETWORK = """
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
import slowlib
import slowlib.nn.functional as F
from slowlib import Tensor, nn
from wstal.methods import base

class Params(base.Params):
    width: int

class Pair(NamedTuple):
    both: tuple[Tensor, Tensor | None]
    rule: Callable[[Tensor], Tensor] = F.relu

class Layers(nn.ModuleList):
    @slowlib.no_grad()
    def forward(self, x: Tensor) -> None | Tensor:
        return x

class Acme(base.Method[Params]):
    loss_names = ("cls",)
    kind: slowlib.dtype = slowlib.float32
"""
COMPUTES = """
import colorsys
from wstal.methods import base

class Params(base.Params):
    width: int

class Acme(base.Method[Params]):
    loss_names = ("cls",)

RED = tuple(1 * value for value in colorsys.rgb_to_hsv(1.0, 0.0, 0.0))
"""
SAID = """
import json, msgspec
from wstal import methods, plugins
from wstal.app import declared

def said():
    kinds = [room.load(name) for room in (methods, plugins) for name in room.names()]
    return [[msgspec.json.schema(kind.Params), getattr(kind, "loss_names", None)] for kind in kinds]

print(json.dumps(declared.ask(said)))
"""


def schemas():
    kinds = [room.load(name) for room in (methods, plugins) for name in room.names()]
    return [[msgspec.json.schema(kind.Params), getattr(kind, "loss_names", None)] for kind in kinds]


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """acme(text) -> a function that imports wstal.methods.acme, which is this text, and says what it declares."""
    monkeypatch.setattr(declared, "SLOW", ("slowlib", "colorsys"))
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)

    def acme(text):
        (tmp_path / "acme.py").write_text(text)
        return lambda: import_module("wstal.methods.acme").Acme.Params.__struct_fields__

    yield acme
    sys.modules.pop("wstal.methods.acme", None)


def test_parameters_and_losses_of_every_method_and_plugin_are_the_same():
    done = subprocess.run([sys.executable, "-c", SAID], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(schemas()))


def test_a_network_is_defined_and_forgotten(acme):
    assert declared.ask(acme(NETWORK)) == ("width",)
    assert "wstal.methods.acme" not in sys.modules and not hasattr(methods, "acme")


def test_a_module_that_computes_while_it_is_imported_gets_the_library(acme):
    question = acme(COMPUTES)
    assert declared.ask(question) == ("width",)
    assert sys.modules["wstal.methods.acme"].RED == (0.0, 1.0, 1.0)


def test_what_is_loaded_is_no_stand_in_and_bad_input_is_told_once():
    asked = []

    def question():
        asked.append(torch)
        import wstal.nn.dropout as room

        assert room.nn is asked[0].nn
        raise UserError("no")

    with pytest.raises(UserError, match="no"):
        declared.ask(question)
    assert len(asked) == 1 and not isinstance(asked[0], declared.StandIn)
