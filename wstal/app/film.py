"""What the page of one's own videos shows of each: score curves, intervals, pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wstal.app.stills import Stills, stills
from wstal.base.types import Detections, VideoScores
from wstal.report.timeline import Film
from wstal.training.card import Card


def film(
    video: str, file: Path, length_s: float, scores: Mapping[str, Mapping[str, VideoScores]], shown: Detections,
    card: Card, settings: Stills,
) -> Film:  # fmt: skip
    """What the page shows of a video; curves are means over the networks."""
    tracks = [of_network[video] for of_network in scores.values()]
    rows = np.flatnonzero(shown.video == shown.videos.index(video))
    spans = [(card.classes[shown.label[k]], *(float(c[k]) for c in (shown.start_s, shown.end_s, shown.score))) for k in rows]
    activation = np.mean([track.activation for track in tracks], axis=0)
    surest, why = most_likely(tracks, card)
    strip_s = [(i + 0.5) * length_s / settings.strip for i in range(settings.strip)]
    pictures = stills(file, [*strip_s, *((start_s + end_s) / 2 for _, start_s, end_s, _ in spans)], settings)
    return Film(
        video=video, duration_s=length_s, times_s=card.grid.seconds(np.arange(len(activation)) + 0.5),
        foreground=np.mean([track.actionness for track in tracks], axis=0),
        curves={name: activation[:, card.classes.index(name)] for name in sorted({surest, *(name for name, *_ in spans)})},
        spans=spans, strip=pictures[: settings.strip], pictures=pictures[settings.strip :],
        why="" if spans else why, file=file,
    )  # fmt: skip


def most_likely(tracks: Sequence[VideoScores], card: Card) -> tuple[str, str]:
    """The class that a video shows most likely, and why nothing might be found of it."""
    scores = np.max([track.video_score for track in tracks], axis=0)
    name, score, least = card.classes[np.argmax(scores)], float(np.max(scores)), card.settings.localize.classes.threshold
    if score < least:
        return name, f"no class passed classes.threshold {least:g} of the run; the surest, {name}, has {score:.2g}"
    return name, f"{name} has {score:.2g}, but stands out at no time"
