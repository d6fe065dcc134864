"""Video-level labels: the only annotations that training can reach."""

from pathlib import Path

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Video
from wstal.border import jsonfile


class Labels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """videos.json: the class list and what weak supervision knows of each video."""

    classes: tuple[str, ...]
    videos: tuple[Video, ...]

    def subset(self, name: str, draw: int) -> tuple[Video, ...]:
        """Videos of "train" or "test" of a draw, in the order of their names."""
        chosen = (video for video in self.videos if video.subset == name and video.draw == draw)
        return tuple(sorted(chosen, key=lambda video: video.id))

    def multi_hot(self, videos: tuple[Video, ...]) -> np.ndarray:
        """(N, C) float32; 1 where the video shows the class."""
        rows = [[c in video.labels for c in self.classes] for video in videos]
        return np.array(rows, dtype=np.float32).reshape(len(videos), len(self.classes))


def read(path: Path) -> Labels:
    """Read videos.json. Its format holds no times, so nothing that reads it can see any.

    Raises:
        UserError: the file is missing or damaged.
    """
    if not path.exists():
        raise UserError(f"{path} is missing; make it first with `dvc repro annotations`.")
    return jsonfile.read(path, Labels, "is damaged", "make it again with `dvc repro annotations`")
