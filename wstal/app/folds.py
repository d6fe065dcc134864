"""Video-level accuracy by cross-validation on the training videos: what it says of a run needs no times."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wstal.base.paths import Tree
from wstal.base.types import Annotations, Video, VideoScores
from wstal.datasets import annotations as written

LEAST = 4  # videos


@dataclass(frozen=True)
class Held:
    """A video that its network has not seen."""

    video: str
    labels: tuple[str, ...]
    surest: str  # class

    @property
    def right(self) -> bool:
        """Whether the surest class is one of its labels."""
        return self.surest in self.labels


@dataclass(frozen=True)
class Crossed:
    """What networks say of the videos that were kept from them."""

    folds: int
    held: tuple[Held, ...]
    alone: tuple[str, ...]  # videos that cannot be judged: without a label, or with none that another video has

    @property
    def right(self) -> int:
        """Videos whose surest class is right."""
        return sum(one.right for one in self.held)

    @property
    def commonest(self) -> int:
        """Videos that one class alone, the commonest, would be right for."""
        return max(Counter(label for one in self.held for label in one.labels).values(), default=0)

    def by_class(self) -> dict[str, tuple[int, int]]:
        """{class: (its videos whose surest class is right, its videos)}."""
        counts, right = (
            Counter(label for one in self.held if one.right or not only for label in one.labels) for only in (False, True)
        )
        return {label: (right[label], counts[label]) for label in sorted(counts)}

    @property
    def sentence(self) -> str:
        """The result in one line."""
        count = len(self.held)
        return (
            f"video-level accuracy by cross-validation, {self.folds} folds: the surest class is right for {self.right} of "
            f"{count} videos ({100 * self.right / count:.0f} %); the commonest class alone would be for {self.commonest}"
        )


def split(videos: Sequence[Video], folds: int) -> list[set[str]]:
    """Ids of the videos that each fold holds back; videos of the same labels are spread over the folds."""
    ordered = sorted(videos, key=lambda video: (video.labels, video.id))
    count = min(folds, len(ordered))
    return [{video.id for video in ordered[k::count]} for k in range(count)]


def trees(annotations: Annotations, whole: Tree, dataset: str, folds: int) -> list[tuple[Tree, int]]:
    """For each fold a tree below that of all videos, `whole`, whose features it shares, and the number of training videos.

    Videos that are held back are for testing. There is no fold where folds are fewer than two, or videos fewer than LEAST.
    """
    videos = [video for video in annotations.videos if video.subset == "train"]
    made: list[tuple[Tree, int]] = []
    for number, held in enumerate(split(videos, folds) if folds > 1 and len(videos) >= LEAST else []):
        tree = Tree(whole.root / f"fold{number}")
        subsets = [dataclasses.replace(video, subset="test" if video.id in held else "train") for video in videos]
        written.write(
            dataclasses.replace(annotations, videos=tuple(subsets)), tree.output(tree.annotations(dataset)), origin="fold"
        )
        tree.output(tree.features(dataset)).symlink_to(whole.features(dataset).resolve(), target_is_directory=True)
        made.append((tree, len(videos) - len(held)))
    return made


def crossed(
    annotations: Annotations, classes: Sequence[str], scores: Sequence[Mapping[str, Mapping[str, VideoScores]]]
) -> Crossed | None:
    """Judge the networks of all folds, from scores {network: {video: scores}} of each; None where no video can be judged."""
    labels = {video.id: video.labels for video in annotations.videos}
    counts = Counter(label for video in annotations.videos if video.subset == "train" for label in video.labels)
    held, alone = [], []
    for of_fold in scores:
        for video in next(iter(of_fold.values())):
            sure = np.mean([of_network[video].video_score for of_network in of_fold.values()], axis=0)  # (C,)
            if any(counts[label] > 1 for label in labels[video]):
                held.append(Held(video, labels[video], classes[int(np.argmax(sure))]))
            else:
                alone.append(video)
    by_name = tuple(sorted(held, key=lambda one: one.video))
    return Crossed(len(scores), by_name, tuple(sorted(alone))) if held else None
