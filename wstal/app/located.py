"""What `wstal localize` found, and its files: those that the top of own_videos.py lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wstal.app import intervals, provenance
from wstal.base import files
from wstal.base.errors import UserError
from wstal.base.types import Detections
from wstal.border import filenames
from wstal.detect import detections
from wstal.features.extraction.extract import ExtractionSummary
from wstal.report.tables import Table
from wstal.report.timeline import Film, page


@dataclass(frozen=True)
class Located:
    """What `localize` found."""

    found: Detections  # all
    shown: Detections  # those for people
    films: Sequence[Film]  # what the page shows of each video
    run: str  # that found it
    classes: tuple[str, ...]  # of the run
    summary: ExtractionSummary  # failures and warnings, by video
    origin: provenance.Origin

    @property
    def why(self) -> dict[str, str]:
        """Of each video, why nothing is shown of it; "" where something is."""
        return {film.video: film.why for film in self.films}

    def page(self, folder: Path | None = None) -> str:
        """The page in HTML, as it is written to a folder."""
        return page(self.films, self.run, self.classes, folder)

    @property
    def html(self) -> str:
        """The page, wherever it may be shown."""
        return self.page()

    @property
    def table(self) -> Table:
        """Those for people, as a table."""
        rows = tuple(intervals.rows(self.shown))
        return Table("Detections", "Times in seconds; scores compare within a run.", intervals.COLUMNS, rows)


def write(out: Path, located: Located) -> None:
    """All files of an output folder, in the place of those that an earlier run has left, all or none."""
    with files.several(out, earlier(out)) as fresh:
        detections.write_json(located.found, fresh / "predictions.json")
        files.write(fresh / "detections.csv", intervals.csv_text(located.shown))
        for video, name in filenames.file_names(located.shown.videos).items():
            files.write(fresh / "elan" / f"{name}.txt", intervals.elan(located.shown, video))
        files.write(fresh / "timeline.html", located.page(out))
        provenance.write(fresh, located.origin)


def earlier(out: Path) -> list[Path]:
    """The texts for ELAN that go with the predictions.json of an output folder; other files are somebody else's."""
    try:
        videos = detections.read_json(out / "predictions.json").videos
    except UserError:
        return []
    written = filenames.file_names(videos).values()
    return [file for name in written if (file := out / "elan" / f"{name}.txt").is_file()]


def counts(shown: Detections) -> dict[str, dict[str, int]]:
    """{video: {label: number of intervals}}."""
    number: dict[str, dict[str, int]] = {video: {} for video in shown.videos}
    for video, label in zip(shown.video, shown.label, strict=True):
        of_video = number[shown.videos[video]]
        of_video[shown.labels[label]] = of_video.get(shown.labels[label], 0) + 1
    return number
