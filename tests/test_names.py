"""Names of the package: a class or a file has its own, so that a name read anywhere means one thing."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from wstal.base.code import PACKAGE

CLASSES = {  # classes of one name in several files, which mean the same
    "Params": "the parameters of a method or plug-in: contract of methods/ and plugins/",
    "Source": "`source:` of a dataset in params.yaml: contract of datasets/readers/",
}
FILES = {  # files of one name in several folders, which mean the same
    "__main__": "Python's: a package as a command",
    "_database": "ActivityNet's ground-truth JSON, read by readers and written by layouts",
    "base": "the contract of a folder of methods or plug-ins",
    "registry": "which files its folder offers, by name",
    "wtalc": "W-TALC: the method, and the layout of its released features",
}
TYPE = re.compile(r"_?[A-Z][a-z]\w+")  # Detections, and neither MOST nor T


def twice(places: dict[str, list[str]]) -> dict[str, list[str]]:
    """{name: where}, of the names that stand in several places."""
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def classes(files: list[Path]) -> dict[str, list[str]]:
    """{class, or name of a type: files that define it at their top level}."""
    found = defaultdict(list)
    for path in files:
        for node in ast.parse(path.read_text()).body:
            match node:
                case ast.ClassDef(name=name):
                    found[name].append(str(path))
                case ast.Assign(targets=[ast.Name(id=name)]) if TYPE.fullmatch(name):
                    found[name].append(str(path))
    return found


def stems(files: list[Path]) -> dict[str, list[str]]:
    """{name of a file without its ending: files}; a folder's __init__ has the folder's name."""
    found = defaultdict(list)
    for path in files:
        if path.stem != "__init__":
            found[path.stem].append(str(path))
    return found


def package() -> list[Path]:
    """The package's source files."""
    return sorted(PACKAGE.rglob("*.py"))


def test_a_class_has_a_name_of_its_own():
    found = twice(classes(package()))
    assert {name: where for name, where in found.items() if name not in CLASSES} == {}
    assert sorted(found) == sorted(CLASSES)  # an exception that no longer is one goes


def test_a_file_has_a_name_of_its_own():
    found = twice(stems(package()))
    assert {name: where for name, where in found.items() if name not in FILES} == {}
    assert sorted(found) == sorted(FILES)


def test_sources_of_datasets_are_what_readers_take():
    """The one meaning of `Source`: its docstring says whose `source:` section it is."""
    for path in classes(package())["Source"]:
        (node,) = [node for node in ast.parse(Path(path).read_text()).body if getattr(node, "name", "") == "Source"]
        assert re.search(r"`source:`|params\.yaml", ast.get_docstring(node) or ""), path


def test_doubles_are_found(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "script.py").write_text("class _Row:\n    pass\n\n\nRows = list[_Row]\nMOST = 1\n")
    files = sorted(tmp_path.rglob("*.py"))
    assert list(twice(classes(files))) == ["Rows", "_Row"] and list(twice(stems(files))) == ["script"]
