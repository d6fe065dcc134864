"""Nothing but the room `border` opens or parses what others wrote."""

import ast
import dataclasses
import re

import pytest

from wstal.base.code import PACKAGE
from wstal.base.paths import ROOT
from wstal.border import limits

CALLS = (
    r"(np|numpy)\.(load|loadtxt|genfromtxt|fromfile|memmap)|.*\bopen_memmap|.*\bread_array\w*|json\.loads?|msgspec\.(json|yaml|toml|msgpack)\.decode"
    r"|msgspec\.(json|msgpack)\.Decoder|yaml\.(\w*_)?(load|load_all|parse|compose|scan)|csv\.(reader|DictReader)|.*h5py\.File|.*ZipFile"
    r"|pickle\.\w*(load|loads|Unpickler)|torch\.load|.*\bload_file|.*\bsafe_open|av\.open|tarfile\.open|.*ElementTree\.(parse|fromstring|iterparse|XML\w*)|.*expat\.ParserCreate|.*\bliteral_eval"
)  # fmt: skip
ALLOWED = {  # what the package wrote itself a moment ago, or what another program's hash vouches for
    "app/burn.py": {"av.open"},  # writes
    "datasets/clips/render.py": {"av.open"},  # writes
    "detect/detections.py": {
        "msgspec.json.decode",
        "msgspec.json.Decoder",
    },  # a list a video, so that few become objects at once
    "features/backbones/weights.py": {"tarfile.open"},  # an archive whose SHA-256 pip has checked
    "features/extraction/scaleout.py": {"json.loads"},  # rows between its own processes
    "features/extraction/streamfile.py": {"np.load"},  # the array that it is writing
}


def calls(path):
    """Dotted names that a file calls."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)}


def test_only_the_border_parses():
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("border/"):
            odd = {call for call in calls(path) if re.fullmatch(CALLS, call)}
            found |= {name: odd} if odd else {}
    assert found == ALLOWED


def test_the_rule_sees_what_it_forbids():
    inside = set().union(*(calls(path) for path in (PACKAGE / "border").glob("*.py")))
    seen = {call for call in inside if re.fullmatch(CALLS, call)}
    assert {
        "h5py.File",
        "av.open",
        "torch.load",
        "load_file",
        "safe_open",
        "csv.reader",
        "np.loadtxt",
        "zipfile.ZipFile",
        "expat.ParserCreate",
    } <= seen


@pytest.mark.parametrize("field", dataclasses.fields(limits.Limits), ids=lambda field: field.name)
def test_every_limit_is_told_and_used(field):
    assert f"`{field.name}`" in (ROOT / "SECURITY.md").read_text()
    used = [path for path in PACKAGE.rglob("*.py") if f"LIMITS.{field.name}" in path.read_text()]
    assert used
