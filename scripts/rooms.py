"""The rooms of the package and the arrows between them: `python scripts/rooms.py`.

A room is a folder of wstal/, as `ls wstal` shows it; an arrow leads from a room to one that any of its files imports. The floor
of a room is one above the highest that it imports. Inner rooms, folders within rooms, have arrows of their own, drawn below.
tests/test_rooms.py holds what this prints against the rules of the house.
"""

from pathlib import Path

from wstal.base.code import PACKAGE, uses

EVERYWHERE = ("base", "border")  # which every room may use


def room(path: Path) -> str:
    """The inner room of a source file: features/pixels."""
    return path.parent.relative_to(PACKAGE).as_posix()


def arrows() -> dict[str, set[str]]:
    """{inner room: those that its files import}; the package's own two files are of no room."""
    files = sorted(PACKAGE.rglob("*.py"))
    found: dict[str, set[str]] = {room(path): set() for path in files}
    for path in files:
        found[room(path)] |= {room(file) for file in uses(path)} - {room(path), "."}
    return {name: others for name, others in found.items() if name != "."}


def outer(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """{room: the rooms that it imports}, of inner rooms and theirs."""
    found: dict[str, set[str]] = {name.split("/")[0]: set() for name in arrows}
    for name, others in arrows.items():
        top = name.split("/")[0]
        found[top] |= {other.split("/")[0] for other in others} - {top}
    return found


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


def drawn(arrows: dict[str, set[str]], kind: str) -> str:
    """Every room with its floor and its arrows, the highest first, and how many there are."""
    floor = floors(arrows)
    lines = [
        f"{floor[name]}  {name:20} -> {', '.join(sorted(arrows[name])) or 'nothing'}"
        for name in sorted(arrows, key=lambda name: (-floor[name], name))
    ]
    count, plain = sum(map(len, arrows.values())), sum(len(others & set(EVERYWHERE)) for others in arrows.values())
    to = " and ".join(EVERYWHERE)
    return "\n".join(
        [*lines, f"{len(arrows)} {kind}, {max(floor.values()) + 1} floors, {count} arrows, {plain} of them to {to}"]
    )


def main() -> None:
    """Print the rooms, and below them the inner rooms."""
    inner = arrows()
    print(drawn(outer(inner), "rooms"), drawn(inner, "inner rooms"), sep="\n\n")


if __name__ == "__main__":
    main()
