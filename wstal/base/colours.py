"""The colour of each class of a run, the same in every output: on pages, in videos, in annotation tools."""

from collections.abc import Iterable, Sequence

HEX = ("#d1495b", "#2b7bba", "#d98c1f", "#2a9d6c", "#8e5bb5", "#1a9ba6", "#b8627f", "#7a8f2a", "#5b6fd6", "#a8653a")


def hues(classes: Sequence[str], names: Iterable[str] = ()) -> dict[str, int]:
    """{name: number of its colour}: of the run's classes in their order, then of names that are none, in theirs."""
    return {name: number % len(HEX) for number, name in enumerate(dict.fromkeys([*classes, *sorted(names)]))}


def style() -> str:
    """The colours as CSS: a class hue0, hue1, ... each."""
    return "".join(f".hue{number} {{ --hue: {colour} }}\n" for number, colour in enumerate(HEX))


def rgb(hue: int) -> tuple[int, int, int]:
    """A colour as three numbers below 256."""
    red, green, blue = bytes.fromhex(HEX[hue].lstrip("#"))
    return red, green, blue
