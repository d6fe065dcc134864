"""Checks of what weak supervision knows of a dataset: classes, video ids, subsets. No time is looked at."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from wstal.base.types import Video
from wstal.checks.findings import Findings
from wstal.checks.spelling import alike, joined, nearest, tidy, typos

ENDING = re.compile(r"\.(mp4|mkv|avi|webm|mov|npy|npz)$", re.IGNORECASE)


def check_labels(labels: Iterable[str], findings: Findings) -> dict[str, str]:
    """{label as the file has it: tidied} of those that tidying changes; empty ones are faults."""
    changed = {label: tidy(label) for label in sorted(set(labels)) if label != tidy(label)}
    if any(not tidy(label) for label in set(labels)):
        findings.found("empty label", "a label is empty", "write the name of a class, or remove the entry")
    for label, tidied in changed.items():
        if tidied:
            findings.found("tidied label", f"{label!r} is read as {tidied!r}", "write it so")
    return changed


def check_classes(counts: Mapping[str, int], findings: Findings) -> None:
    """Classes that may be meant as one; counts are {class: its videos}."""
    cure = "if they are one, spell them alike"
    for group in alike(counts):
        names = " and ".join(f"{name!r} ({_videos(counts[name])})" for name in group)
        findings.found("look-alike classes", f"{names} differ by case, blanks, signs or alphabet alone", cure)
    for rare, common in typos(counts):
        problem = f"{rare!r} ({_videos(counts[rare])}) is a letter from {common!r} ({_videos(counts[common])})"
        findings.found("look-alike classes", problem, cure)
    for name in counts:
        if others := joined(name, counts):
            problem = f"{name!r} ({_videos(counts[name])}) holds {' and '.join(map(repr, others))}"
            findings.found(
                "look-alike classes", problem, "if these are several labels, give each an entry or a line of its own"
            )


def check_untrained(classes: Sequence[str], videos: Iterable[Video], findings: Findings) -> None:
    """Classes of which no training video shows anything."""
    of_subset = {name: Counter(label for v in videos if v.subset == name for label in v.labels) for name in ("train", "test")}
    for name in classes:
        if not of_subset["train"][name]:
            near = nearest(name, [other for other in classes if other != name and of_subset["train"][other]])
            hint = f", the nearest class is {near!r}" if near else ""
            problem = f"{name!r} ({_videos(of_subset['test'][name])} for testing{hint})"
            findings.found(
                "untrained class", problem, "nothing can be learnt of these; label training videos, or leave them out"
            )


def check_ids(ids: Iterable[str], findings: Findings) -> None:
    """Videos that are listed twice, or under names that are alike."""
    counts = Counter(iter(ids))
    for name, count in counts.items():
        if count > 1:
            findings.found("id twice", f"video {name!r} is there {count} times", "give every video an id of its own")
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(id_key(name), []).append(name)
    for group in groups.values():
        if len(group) > 1:
            cure = "if they are one video, list it once"
            findings.found("look-alike ids", f"videos {' and '.join(map(repr, group))} are spelt alike", cure)


def id_key(name: str) -> str:
    """What is left of an id when case, Unicode's spelling, `v_` in front and an ending of files do not count."""
    return ENDING.sub("", tidy(name).casefold()).removeprefix("v_")


def unknown(label: str, classes: Collection[str]) -> str:
    """How a sentence says that a label is no class, with the nearest one."""
    near = nearest(label, [*classes])
    return f"which is no class{f' (the nearest is {near!r})' if near else ''}"


def _videos(count: int) -> str:
    return f"{count} video" if count == 1 else f"{count} videos"
