"""Whether models err alike: which ground-truth instances one of them finds and another misses.

An ensemble can gain from models that find different instances. That takes the truth to see, so it stands on the side of
evaluation, and nothing here chooses what an ensemble is made of.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Detections, Truth
from wstal.detect.detections import places
from wstal.evaluation.matching import Segments, candidates, rank


@dataclass(frozen=True)
class Complementarity:
    """What K models find of M ground-truth instances. Shares are fractions of the instances."""

    models: tuple[str, ...]
    found: np.ndarray  # (K, M) bool

    @property
    def recall(self) -> np.ndarray:
        """Share that each model finds: (K,)."""
        return self.found.mean(1)

    @property
    def only(self) -> np.ndarray:
        """Share that the model of the row finds and that of the column misses: (K, K)."""
        return (self.found[:, None] & ~self.found).mean(-1)

    @property
    def union(self) -> float:
        """Share that at least one model finds: the recall of an oracle that knows whom to trust."""
        return float(self.found.any(0).mean())

    @property
    def shared_errors(self) -> np.ndarray:
        """(K, K) of the instances that either of two models misses, the share that both miss; nan if neither misses one."""
        missed = ~self.found
        both, either = (missed[:, None] & missed).sum(-1), (missed[:, None] | missed).sum(-1)
        return np.divide(both, either, out=np.full(both.shape, np.nan), where=either > 0)


def compare(truth: Truth, models: Mapping[str, Detections], tiou: float, per_instance: float) -> Complementarity:
    """What the models {name: detections} find, each by itself; see `found`.

    Raises:
        UserError: there is no model, or `found` refuses its arguments.
    """
    if not models:
        raise UserError("there is no model to compare; name at least one.")
    return Complementarity(tuple(models), np.stack([found(truth, one, tiou, per_instance) for one in models.values()]))


def found(truth: Truth, detections: Detections, tiou: float, per_instance: float) -> np.ndarray:
    """(M,) bool: instances that a detection of their video and class overlaps with at least `tiou`, in seconds.

    Of each class count as many detections, best first over all videos, as it has instances times `per_instance`; inf for all
    of them. At 1 the models are compared where their precision equals their recall, whatever the scale of their scores.
    An instance may be found by a detection that finds another one, too.

    Raises:
        UserError: `tiou` is not in (0, 1], `per_instance` not above 0, or there is no instance.
    """
    if not (0 < tiou <= 1 and per_instance > 0):
        raise UserError(f"tIoU {tiou:g} must be above 0 and not above 1, per_instance {per_instance:g} above 0; mend them.")
    if not len(truth.label):
        raise UserError("the ground truth holds no action instance; choose another subset or file.")
    rows = best(truth, detections, per_instance)
    instances = Segments(truth.video.astype(np.int64), truth.label.astype(np.int64), truth.start_s, truth.end_s)
    _, instance, _ = candidates(rows, instances, tiou, empty_tiou=0.0, later_first=None)
    return np.isin(np.arange(len(instances)), instance)


def best(truth: Truth, detections: Detections, per_instance: float) -> Segments:
    """The detections that count, by class and from the best one down; equal scores in the order of the rows."""
    video, label = (places(*names) for names in ((detections.videos, truth.videos), (detections.labels, truth.labels)))
    rows = Segments(video[detections.video], label[detections.label], detections.start_s, detections.end_s)
    order = np.lexsort((-detections.score, rows.label))
    order = order[rows.label[order] >= 0]
    ordered = rows.label[order]
    positives = np.bincount(truth.label, minlength=len(truth.labels))
    return rows[order[rank(ordered) / per_instance < positives[ordered]]]
