"""The page: a head with a search field, and for every video a player, its drawing and a card for each interval."""

import html
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from wstal.base import colours
from wstal.report.timeline.drawing import CurveScale, Film, Span, clock, data_uri, drawing, scales

FOLDER = Path(__file__).parent


def page(films: Sequence[Film], run: str, classes: Sequence[str] = (), folder: Path | None = None) -> str:
    """One HTML file of all videos; `run` says what found the intervals, `classes` are the run's, in their order.

    `folder` is where the page is written: videos are played that lie there, or where they lay. Without one, as inside a
    notebook, none is.
    """
    names = sorted({name for film in films for name in film.found})
    hues, both = colours.hues(classes, names), scales(films)
    counts = Counter(label for film in films for label, *_ in film.spans)
    style, script = ((FOLDER / name).read_text(encoding="utf-8") for name in ("style.css", "script.js"))
    lead = f"{plural(counts.total(), 'detection')} in {plural(len(films), 'video')}, by {html.escape(run)}"
    chips = "".join(chip(name, hues[name], counts[name]) for name in names)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Timeline: {lead}</title>\n<style>\n{colours.style()}{style}</style></head>\n"
        f"<body>\n<header><h1>Timeline</h1><p>{lead}</p>"
        '<input type="search" placeholder="Find a video or a class" aria-label="Find a video or a class">'
        f'<div class="chips">{chips}</div></header>\n<main>\n'
        + "\n".join(section(film, hues, *both, folder) for film in films)
        + '\n<p class="none" hidden>No video or class has this in its name.</p>\n</main>\n'
        "<footer>Classes have one scale over all videos of the page, the foreground has another; its ends stand on the left. "
        "Bars are detections; fainter ones have lower scores. Dotted curves are of classes that are not found. "
        "Move the mouse over a drawing, or focus it and use the arrow keys; a click plays the video from there.</footer>\n"
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )


def frame(text: str, height: int) -> str:
    """A page inside another, as a notebook shows it; `height` in pixels."""
    return (
        f'<div><iframe srcdoc="{html.escape(text, quote=True)}" style="width:100%;height:{height}px;border:0"></iframe></div>'
    )


def section(film: Film, hues: Mapping[str, int], of_foreground: CurveScale, of_classes: CurveScale, folder: Path | None) -> str:
    """One video."""
    spans = zip(film.spans, film.pictures, strict=True)
    best = max((span[3] for span in film.spans), default=1.0)
    cards = "".join(card(k, span, picture, hues[span[0]], best) for k, (span, picture) in enumerate(spans))
    words = html.escape(" ".join([film.video, *sorted(film.found)]).lower(), quote=True)
    said = html.escape(nothing_found(film.why))
    below = f'<div class="cards">{cards}</div>' if film.spans else f'<p class="nothing">{said}</p>'
    found = plural(len(film.spans), "detection") if film.spans else said.partition(":")[0]
    return (
        f'<section data-words="{words}"><h2>{html.escape(film.video)}</h2>'
        f'<p class="facts">{clock(film.duration_s)} · {found}</p>'
        f"{player(film, folder)}"
        f'<div class="drawing">{drawing(film, hues, of_foreground, of_classes)}<output></output></div>'
        f'{below}<script type="application/json">{tracks(film)}</script></section>'
    )


def player(film: Film, folder: Path | None) -> str:
    """A player, which script.js shows if it finds the file; else there stands a sentence that says where it is looked for."""
    if film.file is None or folder is None:
        return ""
    name = html.escape(film.file.name)
    places = html.escape(json.dumps([quote(place) for place in places_of(film.file, folder)]), quote=True)
    return (
        f'<div class="player" data-places="{places}"><video controls preload="metadata" hidden></video>'
        f"<p>To play the video here, put {name} beside this page; the browser must know its format (MP4 with H.264, WebM).</p>"
        "</div>"
    )


def places_of(file: Path, folder: Path) -> list[str]:
    """Where a player looks for a file: beside the page, then where it lies, seen from the page's folder."""
    try:
        far = [Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()]
    except ValueError:  # on another drive of Windows
        far = []
    return list(dict.fromkeys([file.name, *far]))


def nothing_found(why: str) -> str:
    """Where there is no interval."""
    return f"nothing found: {why}" if why else "nothing found"


def card(number: int, span: Span, picture: bytes, hue: int, best: float) -> str:
    """One interval; the bar shows its score as a share of `best`."""
    label, start_s, end_s, score = span
    return (
        f'<button class="card hue{hue}" data-span="{number}" '
        f'data-start="{start_s:.3f}" data-time="{(start_s + end_s) / 2:.3f}">'
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
