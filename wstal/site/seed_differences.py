"""Differences of seeds as a small drawing, inline SVG: its colours follow the page's, light and dark."""

import numpy as np
from markupsafe import Markup

from wstal.report.cells import signed
from wstal.site.claim_cards import ClaimCard

WIDTH, HEIGHT, MARGIN = 340, 64, 16  # pixels
MIDDLE = 26  # where the dots lie


def reach(card: ClaimCard) -> float:
    """Half the axis of a claim, points: no dot, interval or bound lies further from 0."""
    return 1.1 * float(np.nanmax(np.abs([*card.seeds, *card.interval, card.bound])))


def seeds(card: ClaimCard) -> Markup:
    """A dot a seed, the interval of their mean as a line, the bound as a band around 0; right of 0 speaks for the claim."""
    span, (low, high) = reach(card), card.interval

    def x(points: float) -> float:
        return round(WIDTH / 2 + points / span * (WIDTH / 2 - MARGIN), 1)

    band = Markup('<rect class="bound" x="{}" y="10" width="{}" height="32"/>')
    parts = [band.format(x(-card.bound), round(x(card.bound) - x(-card.bound), 1))]
    parts.append(Markup('<path class="axis" d="M{} 42H{}M{} 6V42"/>').format(MARGIN, WIDTH - MARGIN, x(0)))
    if not np.isnan(low):
        parts.append(Markup('<path class="interval" d="M{} {}H{}"/>').format(x(low), MIDDLE, x(high)))
    parts += [Markup('<circle cx="{}" cy="{}" r="5"/>').format(x(float(one)), MIDDLE) for one in card.seeds]
    parts.append(Markup('<path class="mean" d="M{} 16V36"/>').format(x(float(card.seeds.mean()))))
    parts += [Markup('<text x="{}" y="58">{}</text>').format(x(points), label(points)) for points in ticks(span)]
    words = f"Differences of the seeds in points: {', '.join(signed(float(one)) for one in card.seeds)}"
    return Markup('<svg class="seeds" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, words, Markup("").join(parts)
    )


def label(points: float) -> str:
    """A point of the axis in words."""
    return f"{points:+g}".replace("-", "−") if points else "0"


def ticks(span: float) -> list[float]:
    """Round points of an axis from -span to span, 0 among them: three to seven."""
    steps = (size * 10.0**power for power in range(-6, 6) for size in (1, 2, 5))
    step = next(step for step in steps if 3 * step >= 0.9 * span)
    count = int(0.95 * span / step)
    return [round(k * step, 6) for k in range(-count, count + 1)]
