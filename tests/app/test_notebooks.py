"""Notebooks are thin, and running one is a build step: refused parameters, canonical bytes, nothing half-written."""

import ast
import json
import subprocess
import sys

import nbformat
import pytest

from wstal.app import notebooks
from wstal.base import paths
from wstal.base.errors import UserError

NOTEBOOKS = sorted((paths.ROOT / "notebooks").glob("*.ipynb"))
ALLOWED = {"wstal", "numpy", "matplotlib", "seaborn", "IPython"}


def code_cells(path):
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 10


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_thin(path):
    cells = code_cells(path)
    lines = [[line for line in cell.source.splitlines() if line.strip()] for cell in cells]
    assert sum(map(len, lines)) <= 60
    assert max(map(len, lines)) <= 10
    for cell in cells:
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda), f"{path.name} defines code"
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
                assert {name.split(".")[0] for name in names} <= ALLOWED


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_stripped_and_opens_with_a_question(path):
    notebook = nbformat.read(path, 4)
    first = notebook.cells[0]
    assert first.cell_type == "markdown" and first.source.startswith("# ")
    assert any("parameters" in cell.metadata.get("tags", []) for cell in notebook.cells)
    for cell in code_cells(path):
        checked = "NBVAL_CHECK_OUTPUT" in cell.source
        assert bool(cell.outputs) == checked and (cell.execution_count is not None) == checked


def write(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    return path


def test_two_runs_give_the_same_bytes(tmp_path):
    source = write(
        tmp_path / "a.ipynb",
        "x = 1",
        "import sys\nfrom wstal.base.paths import ROOT\nprint(object(), ROOT / 'here', x)\nprint('to stderr', file=sys.stderr)",
        "print(list({'a', 'b', 'c', 'd', 'e'}))",
    )
    outs = [tmp_path / name / "out.ipynb" for name in ("one", "two")]
    for out in outs:
        notebooks.run(source, out, {"x": 5})
    assert outs[0].read_bytes() == outs[1].read_bytes()
    text = outs[0].read_text()
    assert str(paths.ROOT) not in text
    assert "papermill" not in text
    assert "here 5" in text


def test_the_kernel_is_this_python_whatever_is_installed(tmp_path, monkeypatch):
    spec = tmp_path / "jupyter/kernels/python3/kernel.json"
    spec.parent.mkdir(parents=True)
    spec.write_text(json.dumps({"argv": ["false", "{connection_file}"], "display_name": "mine", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    source = write(tmp_path / "a.ipynb", "x = 1", f"import sys\nprint('same:', sys.executable == {sys.executable!r})")
    notebooks.run(source, tmp_path / "out.ipynb", {})
    assert "same: True" in (tmp_path / "out.ipynb").read_text()


def test_kernels_side_by_side_share_no_socket():
    places = {notebooks.Kernel(config=notebooks.ipc(place)).ip for place in ("/tmp/a", "/tmp/b")}
    assert places == {"/tmp/a/kernel-ipc", "/tmp/b/kernel-ipc"}


def test_unknown_parameter_is_refused(tmp_path):
    source = write(tmp_path / "a.ipynb", "x = 1")
    with pytest.raises(UserError, match="has no parameter y"):
        notebooks.run(source, tmp_path / "out.ipynb", {"y": 1})
    assert not (tmp_path / "out.ipynb").exists()


@pytest.mark.parametrize(
    ("notebook", "out", "parameter"),
    [
        ("none.ipynb", "out.ipynb", "x=1"),
        (".", "out.ipynb", "x=1"),
        ("broken.ipynb", "out.ipynb", "x=1"),
        ("good.ipynb", "good.ipynb/out.ipynb", "x=1"),
        ("good.ipynb", "folder", "x=1"),
        ("good.ipynb", "out.ipynb", "x"),
        ("good.ipynb", "out.ipynb", "x=["),
    ],
)
def test_wrong_command_lines_are_one_sentence(tmp_path, capsys, notebook, out, parameter):
    write(tmp_path / "good.ipynb", "x = 1")
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert notebooks.main(["run", str(tmp_path / notebook), str(tmp_path / out), parameter]) == 1
    error = capsys.readouterr().err.strip()
    assert error.endswith(".") and "\n" not in error
    assert sorted(tmp_path.rglob("*")) == before


def test_failed_notebook_leaves_no_output_and_keeps_the_old_one(tmp_path):
    source, out = write(tmp_path / "a.ipynb", "x = 1", "print(1 / x)"), tmp_path / "out.ipynb"
    notebooks.run(source, out, {})
    before = out.read_bytes()
    with pytest.raises(UserError, match="ZeroDivisionError"):
        notebooks.run(source, out, {"x": 0})
    assert out.read_bytes() == before


def test_a_user_error_in_a_notebook_is_one_sentence(tmp_path):
    source = write(tmp_path / "a.ipynb", "x = 1", "import wstal.base.errors as e\nraise e.UserError('f.npy is bad; mend it.')")
    command = [sys.executable, "-m", "wstal.app.notebooks", "run", str(source), str(tmp_path / "out.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=paths.ROOT)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "f.npy is bad; mend it."
    assert "Traceback" not in done.stderr + done.stdout


def test_pipeline_files_cannot_be_written_outside_a_stage(monkeypatch):
    monkeypatch.delenv("DVC_STAGE", raising=False)
    with pytest.raises(UserError, match="dvc repro"):
        paths.PIPELINE.output(paths.PIPELINE.metrics("facnet_table1"))


def test_executed_notebooks_in_reports_are_canonical():
    for path in (paths.ROOT / "reports" / "notebooks").glob("*.ipynb"):
        content = json.loads(path.read_text())
        assert "papermill" not in content["metadata"], path
        assert all(not cell["metadata"].get("execution") for cell in content["cells"]), path
