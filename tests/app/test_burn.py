"""Videos with what is found burnt in: colours and times by hand, read back from the file."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.features.films import grey, write
from wstal.app import burn
from wstal.base import colours
from wstal.base.errors import UserError
from wstal.report.timeline import Film

HOW = burn.Burnt(fps=25.0, short_side=48, crf=10, letter=8, row=10)
CLASSES = ("Jump", "Run", "Wave")


@pytest.fixture
def film(tmp_path):
    """A grey second; Wave in its first half, Run in its last quarter."""
    times_s = np.array([0.25, 0.75])
    spans = [("Wave", 0.0, 0.5, 0.9), ("Run", 0.75, 1.0, 0.4)]
    file = write(tmp_path / "a b.mp4", [np.full((48, 64, 3), 100, np.uint8)] * 25, options={"crf": "10"}, pixels="yuv420p")
    return Film("a b", 1.0, times_s, times_s, {"Wave": times_s, "Run": times_s}, spans, [], [], file=file)


def near(pixel, colour):
    return np.abs(pixel.astype(int) - colour).max() < 40


def test_labels_stand_at_their_times_in_the_colours_of_their_classes(film, tmp_path):
    (file,) = burn.burn([film], CLASSES, tmp_path / "out", HOW)
    assert file == tmp_path / "out" / "labelled" / "a b.mp4" and [path.name for path in file.parent.iterdir()] == ["a b.mp4"]
    with av.open(str(file)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(pictures) == 25 and pictures[0].shape == (48 + 20, 64, 3)
    wave, run = colours.rgb(2), colours.rgb(1)
    # the time line: a row a class, in the order of the run
    assert near(pictures[20][63, 10], wave) and near(pictures[5][53, 56], run) and not near(pictures[5][53, 20], run)
    boxed = [near(picture[7, 7], wave) or near(picture[7, 7], run) for picture in pictures]
    assert boxed == [(k + 0.5) / 25 < 0.5 or (k + 0.5) / 25 >= 0.75 for k in range(25)]
    assert near(pictures[3][7, 7], wave) and near(pictures[22][7, 7], run)


def test_where_nothing_is_found_nothing_is_drawn_but_the_cursor(film):
    bare = Film("a b", 1.0, film.times_s, film.times_s, {}, [], [], [], file=film.file)
    picture = grey(1)[0]
    made = burn.drawn(picture, bare, 0.5, colours.hues(CLASSES), HOW)
    assert (made[:48] == picture).all() and made.shape == (58, 64, 3)
    lit = np.flatnonzero((made[53] == 255).all(-1))
    assert lit.tolist() in ([31, 32], [32, 33])


def test_a_video_is_not_written_over_itself(film, tmp_path):
    (tmp_path / "labelled").mkdir()
    own = film.file.rename(tmp_path / "labelled" / "a b.mp4")
    with pytest.raises(UserError, match=r"would be written over"):
        burn.targets({"a b": own}, tmp_path)
    assert burn.targets({"a b": Path("x.mp4")}, tmp_path / "new") == {"a b": tmp_path / "new" / "labelled" / "a b.mp4"}
