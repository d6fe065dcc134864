"""The list of checks: what is looked for in files that can be read, and whether it is refused or noted."""

from typing import NamedTuple


class Check(NamedTuple):
    """One check."""

    refused: bool  # what is certainly wrong; False: what is only odd, and becomes a note
    what: str  # as docs/checks.md says it


CHECKS: dict[str, Check] = {
    # names
    "empty label": Check(True, "a label without a letter"),
    "tidied label": Check(False, "blanks around a label, or another spelling of its accents in Unicode: read as one"),
    "look-alike classes": Check(
        False, "names that differ by case, blanks, signs or a plural, or by a letter where one is rare; several names in one"
    ),
    "id twice": Check(True, "a video that is listed twice"),
    "look-alike ids": Check(False, "ids that differ by case, by Unicode, or by `v_` in front"),
    "shared video": Check(True, "a video in training and test"),
    "untrained class": Check(False, "a class without any training video"),
    "repeated line": Check(False, "a line of a table that says what an earlier one says"),
    # times
    "backward segment": Check(True, "an instance that ends before it starts"),
    "negative segment": Check(True, "an instance that starts before its video"),
    "empty segment": Check(False, "an instance that lasts no time"),
    "doubled segment": Check(False, "an instance that is there twice"),
    # lengths
    "wrong grid": Check(True, "features that cover one ratio of the length of all videos, as of another frame rate or stride"),
    "drifting grid": Check(False, "the same, where the ratio is that of 29.97 to 30, or as small"),
    "odd length": Check(False, "a video whose features cover much more or less than its length, while those of others fit"),
    # features
    "zero stream": Check(True, "a stream that is zero in all videos"),
    "zero features": Check(False, "a video whose features are zero"),
    "constant features": Check(False, "a video whose snippets are all the same"),
    "identical streams": Check(True, "two streams with the same features of a video"),
    "swapped streams": Check(False, "a video whose streams look like each other's of the other videos"),
    "shared features": Check(True, "the same features, by their hash, in training and test"),
    "same features": Check(False, "the same features, by their hash, of two videos of a subset"),
    # detections
    "undetected video": Check(False, "a video of the ground truth without any detection"),
    "undetected class": Check(False, "a class of the ground truth without any detection, and what a protocol makes of it"),
    "foreign label": Check(False, "detections of a label that the ground truth lacks, with the nearest one that it has"),
    "foreign video": Check(False, "detections in a video that the ground truth lacks, with the nearest one that it has"),
    "doubled detection": Check(False, "a detection that is there twice"),
    "negative detection": Check(False, "a detection that starts before its video"),
    "other unit": Check(
        False, "detections that end far beyond, or far before, the last instances of their videos, as frames or milliseconds do"
    ),
}  # fmt: skip


def listing() -> str:
    """The checks as a table in Markdown."""
    rows = [f"| {name} | {'refused' if check.refused else 'note'} | {check.what} |" for name, check in CHECKS.items()]
    return "\n".join(["| check | | what is meant |", "|---|---|---|", *rows]) + "\n"
