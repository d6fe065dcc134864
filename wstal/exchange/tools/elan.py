"""ELAN: elan/<video>.eaf, a tier for every class, an annotation for every mark, whose text is its score.

After the schema EAFv3.0.xsd and "ELAN Annotation Format" at https://www.mpi.nl/tools/elan: a header with the media file, time
slots in milliseconds and in order, tiers, and linguistic types. A tier holds no overlaps; where marks of a class overlap, more
tiers follow, "<class> #2" and so on, which have the class as their PARTICIPANT.

Read are annotations with times of their own. On tiers of the linguistic type `class`, which those written here are, the label
is the tier's name (of further ones the class), and the text does not matter; on other tiers the text is the label. Tiers that
depend on another one are passed over. A file is of the video that its header names, else of the one that it is named as.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from wstal.base.errors import UserError
from wstal.exchange.tools import _opened, tracks
from wstal.exchange.tools.tracks import Clip, Mark, Track

KIND = "class"  # the linguistic type of tiers that are classes
SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
MIME = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".mpg": "video/mpeg", ".mpeg": "video/mpeg"}
UNITS = "milliseconds"

Tier = tuple[dict[str, str], list[tuple[int, Mark]]]  # attributes that name it, and its marks, numbered over all tiers


def texts(clips: Sequence[Clip], classes: Sequence[str]) -> dict[str, str]:
    """A file a video, with tiers for all classes."""
    return {f"elan/{clip.video}.eaf": _written(_document(clip, classes)) for clip in clips}


def _written(document: Element) -> str:
    ElementTree.indent(document)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(document, encoding="unicode")}\n'


def _document(clip: Clip, classes: Sequence[str]) -> Element:
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "wstal", "DATE": "1970-01-01T00:00:00+00:00", "FORMAT": "3.0", "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )  # fmt: skip
    tiers = _tiers(clip, classes)
    marks = [numbered for _, of_tier in tiers for numbered in of_tier]
    times = sorted((ms, number, end) for number, mark in marks for end, ms in enumerate(mark.ms(), start=1))
    slots = {(number, end): f"ts{place}" for place, (_, number, end) in enumerate(times, start=1)}
    _header(root, clip, len(marks))
    order = SubElement(root, "TIME_ORDER")
    for (ms, _, _), slot in zip(times, slots.values(), strict=True):
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(ms)})
    for names, of_tier in tiers:
        tier = SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": KIND, **names})
        for number, mark in of_tier:
            ends = {f"TIME_SLOT_REF{end}": slots[number, end] for end in (1, 2)}
            annotation = SubElement(
                SubElement(tier, "ANNOTATION"), "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}"} | ends
            )
            SubElement(annotation, "ANNOTATION_VALUE").text = "" if mark.score is None else f"{mark.score:.3f}"
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": KIND, "TIME_ALIGNABLE": "true"}
    SubElement(root, "LINGUISTIC_TYPE", kind)
    return root


def _header(root: Element, clip: Clip, last: int) -> None:
    """The media file, and the number of the last annotation."""
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": UNITS})
    mime = MIME.get(clip.file.suffix.lower(), "video/*")
    SubElement(header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": clip.path.as_uri(), "MIME_TYPE": mime})
    SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"}).text = str(last)


def _tiers(clip: Clip, classes: Sequence[str]) -> list[Tier]:
    """The tiers of every class, of each at least one."""
    found: list[Tier] = []
    used, numbers = set(classes), count(1)
    for label in classes:
        for place, marks in enumerate(_apart(clip, label)):
            names = {"TIER_ID": label}
            if place:
                name = next(name for number in count(2) if (name := f"{label} #{number}") not in used)
                names = {"PARTICIPANT": label, "TIER_ID": name}
                used.add(name)
            found.append((names, [(next(numbers), mark) for mark in marks]))
    return found


def _apart(clip: Clip, label: str) -> list[list[Mark]]:
    """The marks of a class, by time, on as few tiers as hold no overlaps; at least one tier."""
    tiers: list[list[Mark]] = [[]]
    for mark in clip.ordered():
        if mark.label == label:
            free = next((tier for tier in tiers if not tier or tier[-1].ms()[1] <= mark.ms()[0]), None)
            if free is None:
                tiers.append(free := [])
            free.append(mark)
    return tiers


def reads(path: Path, beginning: str) -> bool:
    """Whether the file is one of ELAN."""
    return path.suffix.lower() == ".eaf" or "<ANNOTATION_DOCUMENT" in beginning


def read(path: Path) -> list[Track]:
    """The annotations of a file.

    Raises:
        UserError: the file is damaged, or an annotation has no times or no label.
    """
    root = _opened.xml(path)
    if root.tag != "ANNOTATION_DOCUMENT":
        raise UserError(f"{path} is XML, but none of ELAN; name an .eaf file.")
    header = root.find("HEADER")
    if header is not None and header.get("TIME_UNITS", UNITS) != UNITS:
        raise UserError(f"{path} counts {header.get('TIME_UNITS')}, not {UNITS}; save it again in a newer ELAN.")
    media = root.find("HEADER/MEDIA_DESCRIPTOR")
    if media is not None and media.get("TIME_ORIGIN", "0") != "0":
        raise UserError(f"{path} is shifted against its video (TIME_ORIGIN); set the offset to 0 in ELAN and save it again.")
    slots = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    marks = tuple(mark for tier in root.iter("TIER") for mark in _marks(tier, slots, path))
    url = "" if media is None else unquote(urlsplit(media.get("MEDIA_URL", "")).path)
    return [tracks.track(PurePosixPath(url).name or path.stem, marks)]


def _class(name: str, participant: str) -> str:
    """The class of a tier: its name, without the number of a further one."""
    return (participant if re.fullmatch(rf"{re.escape(participant)} #\d+", name) else name).strip()


def _marks(tier: Element, slots: dict[str | None, str | None], path: Path) -> Iterator[Mark]:
    """The marks of a tier that depends on no other."""
    if tier.get("PARENT_REF") is not None:
        return
    name = tier.get("TIER_ID", "")
    of_tier = _class(name, tier.get("PARTICIPANT", "")) if tier.get("LINGUISTIC_TYPE_REF") == KIND else ""
    for annotation in tier.iter("ALIGNABLE_ANNOTATION"):
        where = f"{path}: annotation {annotation.get('ANNOTATION_ID')} on tier {name!r}"
        times = [slots.get(annotation.get(f"TIME_SLOT_REF{end}")) or "" for end in (1, 2)]
        if not all(map(str.isdecimal, times)):
            raise UserError(f"{where} has no times; give it a start and an end in ELAN.")
        start_ms, end_ms = map(int, times)
        label = of_tier or (annotation.findtext("ANNOTATION_VALUE") or "").strip()
        if not label:
            raise UserError(f"{where}, at {start_ms / 1000:.3f} s, has no text; write its label in ELAN.")
        if end_ms < start_ms:
            raise UserError(f"{where} ends before it starts; mend it in ELAN.")
        yield Mark(label, start_ms / 1000, end_ms / 1000)
