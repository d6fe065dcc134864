"""`wstal inspect`: what a dataset of params.yaml or a file holds, and what is wrong or odd about it, before training."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np

from wstal.base import manifest
from wstal.base.errors import MachineError, UserError
from wstal.base.paths import PIPELINE
from wstal.base.types import Annotations, Detections, Segment, Video
from wstal.border import content, jsonfile, manifestfile, picklefile
from wstal.checks.findings import Findings
from wstal.checks.segments import check_segments
from wstal.checks.streams import StreamChecks, check_shared
from wstal.checks.videos_and_classes import check_classes, check_ids, check_labels, check_untrained
from wstal.config import parameters, resolve
from wstal.datasets import annotations, prepare
from wstal.datasets.readers import _arrays, _database, _files, _table, labels_csv, segments_csv
from wstal.datasets.readers._arrays import ArrayLayout
from wstal.detect import detections
from wstal.features.extraction.importer import Import

CURE = (
    "name a dataset of params.yaml, an annotation file (ActivityNet's JSON, a table of segments or labels, a list of videos), "
    'a file of detections (JSON with "results"), features (.npy, .npz, .h5, .csv), or a feature store'
)
ARRAYS = 5  # of a file that are listed
SUBSETS = {"training": "train", "train": "train", "validation": "test", "val": "test", "test": "test", "testing": "test"}


@dataclass
class Inspection:
    """What has been found."""

    what: str  # what it is: "annotations"
    facts: list[tuple[str, str]]
    findings: Findings
    header: tuple[str, ...] = ()  # of the table of classes
    rows: Sequence[tuple[str, ...]] = ()
    notes: tuple[str, ...] = ()  # of readers, beside those of `findings`

    @property
    def text(self) -> str:
        """All of it, for people."""
        lines = [f"{name + ':':22} {value}" for name, value in [("what", self.what), *self.facts]]
        lines += [f"note: {note}" for note in (*self.notes, *self.findings.notes)]
        lines += [f"refused: {self.findings.answer}"] * bool(self.findings.faults)
        return "\n".join(map(shown, [*lines, *(["", *aligned(self.header, self.rows)] if self.rows else [])]))


def inspect(target: str) -> Inspection:
    """Look at a dataset of params.yaml, or else at a file or folder.

    Raises:
        UserError: there is neither, or it is of no known layout.
    """
    path = Path(target)
    if path.is_symlink() and not path.exists():
        raise UserError(f"{target} is a symbolic link that leads nowhere or in a circle; mend it, or name another path.")
    if "/" not in target and target in (known := parameters.load()).datasets:
        return of_dataset(target, known)
    if not path.exists():
        raise UserError(f"{target} is no file and no dataset of params.yaml ({', '.join(parameters.load().datasets)}); {CURE}.")
    if path.is_dir():
        return of_folder(path)
    readers = {".csv": of_table, ".json": of_json, ".npy": of_arrays, ".npz": of_arrays, ".h5": of_arrays, ".hdf5": of_arrays}
    suffix = path.suffix.lower()
    if suffix == ".txt" and (found := of_lines(path)):
        return found
    if suffix not in readers:
        suffix = ".json" if _table.is_json(path) else ".csv"
    return readers[suffix](path)


def of_dataset(name: str, known: parameters.Parameters) -> Inspection:
    """A dataset: its annotations, and its features as the stage would read them; nothing is written."""
    section, place = resolve.features(known, name), f"datasets.{name}"
    reader, where = prepare.source(section, place)
    read = reader.annotations(where, section.grid)
    findings = Findings(f"datasets.{name}")
    annotations.check(read, findings)
    found = of_annotations(read, findings)
    found.what, found.notes = f"dataset {name} of params.yaml, reader {section.reader}", read.notes
    if section.extraction:
        made = manifest.file(folder := PIPELINE.features(name)).is_file()
        found.facts += of_folder(folder).facts if made else [("features", "none yet; they are made by `dvc repro features`")]
        return found
    grids = prepare.grids(section)
    seen = Import(grids, read, section.slack_s, section.overrun, section.uneven_t, findings=findings)
    seen.look(reader.features(where, tuple(grids), grids))
    length_s = {video.id: video.duration_s for video in read.videos}
    for stream, of_video in seen.lengths.items():
        snippets = sum(t for t, _ in of_video.values())
        found.facts.append((f"stream {stream}", f"{len(of_video)} videos, {snippets} snippets"))
        covered = [grids[stream].coverage_s(t) / length_s[video] for video, (t, _) in of_video.items()]
        found.facts += spread("  share covered", covered)
    return found


def of_annotations(read: Annotations, findings: Findings) -> Inspection:
    """Annotations: counts, lengths, a table of videos and instances for each class and subset."""
    subsets = sorted({video.subset for video in read.videos}, key=lambda name: (SUBSETS.get(name.lower()) != "train", name))
    subset = {video.id: video.subset for video in read.videos}
    facts = [
        ("videos", f"{len(read.videos)} ({', '.join(f'{_subset(name)} {n}' for name, n in _counts(subset.values()))})"),
        ("classes", str(len(read.classes))),
        ("instances", f"{len(read.segments)} with times, {len(read.ambiguous)} ambiguous"),
    ]
    facts += spread("video length (s)", [video.duration_s for video in read.videos if video.duration_s > 0])
    facts += spread("instance length (s)", [segment.end_s - segment.start_s for segment in read.segments])
    videos = Counter((video.subset, label) for video in read.videos for label in video.labels)
    instances = Counter((subset.get(segment.video, ""), segment.label) for segment in read.segments)
    counted = {"videos": videos, "instances": instances} if read.segments else {"videos": videos}
    header = ("class", *(f"{_subset(name)} {what}" for name in subsets for what in counted))
    rows = [(label, *(str(of[name, label]) for name in subsets for of in counted.values())) for label in read.classes]
    return Inspection("annotations", facts, findings, header, rows)


def of_table(path: Path) -> Inspection:
    """A table of segments, of labels, or of features.

    Raises:
        UserError: it is none of these, or has faults.
    """
    try:
        table = _table.read(path, CURE)
    except UserError as error:
        if path.suffix.lower() == ".csv" or isinstance(error, MachineError):
            raise
        raise UserError(f"{path} is no text, and of no kind that its name tells; {CURE}.") from None
    if "video" not in table.columns:
        return of_arrays(path)
    if set(segments_csv.REQUIRED) <= set(table.columns):
        source = segments_csv.Source(root=str(path.parent.resolve()), annotations=path.name, splits={})
        return of_database(segments_csv.read(source))
    if {"video", "label"} <= set(table.columns):
        return of_labels(path, table)
    raise UserError(f"{path} has a column `video`, but neither label nor times; {CURE}.")


def of_labels(path: Path, table: _table.CsvTable) -> Inspection:
    """A table of labels; the folder of its videos is not looked at."""
    findings, of_video = Findings(str(path)), dict[tuple[str, str], list[str]]()
    if twice := [name for name, count in Counter(table.columns).items() if count > 1]:
        findings.fault(f"line 1: {table.columns.count(twice[0])} columns are named {twice[0]}", "keep one")
    for line, cells in table.lines:
        if len(cells) != len(table.columns):
            problem = f"line {line} has {len(cells)} cells, the header {len(table.columns)}"
            findings.fault(problem, "write as many, quoting commas in names")
            continue
        row = dict(zip(table.columns, cells, strict=True))
        name = PurePosixPath(row["video"].replace("\\", "/")).name
        labels = of_video.setdefault((name, row.get("subset", "train").lower()), [])
        if (label := row.get("label", "")) in labels:
            findings.found(
                "repeated line", f"line {line} says again what an earlier one says of {row['video']}", "once is enough"
            )
        labels.append(label)
    for (name, subset), labels in of_video.items():
        if subset == "train" and not any(labels):
            findings.fault(f"training video {name!r} has no label", f"write one, or {labels_csv.NONE} if it shows none")
    of_video = {video: [label for label in labels if label != labels_csv.NONE] for video, labels in of_video.items()}
    tidied = check_labels([label for labels in of_video.values() for label in labels if label], findings)
    videos = tuple(
        Video(name, subset, 0.0, tuple(sorted({tidied.get(label, label) for label in labels} - {""})))
        for (name, subset), labels in of_video.items()
    )
    return of_videos(videos, findings)


def of_listed(listed: Mapping[str, tuple[str, tuple[str, ...]]]) -> Inspection:
    """What is known before any video is opened: {video: (its subset, its labels)}."""
    found = of_videos(tuple(Video(name, subset, 0.0, labels) for name, (subset, labels) in listed.items()), Findings())
    found.what, none = "videos and their labels", sum(not labels for _, labels in listed.values())
    found.facts = [(name, text) for name, text in found.facts if name in ("videos", "classes")]
    found.facts += [("without any action", str(none))] if none else []
    return found


def of_videos(videos: tuple[Video, ...], findings: Findings) -> Inspection:
    """Videos with labels and without times."""
    classes = sorted({label for video in videos for label in video.labels})
    return checked(Annotations(tuple(classes), videos, ()), findings)


def of_json(path: Path) -> Inspection:
    """Detections, annotations, or videos.json.

    Raises:
        UserError: it is none of these, or has faults.
    """
    read = jsonfile.decode(content.read_bytes(path), path)
    if isinstance(read, dict) and "results" in read:
        return of_detections(detections.read_json(path), Findings(str(path)))
    if isinstance(read, dict) and isinstance(read.get("videos"), list):
        listed = jsonfile.record(read, Listed, str(path), "has `videos`, but is not as videos.json", CURE)
        return checked(Annotations(listed.classes, tuple(listed.videos), ()), Findings(str(path)))
    if isinstance(read, dict) and (isinstance(read.get("database"), dict) or _is_database(read)):
        return of_database(_database.read(path, CURE))
    raise UserError(f"{path} is JSON of no known layout; {CURE}.")


def of_lines(path: Path) -> Inspection | None:
    """A list of video ids, one a line, or THUMOS14's lines `video start end`; None if it is neither."""
    lines, findings = _files.read_lines(path, CURE), Findings(str(path))
    if lines and all(len(fields) == 1 or "," in fields[0] for fields in lines):
        ids = _files.read_ids(path, CURE)
        check_ids(ids, findings)
        return Inspection("a list of videos", [("videos", str(len(set(ids))))], findings)
    if not lines or {len(fields) for fields in lines} != {3}:
        return None
    listed = _files.read_ambiguous(path, {fields[0] for fields in lines}, CURE)
    segments = tuple(Segment(one.video, path.stem, one.start_s, one.end_s) for one in listed)
    videos = tuple(Video(name, "", 0.0, (path.stem,)) for name in dict.fromkeys(one.video for one in listed))
    return checked(Annotations((path.stem,), videos, segments), findings)


class Listed(msgspec.Struct):
    """videos.json, as far as it is looked at."""

    classes: tuple[str, ...]
    videos: list[Video]


def _is_database(content: Mapping[str, Any]) -> bool:
    entries = [entry for name, entry in content.items() if name != "classes"]
    return bool(entries) and all(isinstance(entry, dict) and "annotations" in entry for entry in entries)


def of_database(database: _database.Database) -> Inspection:
    """An annotation file of whatever subsets; videos that lack a length are counted."""
    videos, segments = [], []
    for video, entry in database.entries.items():
        length_s = entry.duration if entry.duration is not None else entry.duration_second
        labels = tuple(sorted({x.label for x in entry.annotations}))
        videos.append(Video(video, entry.subset or "", length_s or 0.0, labels))
        segments += [Segment(video, x.label, *x.segment) for x in entry.annotations if x.segment]
    read = Annotations(database.classes, tuple(videos), tuple(segments), notes=database.notes)
    return checked(read, Findings(str(database.path)))


def checked(read: Annotations, findings: Findings) -> Inspection:
    """Annotations of whatever subsets, checked as far as their names let know which ones are for training."""
    if not read.videos:
        findings.fault("it lists no video", "add videos, or get the file again")
    counts = Counter(label for video in read.videos for label in video.labels)
    check_classes({name: counts[name] for name in read.classes} | counts, findings)
    check_ids((video.id for video in read.videos), findings)
    check_segments(read.segments, findings)
    names = {video.subset for video in read.videos}
    ours = {name: SUBSETS.get(name.lower(), "") for name in names}
    if "train" not in ours.values() and {"validation", "test"} <= {name.lower() for name in names}:
        ours |= {name: "train" for name in names if name.lower() == "validation"}  # THUMOS14 trains on it
    mapped = [Video(v.id, ours[v.subset], v.duration_s or 1.0, v.labels) for v in read.videos if ours[v.subset]]
    bare = annotations.unlabelled(mapped) if read.segments else ()
    for problem, cure in (*annotations.video_faults(mapped, set(read.classes)), *bare):
        findings.fault(problem, cure)
    if any(video.subset == "train" and video.labels for video in mapped):
        check_untrained(read.classes, mapped, findings)
    found = of_annotations(read, findings)
    found.notes = read.notes
    if without := sum(not video.duration_s for video in read.videos):
        found.facts.append(("without a length", f"{without} videos"))
    return found


def of_detections(found: Detections, findings: Findings) -> Inspection:
    """A result file: counts, scores, times, a table of videos and detections for each class."""
    pairs = set(zip(found.label.tolist(), found.video.tolist(), strict=True))
    videos, counts = Counter(label for label, _ in pairs), np.bincount(found.label, minlength=len(found.labels))
    check_classes({name: videos[i] for i, name in enumerate(found.labels)}, findings)
    check_ids(found.videos, findings)
    columns = np.stack([found.video, found.label, found.start_s, found.end_s, found.score], axis=1)
    _, first, times = np.unique(columns, axis=0, return_index=True, return_counts=True)
    for row in first[times > 1].tolist():
        findings.found("doubled detection", _said(found, row), "the second one counts as a false alarm")
    for row in np.flatnonzero(found.start_s < 0).tolist():
        findings.found("negative detection", _said(found, row), "give seconds from the start of the video")
    empty = len(found.videos) - len(np.unique(found.video))
    facts = [("videos", f"{len(found.videos)}, {empty} of them without a detection"), ("classes", str(len(found.labels)))]
    facts += [("detections", str(len(found)))]
    with np.errstate(over="ignore", invalid="ignore"):  # of times that no video has
        lengths_s = found.end_s - found.start_s
        facts += spread("score", found.score) + spread("length (s)", lengths_s) + spread("end (s)", found.end_s)
    rows = [(name, str(videos[i]), str(counts[i])) for i, name in sorted(enumerate(found.labels), key=lambda pair: pair[1])]
    return Inspection("detections", facts, findings, ("class", "videos", "detections"), rows)


def _said(found: Detections, row: int) -> str:
    times = f"[{found.start_s[row]:g}, {found.end_s[row]:g}]"
    return f"{found.labels[found.label[row]]!r} {times} of video {found.videos[found.video[row]]!r}"


def of_folder(path: Path) -> Inspection:
    """A feature store, or a folder of prepared annotations.

    Raises:
        UserError: it is neither.
    """
    if (path / "segments.json").is_file():
        return of_json(path / "segments.json")
    if not manifest.file(path).is_file():
        raise UserError(f"{path} is a folder without manifest.json or segments.json; {CURE}.")
    store, findings = manifestfile.read(path), Findings(str(path))
    hashes = {video: {stream: rows.sha256 for stream, rows in streams.items()} for video, streams in store.videos.items()}
    check_ids(hashes, findings)
    check_shared(hashes, dict.fromkeys(hashes, "train"), findings)
    facts = [("videos", str(len(store.videos))), ("backbone", store.backbone)]
    for stream, form in store.streams.items():
        lengths_t = [rows[stream].length for rows in store.videos.values() if stream in rows]
        facts.append((f"stream {stream}", f"{sum(lengths_t)} snippets of {form.dim} {form.dtype}, {store.grids[stream]}"))
        facts += spread("  covered (s)", [store.grids[stream].coverage_s(t) for t in lengths_t])
    notes = (*store.notes, *(f"damaged file: {video}: {'; '.join(why)}." for video, why in store.warnings.items()))
    return Inspection("feature store", facts, findings, notes=notes)


def of_arrays(path: Path) -> Inspection:
    """The arrays of a file of features, each as if it were a video's; of object arrays, each item.

    Raises:
        UserError: it holds no array, or cannot be read.
    """
    findings = Findings(str(path))
    checks, hashed, shapes, filled = StreamChecks(findings), dict[str, dict[str, str]](), list[tuple[str, str]](), False
    for name, x in arrays(path, findings):
        shapes.append((f"  {name}", f"{x.dtype} of shape {x.shape}"))
        if x.dtype.kind == "f" and x.ndim == 2 and 0 not in x.shape:
            if not np.isfinite(x).all():
                findings.fault(f"array {name!r} holds NaN or infinity", "extract the video again")
            checks.see(name, {path.name: x})
            hashed[name] = {path.name: hashlib.sha256(x.tobytes()).hexdigest()}
        filled |= x.size > 0
    if shapes and not filled:
        findings.fault("it holds no number and no text", "extract the video again")
    if not shapes and not findings.faults:
        raise UserError(f"{path} holds no array; {CURE}.")
    checks.finish(hashed, dict.fromkeys(hashed, "train"))
    more = [("  ...", f"{len(shapes) - ARRAYS} more")] if len(shapes) > ARRAYS else []
    facts = [("arrays", f"{len(shapes)}, {len(hashed)} of them features (T, D)"), *shapes[:ARRAYS], *more]
    return Inspection("arrays", facts, findings)


def arrays(path: Path, findings: Findings) -> Iterator[tuple[str, np.ndarray]]:
    """(name, array (...)) of every array in a file that can be read."""
    if path.suffix == ".npy":
        whole = picklefile.load_objects(path, CURE)
        items = enumerate(whole.ravel()) if whole.dtype.hasobject else [(None, whole)]
        yield from ((path.stem if n is None else f"{path.stem}[{n}]", np.asarray(item)) for n, item in items)
    elif path.suffix in _arrays.ARCHIVES:
        archive = _arrays.opener()
        for key in _arrays.keys(path, archive(path)):
            with findings.gathering():
                yield key, _arrays.load(path, key, ArrayLayout(path=path.name, key=key), archive, CURE)
    else:
        yield path.stem, _csv(path)


def _csv(path: Path) -> np.ndarray:
    for header_lines in (0, 1):
        try:
            return _arrays.load(path, "", ArrayLayout(path="x.csv", header_lines=header_lines), _arrays.opener(), CURE)
        except MachineError:
            raise
        except UserError:
            continue
    raise UserError(f"{path} is neither a table of videos nor lines of numbers; {CURE}.")


def spread(name: str, values: Sequence[float] | np.ndarray) -> list[tuple[str, str]]:
    """The least, median and largest of values (N,), where there are any."""
    if not len(values):
        return []
    return [(name, ", ".join(f"{np.quantile(values, q):.4g}" for q in (0, 0.5, 1)) + " (least, median, most)")]


def shown(line: str) -> str:
    """One line of text that a terminal shows as it is: signs that would move or hide others are spelled out."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table as lines of text, numbers on the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [[cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)] for row in (header, *rows)]
    return ["  ".join([row[0].ljust(widths[0]), *cells]) for row, cells in zip((header, *rows), lines, strict=True)]


def _subset(name: str) -> str:
    return name or "no subset"


def _counts(values: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(values).items())
