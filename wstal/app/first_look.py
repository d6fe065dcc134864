"""A first look with fewer seeds: `python -m wstal.app.first_look 3` makes .cache/seeds-3, a copy of this project that runs 3.

The copy differs in the line `seeds:` of params.yaml alone and has results of its own; DVC's cache, trained rows, finished
features and raw data are shared. Sources are copied anew each time, results that the copy has made stay.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from wstal.base import files, paths
from wstal.base.errors import UserError

SHARED = (".venv", ".cache/rows", ".cache/parts", "data/raw")
MADE = ("reports", "dvc.lock")  # by the pipeline


def make(seeds: int) -> Path:
    """Make the copy, or bring its sources up to date; its folder.

    Raises:
        UserError: this is no clone of git, or params.yaml has no line of seeds.
    """
    folder = paths.CACHE / f"seeds-{seeds}"
    known = (folder / "dvc.lock").is_file()
    for source in ("wstal", "notebooks"):
        shutil.rmtree(folder / source, ignore_errors=True)
    for name in listed():
        if not (known and name.startswith(MADE)):
            with files.fresh(folder / name) as fresh:
                shutil.copy2(paths.ROOT / name, fresh)
    files.write(folder / "params.yaml", with_seeds(paths.PARAMS.read_text(encoding="utf-8"), seeds))
    files.write(folder / ".dvc/config.local", f"[core]\n    no_scm = true\n[cache]\n    dir = {paths.ROOT / '.dvc/cache'}\n")
    for name in SHARED:
        link = folder / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            if not name.startswith(".venv"):
                (paths.ROOT / name).mkdir(parents=True, exist_ok=True)
            link.symlink_to(paths.ROOT / name)
    return folder


def listed() -> list[str]:
    """Files of this clone that git knows, and new ones that it does not ignore.

    Raises:
        UserError: this is no clone.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{paths.ROOT} is no clone of git, from which alone copies are made; set `seeds:` in params.yaml.")
    return [name for name in done.stdout.split("\0") if (paths.ROOT / name).is_file()]


def with_seeds(text: str, seeds: int) -> str:
    """params.yaml with the seeds 0, 1, ... below `seeds`.

    Raises:
        UserError: it has no line that says them, or several.
    """
    changed, count = re.subn(r"(?m)^seeds: *\[.*$", f"seeds: {list(range(seeds))}", text)
    if count != 1:
        raise UserError("params.yaml says its seeds in another form than one line, `seeds: [0, 1, 2]`; write it so.")
    return changed


def number(argv: list[str]) -> int:
    """The number of seeds that is asked for.

    Raises:
        UserError: it is none.
    """
    if len(argv) != 1 or not argv[0].isdecimal() or not int(argv[0]):
        raise UserError(f"SEEDS={' '.join(argv)} is no number of seeds; write make reproduce SEEDS=3.")
    return int(argv[0])


def main(argv: list[str]) -> int:
    """Make the copy of so many seeds and print its folder; the exit status."""
    try:
        print(make(number(argv)))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
