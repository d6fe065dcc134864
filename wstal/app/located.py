"""What `wstal localize` found, and its files: those that the top of own_videos.py lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wstal.app import intervals
from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Detections
from wstal.detect import detections
from wstal.features.extraction.extract import Summary
from wstal.report.tables import Table


@dataclass(frozen=True)
class Located:
    """What `localize` found."""

    found: Detections  # all
    shown: Detections  # those for people
    html: str  # the page
    summary: Summary  # failures and warnings, by video
    why: Mapping[str, str]  # nothing is shown of a video; "" where something is

    @property
    def table(self) -> Table:
        """Those for people, as a table."""
        rows = tuple(intervals.rows(self.shown))
        return Table("Detections", "Times in seconds; scores compare within a run.", intervals.COLUMNS, rows)


def write(out: Path, located: Located) -> None:
    """All files of an output folder, in the place of those that an earlier run has left."""
    for file in earlier(out):
        file.unlink()
    detections.write_json(located.found, out / "predictions.json")
    files.write(out / "detections.csv", intervals.csv_text(located.shown))
    for video in located.shown.videos:
        files.write(out / "elan" / f"{video}.txt", intervals.elan(located.shown, video))
    files.write(out / "timeline.html", located.html)


def earlier(out: Path) -> list[Path]:
    """The texts for ELAN that go with the predictions.json of an output folder; other files are somebody else's."""
    try:
        videos = detections.read_json(out / "predictions.json").videos
    except UserError:
        return []
    return [file for file in (out / "elan").glob("*.txt") if file.stem in videos]


def counts(shown: Detections) -> dict[str, dict[str, int]]:
    """{video: {label: number of intervals}}."""
    number: dict[str, dict[str, int]] = {video: {} for video in shown.videos}
    for video, label in zip(shown.video, shown.label, strict=True):
        of_video = number[shown.videos[video]]
        of_video[shown.labels[label]] = of_video.get(shown.labels[label], 0) + 1
    return number
