"""`wstal localize --video`: each video once more, without sound, with what is found burnt in and its time line below.

They are <out>/labelled/<video>.mp4, in H.264.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import av
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wstal.base import colours, files, progress
from wstal.base.errors import UserError, system_errors
from wstal.base.record import Count, Index, Positive, Record
from wstal.border import filenames
from wstal.features.pixels.decode import Footage
from wstal.report.timeline import Film

FOLDER = "labelled"
PAPER, CURSOR = (20, 22, 26), (255, 255, 255)


class Burnt(Record):
    """How videos are written."""

    fps: Positive
    short_side: Count  # pixels of the picture
    crf: Index  # of H.264: 0 is lossless, 51 worst
    letter: Count  # pixels that letters are high
    row: Count  # pixels of a class on the time line


def targets(videos: Mapping[str, Path], out: Path) -> dict[str, Path]:
    """{video: the file that is written}.

    Raises:
        UserError: it is one of the videos themselves.
    """
    found = {video: out / FOLDER / f"{name}.mp4" for video, name in filenames.file_names(list(videos)).items()}
    for target in found.values():
        if target.exists() and any(target.samefile(file) for file in videos.values()):
            raise UserError(f"{target} would be written over, and is to be looked at; name another folder with --out.")
    return found


def burn(films: Sequence[Film], classes: Sequence[str], out: Path, settings: Burnt) -> list[Path]:
    """Write all videos; -> their files. `classes` are the run's: they have the colours of the page.

    Raises:
        UserError: a video would be written over itself, or cannot be written.
    """
    made = targets({film.video: film.file for film in films if film.file}, out)
    hues = colours.hues(classes)
    progress.report("videos written", 0, len(made))
    for done, film in enumerate(films, start=1):
        _write(film, hues, made[film.video], settings)
        progress.report("videos written", done, len(made))
    return list(made.values())


def _write(film: Film, hues: Mapping[str, int], target: Path, settings: Burnt) -> None:
    """One video, whole or not at all."""
    with system_errors(target), files.fresh(target) as made, av.open(str(made), "w") as container:
        stream = container.add_stream("libx264", rate=round(settings.fps))
        stream.pix_fmt, stream.options = "yuv420p", {"crf": str(settings.crf)}
        for number, picture in enumerate(Footage(_file(film)).frames(settings.fps, settings.short_side)):
            frame = drawn(picture, film, (number + 0.5) / settings.fps, hues, settings)
            if not number:
                stream.height, stream.width = frame.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode(None))


def drawn(picture: np.ndarray, film: Film, time_s: float, hues: Mapping[str, int], settings: Burnt) -> np.ndarray:
    """A picture (H, W, 3) at a time, with the labels of then, over the time line -> (H', W', 3), both even."""
    rows = {label: number for number, label in enumerate(sorted(film.found, key=lambda label: hues[label]))}
    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width // 2 * 2, (height + settings.row * (len(rows) or 1) + 1) // 2 * 2), PAPER)
    canvas.paste(Image.fromarray(picture), (0, 0))
    draw, x, y = ImageDraw.Draw(canvas), width / film.duration_s, settings.letter // 2
    for label, start_s, end_s, score in film.spans:
        colour, top = colours.rgb(hues[label]), height + rows[label] * settings.row
        draw.rectangle((start_s * x, top + 1, max(end_s * x - 1, start_s * x), top + settings.row - 2), fill=colour)
        if start_s <= time_s < end_s:
            text, at = f"{label}  {score:.2f}", (settings.letter, y)
            left, upper, right, lower = draw.textbbox(at, text, font=font(settings.letter))
            pad = settings.letter // 4
            draw.rectangle((left - pad, upper - pad, right + pad, lower + pad), fill=colour)
            draw.text(at, text, fill=CURSOR, font=font(settings.letter))
            y += 2 * settings.letter
    draw.line((time_s * x, height, time_s * x, canvas.height), fill=CURSOR, width=2)
    return np.asarray(canvas)


@cache
def font(letter: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), letter)


def _file(film: Film) -> Path:
    if film.file is None:
        raise UserError(f"the file of {film.video} is not known; localize it again.")
    return film.file
