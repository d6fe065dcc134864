"""What is wrong with detections: the kinds of errors, what each kind costs, and which instances are missed.

After DETAD (Alwassel et al., Diagnosing Error in Temporal Action Detectors, ECCV 2018). At a tIoU threshold every detection
that counts is of one kind. A true positive is one that `evaluate` matches to an instance. The kind of any other detection is
decided by the instance of its video, whatever its class, with the highest tIoU:

                       tIoU >= threshold   LOWER <= tIoU < threshold   tIoU < LOWER
    its own class      double detection    localization                background
    another class      wrong label         confusion                   background

DETAD's paper leaves open what a detection is that fits several cells; its code decides so, too. Different from its code,
detections, instances and mAP are those of an evaluation protocol (DETAD keeps the ten best detections for each instance,
normalizes precision by the number of instances, and drops instances that do not last); and where instances of the own and of
another class have the same tIoU, the own one decides (DETAD: numpy.argmax, so the first in the file).
"""

from dataclasses import dataclass

import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Detections, Truth
from wstal.evaluation.evaluate import Protocol, average_precision, prepare
from wstal.evaluation.matching import Segments, candidates, match, overlap, pairs, rank

LOWER = 0.1  # DETAD: a tIoU below it is no overlap
ERRORS = ("double detection", "wrong label", "localization", "confusion", "background")  # DETAD's order
KINDS = ("true positive", *ERRORS)


@dataclass(frozen=True)
class Diagnosis:
    """Errors of N detections that count and M instances at one tIoU. Shares, recall and mAP are fractions of 1."""

    tiou: float
    kind: np.ndarray  # (N,) int64, index into KINDS; detections by class and within a class from the highest rank down
    share: dict[str, float]  # of each of KINDS among the best detections of each class, at most as many as it has instances
    mAP: float  # mean over the classes with an instance; one without a detection counts 0, whatever the protocol
    gain: dict[str, float]  # what mAP gains when all detections of one of ERRORS are removed
    recall: float  # share of the instances that are matched; the rest is missed
    quartiles_s: tuple[float, ...]  # (3,) of the lengths of the instances, seconds
    recall_by_length: tuple[float, ...]  # (4,) between the quartiles, shortest first; nan for a group without an instance


def diagnose(truth: Truth, detections: Detections, protocol: Protocol, tiou: float) -> Diagnosis:
    """The errors that `evaluate` with the same arguments counts, sorted by kind.

    Raises:
        UserError: `tiou` is not in (0, 1], there is no instance, or a detection is broken.
    """
    if not 0 < tiou <= 1:
        raise UserError(f"tIoU {tiou:g} must be above 0 and not above 1; choose another one.")
    rows, instances, _ = prepare(truth, detections, protocol)
    row, instance, _ = candidates(rows, instances, tiou, **protocol.preference)
    matches = match(row, instance, len(instances))
    kind = kinds(rows, instances, row[matches], tiou, protocol.preference["empty_tiou"])
    positives = np.bincount(instances.label, minlength=len(truth.labels))
    before = mean_average_precision(kind, rows.label, positives, protocol.interpolated)
    gain = {}
    for error, name in enumerate(ERRORS, start=1):
        left = kind != error
        gain[name] = mean_average_precision(kind[left], rows.label[left], positives, protocol.interpolated) - before
    top = np.bincount(kind[rank(rows.label) < positives[rows.label]], minlength=len(KINDS))
    found = np.zeros(len(instances), dtype=bool)
    found[instance[matches]] = True
    quartiles_s, by_length = recall_by_length(found, truth.end_s - truth.start_s)
    share = dict(zip(KINDS, (top / max(top.sum(), 1)).tolist(), strict=True))
    return Diagnosis(tiou, kind, share, before, gain, float(found.mean()), quartiles_s, by_length)


def kinds(rows: Segments, instances: Segments, hits: np.ndarray, tiou: float, empty_tiou: float) -> np.ndarray:
    """(N,) int64, the kind of each row as an index into KINDS. hits (H,): the rows that are matched."""
    best = np.zeros((2, len(rows)))  # highest tIoU with an instance of another class, of the own class
    for i, j in pairs(rows.video, instances.video):
        np.maximum.at(best, ((rows.label[i] == instances.label[j]).astype(int), i), overlap(rows, instances, i, j, empty_tiou))
    highest, own = best.max(axis=0), best[1] >= best[0]
    double, wrong, localization, confusion, background = range(1, len(KINDS))
    near, far = np.where(own, double, wrong), np.where(own, localization, confusion)
    kind = np.select([highest >= tiou, highest >= LOWER], [near, far], background)
    kind[hits] = 0
    return kind


def mean_average_precision(kind: np.ndarray, label: np.ndarray, positives: np.ndarray, interpolated: bool) -> float:
    """mAP of rows whose kind (N,) and label (N,) are known, in their order; positives (C,): instances of each class."""
    hits, count = np.flatnonzero(kind == 0), np.bincount(label, minlength=len(positives))
    return float(np.nanmean(average_precision(hits, label[hits], positives, count, interpolated)))


def recall_by_length(found: np.ndarray, length_s: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Quartiles (3,) of the lengths (M,) of instances, and the share found (M,) bool in each of the 4 groups between them.

    A length that equals a quartile belongs to the shorter group. A group without an instance has nan.
    """
    quartiles_s = np.quantile(length_s, [0.25, 0.5, 0.75])
    group = np.searchsorted(quartiles_s, length_s)
    count = np.bincount(group, minlength=4)
    share = np.divide(np.bincount(group, found, minlength=4), count, out=np.full(4, np.nan), where=count > 0)
    return tuple(quartiles_s.tolist()), tuple(share.tolist())
