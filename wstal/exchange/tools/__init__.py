"""Detections -> files of annotation tools, and corrected files -> labels and times. One file a format.

It knows marks on the time lines of videos, and no feature, no model and no ground truth.

The file system is the registry (registry.py): `--formats elan` is elan.py. A format offers
    texts(clips, classes) -> {path: text}    its files; `classes` are all that the run knows
    fault(label) -> str                      optional: why a label cannot be written, "" where it can
    reads(path, beginning) -> bool           optional, with `read`: whether a file is one of its own; 200 characters of it
    read(path) -> list[Track]                the tracks of a corrected file
Times are written to the millisecond, or to the frame where the tool counts frames.
"""
