"""Notebooks as pipeline stages: `python -m wstal.app.notebooks run NOTEBOOK OUT [name=value ...]`.

Papermill executes; what this adds makes the executed copy a build product. Parameters are the ones the notebook declares,
others are refused. The kernel is this Python, in the pinned environment of wstal/base/seeding.py, and the copy is written in a
canonical form: two runs in any two folders give the same bytes. It appears whole or not at all; a failed one is kept in
.cache/failed.
"""

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
import papermill
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from papermill.engines import NBClientEngine, papermill_engines
from traitlets.config import Config

from wstal.app import costs
from wstal.base import files, paths, progress, seeding, standard_streams
from wstal.base.errors import UserError, of_system
from wstal.border import yamlfile

SENTENCES = ("UserError", "DecodeError", "MachineError")  # names of errors whose message is all that users need


class Engine(NBClientEngine):
    """Papermill's own engine in the pinned environment; its result is canonical."""

    @classmethod
    def execute_notebook(cls, notebook: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a notebook; its canonical form, or, where a cell failed, all of it."""
        os.environ.update(seeding.ENVIRONMENT)
        os.environ["WSTAL_CACHE"] = str(paths.CACHE)  # a relative one is relative to this process's folder
        options |= {"record_timing": False, "coalesce_streams": True, "kernel_manager_class": Kernel}
        options["extra_arguments"] = ["--log-level=CRITICAL"]  # at its end a kernel may log the interrupt that ends it
        with tempfile.TemporaryDirectory(prefix="wstal-") as place:
            executed = super().execute_notebook(notebook, kernel_name, config=ipc(place), **options)
        return executed if failed(executed) else canonical(executed)


papermill_engines.register("wstal", Engine)


class Kernel(AsyncKernelManager):
    """A kernel in the Python that runs this, whatever kernels are installed under its name."""

    @property
    def kernel_spec(self) -> KernelSpec:
        """How it is started."""
        return KernelSpec(**ipykernel.kernelspec.get_kernel_dict())


def ipc(place: str) -> Config:
    """Kernel over Unix sockets in a folder of its own: TCP ports, and sockets of one folder, are a race between kernels."""
    return Config({"KernelManager": {"transport": "ipc", "connection_file": f"{place}/kernel.json"}})


def failed(notebook: Any) -> bool:
    """Whether a cell ended in an error; such a notebook stays as papermill wants to report it."""
    return any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", []))


def canonical(notebook: Any) -> Any:
    """Drop what differs between two runs of one notebook: times, versions, paths, random ids, addresses."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for index, cell in enumerate(notebook.cells):
        cell.id = f"{cell.cell_type}-{index}"
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            for holder, key in text_fields(output):
                holder[key] = clean(holder[key])
    return notebook


def text_fields(output: Any) -> Iterator[tuple[Any, str]]:
    """(mapping, key) of each text in a cell's output."""
    if output.output_type == "stream":
        yield output, "text"
    for kind in ("text/plain", "text/html", "text/markdown"):
        if kind in output.get("data", {}):
            yield output.data, kind


def clean(text: str) -> str:
    """Text without this checkout's path and without memory addresses."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x...", text.replace(f"{paths.ROOT}/", ""))


def run(notebook: Path, out: Path, given: dict) -> None:
    """Execute `notebook` with the given parameters and write the canonical copy to `out`.

    Raises:
        UserError: a file that is no notebook, an `out` that cannot be written, unknown parameters, or a UserError inside
            the notebook, repeated here as the same sentence.
    """
    declared = parameters(notebook)
    if unknown := sorted(set(given) - declared):
        names = ", ".join(sorted(declared)) or "none"
        raise UserError(f"{notebook} has no parameter {', '.join(unknown)}; it declares {names}.")
    if out.is_dir():
        raise UserError(f"{out} cannot be written (it is a folder); name a file in a folder you may write.")
    with files.fresh(out) as fresh:
        execute(notebook, fresh, given)


def parameters(notebook: Path) -> set[str]:
    """Names that the parameters cell of a notebook declares.

    Raises:
        UserError: it is no notebook, or cannot be read.
    """
    try:
        return set(papermill.inspect_notebook(str(notebook)))
    except Exception as error:  # papermill lets through whatever the file system and JSON raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise of_system(error, notebook) or UserError(
            f"{notebook} is not a notebook that can be read ({reason}); name one of notebooks/*.ipynb."
        ) from None


def execute(notebook: Path, partial: Path, given: dict) -> None:
    """Run papermill with progress bars on the terminal; failures of the notebook become sentences.

    Raises:
        UserError: a cell raised one, or any other error.
    """
    try:
        with progress.shown(paths.CACHE / "progress" / f"{os.getpid()}"):
            papermill.execute_notebook(
                str(notebook.resolve()), str(partial), given, engine_name="wstal", kernel_name="python3",
                cwd=str(paths.ROOT), progress_bar=False, autosave_cell_every=0,
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        if error.ename in SENTENCES:
            raise UserError(error.evalue) from None
        raise UserError(f"{notebook} failed with {error.ename}: {error.evalue}; {keep(partial)} shows where.") from None


def keep(partial: Path) -> Path:
    """Keep the copy of a failed run, with its traceback, where the pipeline does not look."""
    target = paths.CACHE / "failed" / f"{partial.stem}.{os.getpid()}.ipynb"
    files.write(target, partial.read_bytes())
    return target


def pair(text: str) -> tuple[str, object]:
    """Split "name=value"; the value is read as YAML.

    Raises:
        UserError: the text has another form.
    """
    name, equals, value = text.partition("=")
    try:
        if name and equals:
            return name, yamlfile.parse(value, "the value")
    except UserError:
        pass
    raise UserError(f"{text!r} is not name=value with a value in YAML; quote it or mend it.")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit status."""
    with standard_streams.patient():
        return _main(argv)


def _main(argv: list[str] | None) -> int:
    parser = argparse.ArgumentParser(prog="python -m wstal.app.notebooks", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("run", help="execute a notebook and write its canonical copy")
    verb.add_argument("notebook", type=Path)
    verb.add_argument("out", type=Path)
    verb.add_argument("parameters", nargs="*", metavar="name=value", help="values are read as YAML")
    options = parser.parse_args(argv)
    try:
        with costs.recorded():
            run(options.notebook, options.out, dict(map(pair, options.parameters)))
    except (UserError, OSError) as error:
        if not (said := error if isinstance(error, UserError) else of_system(error, error.filename or options.out)):
            raise
        sys.stderr.write(f"{said}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what is finished is kept: the same command goes on.\n")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
