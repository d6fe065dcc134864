"""Mean average precision of detections: one vectorised evaluator, one named protocol per published evaluator.

What happens with unusual input (a note is a sentence in `Result.notes`, an error a UserError of one sentence):
- a label without an instance in the ground truth: its detections are ignored (the official evaluator breaks); note, with the
  nearest class that has one;
- a video outside the ground-truth subset: false positives where the protocol keeps videos without instances, as in
  the official evaluator, else dropped; note;
- no detections: mAP 0; note. A class without detections: AP 0, or mAP 0 altogether (`zero_if_undetected`); note, with the mean
  without that rule. An annotated video without detections: note;
- detections that end far beyond, or far before, the last instances of their videos, as times in another unit do: note;
- an instance that does not last (end <= start): counted but hardly ever matched (`empty_matches_empty`); note;
- score or time that is not finite, end before start, thresholds outside (0, 1]: error, also raised by
  `detections.read_json`, which names the file too;
- ground truth without an instance; a file that is missing, cut short, not JSON or of another layout: error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wstal.base.errors import UserError
from wstal.base.types import Detections, Truth
from wstal.checks.spelling import nearest
from wstal.detect import detections as detections_json
from wstal.detect.detections import places
from wstal.evaluation.matching import Segments, candidates, match, pairs

FAR = 12.0  # times the last instance of a video: no detections in seconds end there in half of the videos


@dataclass(frozen=True)
class Protocol:
    """What a published evaluator does differently from the others."""

    snippets_per_s: float | None  # whole snippets: instances rounded half to even, detections truncated; None: seconds
    first_in_file: bool  # True: a detection takes the first free instance in file order; False: that of the highest tIoU
    later_instance_first: bool  # of two instances with equal tIoU, the later in file order is preferred
    later_row_first: bool  # of two detections with equal scores, the later row ranks higher
    interpolated: bool  # precision envelope as in VOC 2011; False: mean precision at the hits
    ambiguity_filter: bool  # remove detections of any class that overlap an ambiguous time
    drop_empty_videos: bool  # videos without an instance are left out, so false alarms there are free
    zero_if_undetected: bool  # mAP is 0 as soon as one class has no detection
    empty_matches_empty: bool  # a detection and an instance of 0 s: their 0/0 is not below any threshold
    tious: tuple[float, ...]  # usual thresholds
    subsets: tuple[str, ...]  # preferred subset names of a ground-truth file, for `truth.read`
    ambiguous_label: str | None  # annotations with this label are ambiguous times; None: an ordinary class

    @property
    def preference(self) -> dict:
        """What `matching.candidates` must know: how segments that last nothing and equal tIoUs count."""
        later_first = None if self.first_in_file else self.later_instance_first
        return {"empty_tiou": np.inf if self.empty_matches_empty else 0.0, "later_first": later_first}


_ACTIVITYNET = Protocol(  # activitynet/ActivityNet 82304fa, Evaluation/eval_detection.py
    snippets_per_s=None,
    first_in_file=False,
    later_instance_first=True,  # argsort()[::-1] over the instances of a video
    later_row_first=True,  # argsort()[::-1] over the scores
    interpolated=True,
    ambiguity_filter=False,
    drop_empty_videos=False,
    zero_if_undetected=False,
    empty_matches_empty=True,
    tious=tuple(np.linspace(0.5, 0.95, 10).tolist()),
    subsets=("validation", "test", "testing"),
    ambiguous_label=None,
)
_FACNET = Protocol(  # FAC-Net c010886, evaluation/detectionMAP.py
    snippets_per_s=25 / 16,
    first_in_file=False,
    later_instance_first=False,
    later_row_first=False,  # argsort(-score)
    interpolated=True,
    ambiguity_filter=True,
    drop_empty_videos=True,
    zero_if_undetected=True,
    empty_matches_empty=False,  # the authors' code divides by zero there
    tious=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7),
    subsets=("test", "testing", "validation"),
    ambiguous_label="Ambiguous",
)


PROTOCOLS: dict[str, Protocol] = {
    "activitynet": _ACTIVITYNET,  # also HACS
    "thumos-facnet": _FACNET,
    # sujoyp/wtalc-pytorch 81ea982, detectionMAP.py
    "thumos-wtalc": replace(_FACNET, first_in_file=True, interpolated=False, tious=(0.1, 0.2, 0.3, 0.4, 0.5)),
    # wsad 3e1c3d0, eval_detection.py: ActivityNet's matching on W-TALC's integer ranges
    "thumos-wsad": replace(
        _FACNET, later_instance_first=True, later_row_first=True, zero_if_undetected=False, tious=(0.1, 0.3, 0.5, 0.7)
    ),
    # BaSNet-pytorch c8c6bbd and WTAL-Uncertainty-Modeling f8e52f5, eval/eval_detection.py: a port of ActivityNet's
    "thumos-basnet": replace(_ACTIVITYNET, tious=tuple(np.linspace(0.1, 0.9, 9).tolist()), subsets=_FACNET.subsets),
}


@dataclass(frozen=True)
class Result:
    """Average precision as fractions of 1; K thresholds, C classes."""

    tious: np.ndarray  # (K,) thresholds
    classes: tuple[str, ...]  # (C,) as in Truth.labels
    ap: np.ndarray  # (K, C), nan for a class without an instance
    mAP: np.ndarray  # (K,) mean over the classes with an instance
    average_mAP: float  # mean over the thresholds
    notes: tuple[str, ...]  # remarks, a sentence each
    plain_mAP: np.ndarray  # (K,) mAP without `zero_if_undetected`
    undetected: tuple[str, ...]  # classes with an instance and without a detection


def evaluate(truth: Truth, detections: Detections, protocol: Protocol, tious: Sequence[float]) -> Result:
    """Average precision of every class at every one of K thresholds `tious`, as `protocol` defines it.

    Raises:
        UserError: a threshold is not in (0, 1] or there is none, or `prepare` refuses truth or detections.
    """
    thresholds = np.array(tious, dtype=np.float64)
    if thresholds.ndim != 1 or not len(thresholds) or not np.all((thresholds > 0) & (thresholds <= 1)):
        raise UserError(f"tIoU thresholds {thresholds.tolist()} must be numbers above 0 and not above 1; change --tiou.")
    rows, instances, notes = prepare(truth, detections, protocol)
    row, instance, tiou = candidates(rows, instances, float(thresholds.min()), **protocol.preference)
    positives = np.bincount(truth.label, minlength=len(truth.labels))
    count = np.bincount(rows.label, minlength=len(truth.labels))
    ap = np.full((len(thresholds), len(count)), np.nan)
    for k in np.argsort(thresholds):
        keep = tiou >= thresholds[k]
        row, instance, tiou = row[keep], instance[keep], tiou[keep]
        hits = row[match(row, instance, len(instances))]
        ap[k] = average_precision(hits, rows.label[hits], positives, count, protocol.interpolated)
    missing = [label for label, p, n in zip(truth.labels, positives, count, strict=True) if p and not n]
    plain = np.nanmean(ap, axis=1)
    mean = np.zeros(len(thresholds)) if protocol.zero_if_undetected and missing else plain
    notes += _remarks(truth, missing if len(rows) else [], protocol, float(plain.mean()))
    notes += _silent(truth, detections) + _other_unit(truth, detections)
    return Result(thresholds, truth.labels, ap, mean, float(mean.mean()), tuple(notes), plain, tuple(missing))


def prepare(truth: Truth, detections: Detections, protocol: Protocol) -> tuple[Segments, Segments, list[str]]:
    """What a protocol compares, on its axis of time: detections, instances, and notes.

    The detections are those that count, by class and within a class from the highest rank down; the instances stand in the
    order of `truth`.

    Raises:
        UserError: there is no instance, or a detection that `detections.check` refuses.
    """
    if not len(truth.label):
        raise UserError("the ground truth holds no action instance; choose another subset or file.")
    detections_json.check(detections, "detections")
    rows, notes = _ranked(truth, detections, protocol)
    times = _instance_times(truth.start_s, truth.end_s, protocol)
    return rows, Segments(truth.video.astype(np.int64), truth.label.astype(np.int64), *times), notes


def _instance_times(start_s: np.ndarray, end_s: np.ndarray, protocol: Protocol) -> tuple[np.ndarray, np.ndarray]:
    """Ground-truth seconds (M,) on the protocol's axis, (M,); Python's round and np.rint both round half to even."""
    if protocol.snippets_per_s is None:
        return start_s, end_s
    return np.rint(start_s * protocol.snippets_per_s), np.rint(end_s * protocol.snippets_per_s)


def _detection_times(time_s: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Detected seconds (N,) on the protocol's axis, (N,): int() after rounding to 1e-6: k snippets in seconds give k."""
    if protocol.snippets_per_s is None:
        return time_s
    return np.trunc(np.round(time_s * protocol.snippets_per_s, 6))


def _ranked(truth: Truth, detections: Detections, protocol: Protocol) -> tuple[Segments, list[str]]:
    """The detections that count, sorted by class and within a class from the highest rank down; and notes."""
    d = detections
    label = _translate(d.labels, truth.labels, only=truth.label)[d.label]
    known = _translate(d.videos, truth.videos, only=None)[d.video]
    video = _translate(d.videos, truth.videos, only=truth.video if protocol.drop_empty_videos else None)[d.video]
    notes = [] if len(d) else ["There are no detections, so mAP is 0."]
    if ignored := int(np.count_nonzero(label < 0)):
        names = {d.labels[i] for i in np.flatnonzero(np.bincount(d.label[label < 0]))}
        present = [truth.labels[i] for i in np.unique(truth.label)]
        labels = f"{_count(len(names), 'label')} without a ground-truth instance: {_near(sorted(names), present)}"
        notes.append(f"Ignored {_count(ignored, 'detection')} of {labels}.")
    if strangers := int(np.count_nonzero(known < 0)):
        names = {d.videos[i] for i in np.flatnonzero(np.bincount(d.video[known < 0]))}
        fate = "left out" if protocol.drop_empty_videos else "counted as false positives"
        videos = f"{_count(len(names), 'video')} outside the ground truth, {fate}: {_near(sorted(names), truth.videos)}"
        notes.append(f"Found {_count(strangers, 'detection')} in {videos}.")
    rows = Segments(video, label, _detection_times(d.start_s, protocol), _detection_times(d.end_s, protocol))
    keep = label >= 0
    if protocol.drop_empty_videos:
        keep &= video >= 0
    if protocol.ambiguity_filter:
        keep &= ~_overlaps_ambiguous(rows, truth, protocol)
    order = np.argsort(d.score, kind="stable")[::-1] if protocol.later_row_first else np.argsort(-d.score, kind="stable")
    order = order[keep[order]]
    narrow = np.int16 if len(truth.labels) < 2**15 else np.int32  # stable sorting of 16-bit integers is a radix sort
    order = order[np.argsort(label[order].astype(narrow), kind="stable")]
    return rows[order], notes


def _translate(names: Sequence[str], into: Sequence[str], only: np.ndarray | None) -> np.ndarray:
    """Index (N,) of each name in `into`; -1 where it is not there, or not among the indices `only` (M,) (None: all)."""
    place = places(names, into)
    return place if only is None else np.where(np.isin(place, only), place, -1)


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (", ..." if len(names) > 5 else "")


def _near(names: Sequence[str], into: Sequence[str]) -> str:
    """Names as `_some`, each with the one of `into` that it may stand for."""
    near = [nearest(name, into) for name in names[:5]]
    texts = [f"{name!r} (nearest: {other!r})" if other else repr(name) for name, other in zip(names[:5], near, strict=True)]
    return ", ".join(texts) + (", ..." if len(names) > 5 else "")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}{'e' * noun.endswith('s')}s"


def _remarks(truth: Truth, missing: Sequence[str], protocol: Protocol, plain: float) -> list[str]:
    """Notes on classes without detections, `plain` being mAP if their AP is 0, and on instances that cannot be matched."""
    notes = []
    if missing:
        quirk = f"mAP is 0 under this protocol (with AP 0 for {'it' if len(missing) == 1 else 'them'} {100 * plain:.2f} %)"
        effect = quirk if protocol.zero_if_undetected else "their AP is 0"
        notes.append(f"Found {_count(len(missing), 'class')} without a detection, so {effect}: {_some(missing)}.")
    if empty := int(np.count_nonzero(truth.end_s <= truth.start_s)):
        notes.append(
            f"Counted {_count(empty, 'ground-truth instance')} that end at or before their start; hardly anything matches them."
        )
    return notes


def _silent(truth: Truth, detections: Detections) -> list[str]:
    """The note on annotated videos of which a file of detections has none."""
    annotated = {truth.videos[i] for i in np.flatnonzero(np.bincount(truth.video))}
    silent = sorted(annotated - {detections.videos[i] for i in np.flatnonzero(np.bincount(detections.video))})
    if not silent or not len(detections):
        return []
    count = f"{len(silent)} of {_count(len(annotated), 'annotated video')}"
    return [f"Found no detection in {count}, whose instances count as missed (see --leave-out): {_some(silent)}."]


def _other_unit(truth: Truth, detections: Detections) -> list[str]:
    """The note on times that do not look like seconds, by where detections and instances of a video end, over all videos."""
    annotated, found = _last_s(truth), _last_s(detections)
    ratios = [found[name] / end_s for name, end_s in annotated.items() if name in found]
    ratio = float(np.median(ratios)) if ratios else 1.0
    if 1 / FAR <= ratio <= FAR:
        return []
    unit = "frames or milliseconds" if ratio > 1 else "shares of the video, or minutes"
    return [
        f"Detections end at {ratio:.3g} times the last instance of their video (median): times may be {unit}; write seconds."
    ]


def _last_s(rows: Truth | Detections) -> dict[str, float]:
    """{video: when the last of its instances or detections ends}, of those that end after 0 s."""
    last_s = np.zeros(len(rows.videos))
    np.maximum.at(last_s, rows.video, rows.end_s)
    return {name: end_s for name, end_s in zip(rows.videos, last_s.tolist(), strict=True) if end_s > 0}


def _overlaps_ambiguous(rows: Segments, truth: Truth, protocol: Protocol) -> np.ndarray:
    """(N,) bool: shares a snippet with an ambiguous time of its video, as W-TALC, FAC-Net and WSAD remove."""
    start, end = _instance_times(truth.ambiguous_start_s, truth.ambiguous_end_s, protocol)
    overlaps = np.zeros(len(rows.label), dtype=bool)
    for i, j in pairs(rows.video, truth.ambiguous_video):
        overlaps[i[np.minimum(rows.end[i], end[j]) > np.maximum(rows.start[i], start[j])]] = True
    return overlaps


def average_precision(
    hits: np.ndarray, label: np.ndarray, positives: np.ndarray, count: np.ndarray, interpolated: bool
) -> np.ndarray:
    """AP (C,), nan for a class without an instance; only true positives matter, between them precision falls.

    hits (H,): their rows, ascending; label (H,); positives, count (C,): instances and rows of each class, whose rows
    are consecutive and in the order of their rank.
    """
    true = np.bincount(label, minlength=len(count))
    tp = np.arange(len(hits)) - (np.cumsum(true) - true)[label] + 1
    precision = tp / (hits - (np.cumsum(count) - count)[label] + 1)
    if interpolated:
        precision = _envelope(precision, label)
    total = np.bincount(label, precision, minlength=len(positives))
    return np.divide(total, positives, out=np.full(len(positives), np.nan), where=positives > 0)


def _envelope(value: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Largest value from each row to the end of its group; groups ascend. A running maximum of ranks, so exact."""
    values, rank = np.unique(value, return_inverse=True)
    best = np.maximum.accumulate((rank - group * len(values))[::-1])[::-1]
    return values[best + group * len(values)]
