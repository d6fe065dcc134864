"""The page: a head with a search field, and for every video its drawing and a card for each interval."""

import html
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wstal.report.timeline.drawing import Film, Span, clock, data_uri, drawing

HUES = 10  # colours of style.css
FOLDER = Path(__file__).parent


def page(films: Sequence[Film], run: str) -> str:
    """One HTML file of all videos; `run` says what found the intervals."""
    names = sorted({name for film in films for name in film.curves})
    hues = {name: number % HUES for number, name in enumerate(names)}
    counts = Counter(label for film in films for label, *_ in film.spans)
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    lead = f"{plural(counts.total(), 'detection')} in {plural(len(films), 'video')}, by {html.escape(run)}"
    chips = "".join(chip(name, hues[name], counts[name]) for name in names)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Timeline: {lead}</title>\n<style>\n{style}</style></head>\n<body>\n<header><h1>Timeline</h1><p>{lead}</p>"
        '<input type="search" placeholder="Find a video or a class" aria-label="Find a video or a class">'
        f'<div class="chips">{chips}</div></header>\n<main>\n'
        + "\n".join(section(film, hues) for film in films)
        + '\n<p class="none" hidden>No video or class has this in its name.</p>\n</main>\n'
        "<footer>Curves are scaled to each video. Bars are detections; fainter ones have lower scores. "
        "Move the mouse over a drawing, or focus it and use the arrow keys.</footer>\n"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def frame(text: str, height: int) -> str:
    """A page inside another, as a notebook shows it; `height` in pixels."""
    return (
        f'<div><iframe srcdoc="{html.escape(text, quote=True)}" style="width:100%;height:{height}px;border:0"></iframe></div>'
    )


def section(film: Film, hues: dict[str, int]) -> str:
    """One video."""
    spans = zip(film.spans, film.pictures, strict=True)
    best = max((span[3] for span in film.spans), default=1.0)
    cards = "".join(card(k, span, picture, hues[span[0]], best) for k, (span, picture) in enumerate(spans))
    words = html.escape(" ".join([film.video, *film.curves]).lower(), quote=True)
    found = plural(len(film.spans), "detection") if film.spans else html.escape(nothing_found(film.why))
    return (
        f'<section data-words="{words}"><h2>{html.escape(film.video)}</h2>'
        f'<p class="facts">{clock(film.duration_s)} · {found}</p>'
        f'<div class="drawing">{drawing(film, hues)}<output></output></div>'
        f'<div class="cards">{cards}</div><script type="application/json">{tracks(film)}</script></section>'
    )


def nothing_found(why: str) -> str:
    """Where there is no interval."""
    return f"nothing found: {why}" if why else "nothing found"


def card(number: int, span: Span, picture: bytes, hue: int, best: float) -> str:
    """One interval; the bar shows its score as a share of `best`."""
    label, start_s, end_s, score = span
    return (
        f'<button class="card hue{hue}" data-span="{number}" data-time="{(start_s + end_s) / 2:.3f}">'
        f'<img src="{data_uri(picture)}" alt="">'
        f"<b>{html.escape(label)}</b><span>{clock(start_s)} – {clock(end_s)}</span>"
        f'<div class="score"><div style="width:{100 * score / best:.0f}%"></div></div><i>{score:.2f}</i></button>'
    )


def tracks(film: Film) -> str:
    """What the cursor reads: JSON that cannot end the element it stands in."""
    lanes = {"foreground": film.foreground, **film.curves}
    content = {
        "duration": round(film.duration_s, 3),
        "times": [round(float(time_s), 3) for time_s in film.times_s],
        "lanes": {name: [round(float(x), 3) for x in values] for name, values in lanes.items()},
    }
    return json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")


def chip(name: str, hue: int, count: int) -> str:
    """A class, to click on."""
    text = html.escape(name)
    return f'<button class="chip hue{hue}" data-word="{html.escape(name.lower(), quote=True)}">{text} <i>{count}</i></button>'


def plural(count: int, noun: str) -> str:
    """1 video, 2 videos."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
