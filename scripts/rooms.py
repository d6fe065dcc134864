"""The rooms of the package and the arrows between them: `python scripts/rooms.py`.

A room is a folder of wstal/ with modules in it; an arrow leads from a room to one that it imports. The floor of a room is one
above the highest that it imports. tests/test_rooms.py holds what this prints against the rules of the house.
"""

from pathlib import Path

from wstal.base.code import PACKAGE, uses


def room(path: Path) -> str:
    """The room of a source file: features/pixels."""
    return path.parent.relative_to(PACKAGE).as_posix()


def arrows() -> dict[str, set[str]]:
    """{room: the rooms that its files import}; the package's own two files are of no room."""
    files = sorted(PACKAGE.rglob("*.py"))
    found: dict[str, set[str]] = {room(path): set() for path in files}
    for path in files:
        found[room(path)] |= {room(file) for file in uses(path)} - {room(path), "."}
    return {name: others for name, others in found.items() if name != "."}


def floors(arrows: dict[str, set[str]]) -> dict[str, int]:
    """{room: its floor}, 0 for those that import no other.

    Raises:
        ValueError: rooms import each other in a circle.
    """
    found: dict[str, int] = {}
    while len(found) < len(arrows):
        ready = {name for name, others in arrows.items() if name not in found and others <= set(found)}
        if not ready:
            raise ValueError(f"a circle among {sorted(set(arrows) - set(found))}")
        found |= {name: 1 + max((found[other] for other in arrows[name]), default=-1) for name in ready}
    return found


def main() -> None:
    """Print every room with its floor and its arrows, the highest first."""
    known = arrows()
    floor = floors(known)
    for name in sorted(known, key=lambda name: (-floor[name], name)):
        print(f"{floor[name]}  {name:20} -> {', '.join(sorted(known[name])) or 'nothing'}")
    print(f"{len(known)} rooms, {max(floor.values()) + 1} floors, {sum(map(len, known.values()))} arrows")


if __name__ == "__main__":
    main()
