"""What a trained run teaches another: its confident detections in training videos, as targets of their snippets.

Only video-level labels and detections enter; see wstal/plugins/self_training.py.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wstal.base.timegrid import TimeGrid
from wstal.base.types import Detections
from wstal.config.settings import Settings
from wstal.data.bags import Bags
from wstal.data.prepared import Prepared
from wstal.data.store import ArrayStore, Beside
from wstal.plugins.base import TARGETS
from wstal.plugins.self_training import Params
from wstal.training import card as cards
from wstal.training.card import Card
from wstal.training.predict import predict

NAME = "self_training"  # of the plug-in


def of(settings: Settings) -> Params | None:
    """How a row is taught; None for one that has no teacher."""
    found = settings.plugins.get(NAME)
    return found if isinstance(found, Params) else None


def taught(bags: Bags, data: Prepared, teacher: Card, weights: Mapping[str, Path], per_video: float) -> Bags:
    """Training bags with targets: what the teacher, of `weights` {network: file}, finds in these videos."""
    scores = {
        network: predict(cards.restore(teacher, path, network), data.bags(teacher.networks[network], "train"))
        for network, path in weights.items()
    }
    found = cards.detect(teacher, scores, data.durations_s("train"))
    shown = {video.id: video.labels for video in data.videos("train")}
    lengths_t = dict(zip(bags.videos, bags.lengths.tolist(), strict=True))
    made = targets(found, shown, teacher.classes, lengths_t, bags.grid, per_video)
    store = ArrayStore({video: {TARGETS: values} for video, values in made.items()}, {TARGETS: bags.grid})
    return Bags(Beside(bags.store, store), bags.streams, bags.videos, bags.labels.numpy(), (TARGETS,))


def targets(
    found: Detections, shown: Mapping[str, Sequence[str]], classes: Sequence[str], lengths_t: Mapping[str, int], grid: TimeGrid,
    per_video: float,
) -> dict[str, np.ndarray]:  # fmt: skip
    """Targets of snippets: {video: (T, C) float16}, 1 shows, 0 does not, -1 unknown.

    `shown` are the labels of each video, lengths_t its snippets. Of each class the surest detections in videos that show it
    are kept, `per_video` for each of these videos on average.
    """
    made = {video: np.zeros((length, len(classes)), dtype=np.float16) for video, length in lengths_t.items()}
    for column, name in enumerate(classes):
        videos = [video for video, labels in shown.items() if name in labels]
        rows = of_class(found, name, videos)
        kept = rows[np.argsort(-found.score[rows], kind="stable")[: round(per_video * len(videos))]]
        for row in rows:
            mark(made[found.videos[found.video[row]]][:, column], found, row, grid, -1)
        for row in kept:
            mark(made[found.videos[found.video[row]]][:, column], found, row, grid, 1)
        taught = {found.videos[found.video[row]] for row in kept}
        for video in videos:
            if video not in taught:
                made[video][:, column] = -1
    return made


def of_class(found: Detections, name: str, videos: Sequence[str]) -> np.ndarray:
    """Rows (K,) of the detections of a class in these videos."""
    wanted = set(videos)
    label = np.array([one == name for one in found.labels], dtype=bool)
    chosen = np.array([one in wanted for one in found.videos], dtype=bool)
    if not len(found):
        return np.zeros(0, dtype=int)
    return np.flatnonzero(label[found.label] & chosen[found.video])


def mark(column: np.ndarray, found: Detections, row: int, grid: TimeGrid, value: float) -> None:
    """Write `value` into the snippets of one class (T,) whose centres a detection covers."""
    first, end = (int(np.ceil(grid.snippets(time_s) - 0.5)) for time_s in (found.start_s[row], found.end_s[row]))
    column[max(first, 0) : max(end, 0)] = value
