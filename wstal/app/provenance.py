"""provenance.yaml beside what `wstal train` and `wstal localize` make: of what, by what, and the command that makes it again.

It holds no dates and no folders of this machine, so that the same command on the same files gives the same bytes anywhere.
"""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import torch

from wstal.base import code, conversion, files, seeding
from wstal.base.conversion import convert
from wstal.base.paths import ROOT
from wstal.base.record import Record
from wstal.border import content, yamlfile

NAME = "provenance.yaml"
CURE = "make the folder again"
CHUNK = 1 << 22  # bytes that are hashed at once


class Provenance(Record):
    """The content of provenance.yaml; hashes are SHA-256."""

    command: str  # OUT stands for the folder
    commit: str  # of the package, and whether files have changed since
    code: str  # hash of the package's source files
    parameters: str  # hash of what params.yaml, with what was laid over it, comes to
    settings: dict[str, str]  # method, preset, seed and the like
    data: dict[str, str]  # file that was read -> its hash
    environment: dict[str, str]
    files: dict[str, str]  # file of the folder -> its hash


@dataclass(frozen=True)
class Origin:
    """What a command has read, and the command."""

    command: str  # OUT stands for the folder that it writes to
    settings: Mapping[str, str]  # method, preset, seed and the like
    parameters: str  # SHA-256 of what params.yaml, with what was laid over it, comes to
    data: Mapping[str, str]  # file -> its SHA-256


def origin(command: str, settings: Mapping[str, str], parameters: object, data: Mapping[str, Path]) -> Origin:
    """The origin of what a command makes of the files `data`, {name: file}, as they are now."""
    hashed = hashlib.sha256(msgspec.json.encode(parameters, order="sorted")).hexdigest()
    return Origin(command, settings, hashed, {name: digest(path) for name, path in data.items()})


def write(folder: Path, of: Origin) -> None:
    """Write <folder>/provenance.yaml for all files that are there."""
    made = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    known = Provenance(
        command=of.command,
        commit=commit(),
        code=code.digest(sorted(code.PACKAGE.rglob("*.py"))),
        parameters=of.parameters,
        settings=dict(of.settings),
        data=dict(of.data),
        environment=environment(),
        files={name: digest(path) for name, path in made.items()},
    )
    files.write(folder / NAME, conversion.text(known))


def commit(root: Path = ROOT) -> str:
    """The commit of the package, and whether its files have changed since."""
    try:
        head, changed = (
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--", "wstal", "params.yaml"))
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}, and files changed since" if changed else head


def environment() -> dict[str, str]:
    """What the numbers may depend on beside code and data."""
    found = {"python": platform.python_version(), "numpy": np.__version__, "torch": str(torch.__version__)}
    return found | {"device": seeding.device().type, "machine": platform.machine()}


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        total = hashlib.sha256()
        while chunk := file.read(CHUNK):
            total.update(chunk)
    return total.hexdigest()


def lines(file: Path, path: Path) -> list[tuple[str, str]]:
    """(what, what is known of it) of `path`, which is a file of a folder with this provenance, or the folder."""
    known = convert(yamlfile.parse(content.read_text(file), file), Provenance, str(file))
    wanted = known.files if path == file.parent else {path.relative_to(file.parent).as_posix(): ""}
    made = [(name, known.files.get(name)) for name in wanted]
    found = [("made by", known.command), ("commit", known.commit)]
    for name, hashed in made:
        there = (file.parent / name).is_file() and digest(file.parent / name) == hashed
        found.append(("as made", f"{name}: {f'yes, sha256 {hashed}' if there else 'no: it was changed or added since'}"))
    found += [("settings", f"{name} {value}") for name, value in known.settings.items()]
    found += [("parameters", f"sha256 {known.parameters}"), ("code", f"wstal, sha256 {known.code}")]
    found += [("data", f"{name}, sha256 {hashed}") for name, hashed in known.data.items()]
    found += [("environment", ", ".join(f"{name} {value}" for name, value in known.environment.items()))]
    return [*found, ("again", known.command)]
