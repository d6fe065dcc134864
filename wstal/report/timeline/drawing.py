"""One video as SVG: a film strip, a lane for the foreground score, and a lane with intervals for every class of interest.

A curve is drawn between the lowest and the highest value of its kind on the whole page, which stand at its left end: so that
curves compare across classes and videos, and one of a video where nothing is found stays low.
"""

import base64
import html
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

Span = tuple[str, float, float, float]  # label, start_s, end_s, score

WIDTH, LEFT, RIGHT = 1200, 150, 30  # of the drawing, and its margins, in the units of its view box
STRIP, LANE, BAR, GAP, AXIS = 66, 58, 9, 10, 26
STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
TICKS = 12  # steps at most
MOST = 16  # letters of a name beside a lane


@dataclass(frozen=True)
class Film:
    """What is shown of a video."""

    video: str
    duration_s: float
    times_s: np.ndarray  # (T,) centres of the snippets
    foreground: np.ndarray  # (T,)
    curves: Mapping[str, np.ndarray]  # label -> its activation (T,), of every class in `spans` and perhaps of others
    spans: Sequence[Span]  # by time
    strip: Sequence[bytes]  # JPEG, evenly over the video
    pictures: Sequence[bytes]  # JPEG, from the middle of each span
    why: str = ""  # there are no spans
    file: Path | None = None  # to play

    @property
    def found(self) -> set[str]:
        """Labels of its spans."""
        return {label for label, *_ in self.spans}


@dataclass(frozen=True)
class CurveScale:
    """The values at the foot and at the top of a lane."""

    low: float
    high: float

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Values (T,) moved to [0, 1]; all become 0 where there is one value only."""
        return (values - self.low) / (self.high - self.low) if self.high > self.low else np.zeros_like(values)


def scales(films: Sequence[Film]) -> tuple[CurveScale, CurveScale]:
    """Of the foreground, and of the classes, over all videos of a page."""
    return scale([film.foreground for film in films]), scale([values for film in films for values in film.curves.values()])


def scale(curves: Sequence[np.ndarray]) -> CurveScale:
    """From the lowest to the highest value of curves (T,)."""
    values = [values for values in curves if len(values)]
    return CurveScale(float(min(map(np.min, values))), float(max(map(np.max, values)))) if values else CurveScale(0.0, 1.0)


class Interval(NamedTuple):
    """What is drawn of a span."""

    number: int  # its place among the spans of the video
    span: Span
    opacity: float  # fainter for a lower score


def drawing(film: Film, hues: Mapping[str, int], of_foreground: CurveScale, of_classes: CurveScale) -> str:
    """The SVG of a video. hues: label -> number of its colour; a class that is not found has none, and a faint curve."""
    found = film.found
    kinds = {name: f"hue{hues[name]}" if name in found else "faint" for name in film.curves}
    lanes = [("foreground", of_foreground(film.foreground), "" if film.spans else "faint")]
    lanes += [(name, of_classes(values), kinds[name]) for name, values in film.curves.items()]
    bottom = STRIP + GAP + len(lanes) * (LANE + GAP)
    parts, bars = [strip(film)], intervals(film)
    for number, (name, values, hue) in enumerate(lanes):
        top = STRIP + GAP + number * (LANE + GAP)
        parts.append(lane(film, name, values, hue, top, bars[name] if number else []))
        parts.append(ends(of_classes if number else of_foreground, top))
    parts.append(axis(film, bottom))
    parts.append(f'<line class="cursor" x1="{LEFT}" x2="{LEFT}" y1="0" y2="{bottom}"/>')
    label = html.escape(f"Score curves and detections of {film.video}", quote=True)
    return (
        f'<svg viewBox="0 0 {WIDTH} {bottom + AXIS}" role="img" aria-label="{label}" tabindex="0" '
        f'data-left="{LEFT}" data-right="{WIDTH - RIGHT}">' + "".join(parts) + "</svg>"
    )


def x_of(film: Film, time_s: float) -> float:
    """Seconds -> x."""
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(time_s / film.duration_s, 0), 1)


def strip(film: Film) -> str:
    """Pictures side by side, each where its stretch of the video is."""
    width = (WIDTH - LEFT - RIGHT) / max(len(film.strip), 1)
    return "".join(
        f'<svg x="{LEFT + i * width:.1f}" y="0" width="{width + 0.5:.1f}" height="{STRIP}">'
        f'<image width="100%" height="100%" preserveAspectRatio="xMidYMid slice" href="{data_uri(jpeg)}"/></svg>'
        for i, jpeg in enumerate(film.strip)
    )


def intervals(film: Film) -> defaultdict[str, list[Interval]]:
    """The intervals of each label."""
    found, best = defaultdict(list), max((span[3] for span in film.spans), default=1.0)
    for number, span in enumerate(film.spans):
        found[span[0]].append(Interval(number, span, 0.35 + 0.65 * span[3] / best))
    return found


def lane(film: Film, name: str, values: np.ndarray, hue: str, top: float, bars: Sequence[Interval]) -> str:
    """A curve (T,) of values in [0, 1] as an area, its name on the left, its intervals behind and below it."""
    base = top + LANE - BAR - 3
    heights = base - values * (LANE - BAR - 8)
    points = " ".join(f"{x_of(film, time_s):.1f},{y:.1f}" for time_s, y in zip(film.times_s, heights, strict=True))
    sides = x_of(film, film.times_s[0]), x_of(film, film.times_s[-1])
    boxes = "".join(box(film, bar, top) for bar in bars)
    return (
        f'<g class="lane {hue}"><rect class="ground" x="{LEFT}" y="{top}" width="{WIDTH - LEFT - RIGHT}" height="{LANE}"/>'
        f'{boxes}<polygon class="area" points="{sides[0]:.1f},{base:.1f} {points} {sides[1]:.1f},{base:.1f}"/>'
        f'<polyline class="curve" points="{points}"/>'
        f'<text class="name" x="{LEFT - 12}" y="{top + LANE / 2 + 5:.1f}">{html.escape(short(name))}</text></g>'
    )


def box(film: Film, bar: Interval, top: float) -> str:
    """A bar below the curve, and a shade behind it."""
    label, start_s, end_s, score = bar.span
    place = f'x="{x_of(film, start_s):.1f}" width="{max(x_of(film, end_s) - x_of(film, start_s), 2):.1f}"'
    return (
        f'<g class="span" data-span="{bar.number}"><rect class="glow" {place} y="{top}" height="{LANE}"/>'
        f'<rect class="bar" {place} y="{top + LANE - BAR}" height="{BAR}" rx="3" opacity="{bar.opacity:.2f}"/>'
        f"<title>{html.escape(label)} {clock(start_s)} to {clock(end_s)}, score {score:.2f}</title></g>"
    )


def axis(film: Film, top: float) -> str:
    """Ticks at round times."""
    marks = []
    for time_s, text in ticks(film.duration_s):
        x = x_of(film, time_s)
        marks.append(f'<line class="tick" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4:.1f}" y2="{top + 3:.1f}"/>')
        marks.append(f'<text class="time" x="{x:.1f}" y="{top + 20:.1f}">{text}</text>')
    return "".join(marks)


def ticks(duration_s: float) -> list[tuple[float, str]]:
    """Round times from 0 to the end with what is written below them: tenths on all of them or on none."""
    long_s = math.ceil(duration_s / TICKS / STEPS_S[-1]) * STEPS_S[-1]
    step_s = next((step for step in STEPS_S if duration_s / step <= TICKS), long_s)
    times_s = [k * step_s for k in range(math.floor(duration_s / step_s + 1e-6) + 1)]
    return [(time_s, clock(time_s, tenths=step_s < 1)) for time_s in times_s]


def ends(of_lane: CurveScale, top: float) -> str:
    """The values at the top and at the foot of a lane."""
    places = ((of_lane.high, top + 11), (of_lane.low, top + LANE - BAR - 5))
    return "".join(f'<text class="scale" x="{LEFT + 3}" y="{y:.1f}">{value:.2g}</text>' for value, y in places)


def clock(time_s: float, tenths: bool = False) -> str:
    """1:02:03.5, 2:03.5 or 0:03.5; whole seconds without their zero unless `tenths`."""
    minutes, seconds = divmod(round(time_s, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{seconds:04.1f}" if tenths else f"{seconds:04.1f}".removesuffix(".0")
    return f"{hours}:{minutes:02d}:{text}" if hours else f"{minutes}:{text}"


def short(name: str) -> str:
    """A class name that fits beside its lane."""
    return name if len(name) <= MOST else f"{name[: MOST - 1]}…"


def data_uri(jpeg: bytes) -> str:
    """A picture as text."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
