"""The "reduced" layout of W-TALC, which FAC-Net, WSAD and others share: parallel arrays in .npy files.

W-TALC's ActivityNet 1.2 (ActivityNet1.2-I3D-JOINTFeatures.npy, ActivityNet1.2-Annotations/) lies in it, too.

    <root>/Thumos14reduced-I3D-JOINTFeatures.npy    object array of N arrays (T, 2048), RGB first
    <root>/Thumos14reduced-Annotations/             classlist (C,), and over the N videos: videoname, subset, duration
                                                    (N, 1), labels_all, labels, segments [start, end]; seconds
    <root>/Thumos14reduced-Annotations/Ambiguous_test.txt    `video  start end`, two blanks after the name

Oddities of the published THUMOS14 files, all kept as they are:
- `labels_all` (what the authors train on) and the set of `labels` (one per segment) differ in 28 of 412 videos, 8 of
  them for training; `video_labels` says which file gives the video-level labels.
- video_test_0000270 is annotated to 713.7 s, yet lasts 176.2 s, and its `labels_all` is empty. Four more run past their
  duration: video_validation_0000364 (14 s) and 0000856 (8 s), video_test_0000814 (156 s) and 0001081 (13 s).
- Every CliffDiving segment is there a second time as Diving, in segments and labels alike: nothing to add.
- Ambiguous_test.txt names video_test_0001292, which is not among the 412; such lines are left out.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from wstal.base.errors import UserError
from wstal.base.timegrid import Grids, TimeGrid
from wstal.base.types import Annotations, Segment, Video
from wstal.border.picklefile import load_objects
from wstal.checks.findings import Findings
from wstal.checks.spelling import tidy
from wstal.datasets.readers import _files

CURE = (
    "set `source.root` in params.yaml to the folder with Thumos14reduced-I3D-JOINTFeatures.npy and "
    "Thumos14reduced-Annotations/ (of ActivityNet: ActivityNet1.2-...), both linked from github.com/sujoyp/wtalc-pytorch"
)


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`source:` in params.yaml."""

    root: str  # folder of the published files, relative to the repository or absolute
    features: str  # file below root: object array of N arrays (T, D), in the order of videoname.npy
    annotations: str  # folder below root with the annotation arrays
    ambiguous: str | None  # text file in that folder with times nobody could decide; null: none
    columns: dict[str, tuple[int, int]]  # stream -> [first, end) of the D columns
    video_labels: str  # array with the video-level labels: labels_all (as published) or labels (those of the segments)
    splits: dict[str, str]  # train and test -> their names in subset.npy
    exclude: list[str]  # videos to leave out


def annotations(source: Source, grid: TimeGrid) -> Annotations:
    """The published annotations; durations are those of duration.npy."""
    place = _files.folder(source.root) / source.annotations
    chosen = _chosen(source)
    column = {name: _column(place, name) for name in ("duration", source.video_labels, "labels", "segments")}
    _same_length(place, {"videoname": len(_column(place, "videoname")), **{k: len(v) for k, v in column.items()}})
    videos, segments, findings = [], [], Findings(str(place))
    for i, (video, subset) in chosen.items():
        with findings.gathering():
            weak = sorted(set(_texts(column[source.video_labels][i], place, source.video_labels)))
            videos.append(Video(video, subset, _duration_s(column["duration"][i], place, video), tuple(weak)))
            segments += _segments(place, video, column["labels"][i], column["segments"][i])
    ids = {video.id for video in videos}
    classes = tuple(tidy(_text(name, place, "classlist")) for name in _column(place, "classlist"))
    findings.refuse()
    ambiguous = _files.read_ambiguous(place / source.ambiguous, ids, CURE) if source.ambiguous else ()
    return Annotations(classes, tuple(videos), tuple(segments), ambiguous)


def features(source: Source, streams: tuple[str, ...], grids: Grids) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """(video id, {stream: (T, D) array}) in the order of videoname.npy; each array is let go after its turn.

    Raises:
        UserError: a stream has no columns, or an array not as many.
    """
    unknown = sorted(set(streams) - set(source.columns))
    if unknown:
        raise UserError(f"params.yaml: stream {unknown[0]!r} has no entry in `source.columns`; add its columns.")
    path = _files.folder(source.root) / source.features
    chosen = _chosen(source)
    arrays = load_objects(path, CURE)
    place = _files.folder(source.root) / source.annotations
    _same_length(place, {"videoname": len(_column(place, "videoname")), source.features: len(arrays)})
    for i, (video, _) in chosen.items():
        joint = np.asarray(arrays[i])  # (T, D)
        widest = max(source.columns[stream][1] for stream in streams)
        if joint.ndim != 2 or joint.shape[1] < widest:
            raise UserError(
                f"{path}: the array of {video} has shape {joint.shape}, not (T, {widest} or more); "
                "mend `source.columns` in params.yaml or download the file again."
            )
        yield video, {stream: joint[:, slice(*source.columns[stream])] for stream in streams}
        if arrays.dtype.hasobject:
            arrays[i] = None


def _chosen(source: Source) -> dict[int, tuple[str, str]]:
    """Row in the arrays -> (video id, our subset), for the videos that the source asks for."""
    place = _files.folder(source.root) / source.annotations
    names, subsets = ([_text(x, place, name) for x in _column(place, name)] for name in ("videoname", "subset"))
    _same_length(place, {"videoname": len(names), "subset": len(subsets)})
    ours = {theirs: name for name, theirs in source.splits.items()}
    rows = {i: (names[i], ours[subset]) for i, subset in enumerate(subsets) if subset in ours}
    kept = set(_files.drop((video for video, _ in rows.values()), source.exclude, place / "videoname.npy"))
    return {i: row for i, row in rows.items() if row[0] in kept}


def _duration_s(value: Any, place: Path, video: str) -> float:
    try:
        return float(np.ravel(value)[0])
    except (TypeError, ValueError, IndexError, OverflowError):
        raise UserError(f"{place / 'duration.npy'}: the duration of {video} is {value!r}, not seconds; {CURE}.") from None


def _column(place: Path, name: str) -> np.ndarray:
    path = place / f"{name}.npy"
    column = load_objects(path, CURE)
    if column.ndim == 0:
        raise UserError(f"{path} holds one value, not one for each video; download it again.")
    return column


def _same_length(place: Path, lengths: dict[str, int]) -> None:
    if len(set(lengths.values())) > 1:
        raise UserError(f"{place}: parallel arrays differ in length ({lengths}); download all files from one source.")


def _text(value: Any, place: Path, name: str) -> str:
    """A string, whichever Python wrote it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return str(value)
    raise UserError(f"{place / name}.npy holds {value!r} where a name belongs; download it again.")


def _texts(values: Any, place: Path, name: str) -> list[str]:
    """A list of labels, tidied."""
    if not isinstance(values, list | tuple | np.ndarray) or (isinstance(values, np.ndarray) and not values.ndim):
        raise UserError(f"{place / name}.npy holds {values!r} where a list of names belongs; download it again.")
    return [tidy(_text(value, place, name)) for value in values]


def _segments(place: Path, video: str, labels: Any, times: Any) -> list[Segment]:
    """Instances of one video; `times` are [start, end] pairs in seconds, one per label."""
    names = _texts(labels, place, "labels")
    try:
        pairs = np.asarray(times, dtype=np.float64).reshape(len(names), 2)
    except (TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{place / 'segments.npy'}: {video} does not have one [start, end] for each of its {len(names)} entries "
            "in labels.npy; download both files from one source."
        ) from error
    return [Segment(video, name, float(start), float(end)) for name, (start, end) in zip(names, pairs, strict=True)]
