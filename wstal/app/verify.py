"""`make verify`: a fresh clone in a temporary folder runs the pipeline; is all that it makes the bytes that are here?

    python -m wstal.app.verify                the whole pipeline
    python -m wstal.app.verify plan ...       these stages, and those that they depend on

Prints "identical", or a line for each thing that differs. What lies in git is compared with what is committed; what DVC keeps,
by its hashes in dvc.lock, and where they differ with the files here. Files under data/raw are taken from here.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wstal.app import differences
from wstal.base.errors import UserError
from wstal.base.paths import ROOT
from wstal.border import yamlfile

CURE = "make it with `dvc repro`"
SHOWN = 20


def verify(stages: Sequence[str], place: Path, root: Path = ROOT) -> list[str]:
    """What differs once the clone `place` of the repository `root` has run the stages; all of them if none is named.

    Raises:
        UserError: git or a stage of the clone fails.
    """
    clone = place / "clone"
    place.mkdir(exist_ok=True)
    run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(clone)], place)
    if (root / "data/raw").is_dir():
        (clone / "data").mkdir(exist_ok=True)
        (clone / "data/raw").symlink_to(root / "data/raw")
    run(["git", "clone", "--quiet", "--shared", str(clone), str(place / "committed")], place)
    run([sys.executable, "-m", "dvc", "repro", "--quiet", "--force", *stages], clone)
    committed = run(["git", "ls-files", "reports"], clone).splitlines()
    found = list(differences.between(place / "committed", clone, committed))
    before, after = (yamlfile.read(one / "dvc.lock", CURE) for one in (place / "committed", clone))
    return found + list(outputs(before, after, root, clone))


def outputs(before: dict[str, Any], after: dict[str, Any], root: Path, clone: Path) -> Iterator[str]:
    """What differs among the outputs of all stages that the locks `before` and `after` list, but for those under reports/."""
    old = {out["path"]: (stage, out["md5"]) for stage, entry in before["stages"].items() for out in entry.get("outs", [])}
    for name, entry in after["stages"].items():
        for out in entry.get("outs", []):
            path, hashed = out["path"], out["md5"]
            if path.startswith("reports/") or old.get(path) == (name, hashed):
                continue
            here, there = root / path, clone / path
            told = list(differences.between(here, there)) if here.is_dir() else []
            if here.is_file():
                told = list(differences.between(here.parent, there.parent, [here.name]))
            yield from (f"{path}/{line}" if here.is_dir() else line for line in told)
            if not told:
                yield f"{path} has another hash than in dvc.lock, {hashed} for {old.get(path, ('', 'none'))[1]}"


def run(command: Sequence[str], folder: Path) -> str:
    """What a command prints on stdout, in the folder.

    Raises:
        UserError: it fails.
    """
    around = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "GIT_", "WSTAL_CACHE"))}
    around |= {"PYTHONPATH": str(folder), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run(command, cwd=folder, env=around, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise UserError(f"{' '.join(command[:4])} failed in the clone: {last}; mend it, commit, and verify again.")
    return done.stdout


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; 0 if all is identical."""
    parser = argparse.ArgumentParser(prog="python -m wstal.app.verify", description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="of dvc.yaml, as plan or results@clips; default: all")
    options = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="wstal-verify-", ignore_cleanup_errors=True) as place:
            found = verify(options.stages, Path(place))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    for line in found[:SHOWN]:
        print(line)
    if len(found) > SHOWN:
        print(f"and {len(found) - SHOWN} more")
    if not found:
        print("identical")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
