"""Small pictures at given times."""

import av
import pytest

from tests.features.films import grey, write
from wstal.app.stills import Stills, jpeg, stills
from wstal.base.errors import UserError

HOW = Stills(fps=25.0, short_side=33, quality=2, strip=4)


def opened(data, path):
    path.write_bytes(data)
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24")


def test_each_time_has_its_frame_in_the_order_asked(tmp_path):
    film = write(tmp_path / "a.mp4", grey(50))
    taken = stills(film, [1.01, 0.0, 0.4, 99.0, 0.4, -1.0], HOW)
    pictures = [opened(data, tmp_path / f"{i}.jpg") for i, data in enumerate(taken)]
    assert [picture.mean() for picture in pictures] == pytest.approx([104, 4, 44, 200, 44, 4], abs=3.5)
    assert {picture.shape for picture in pictures} == {(32, 44, 3)}  # even


def test_quality_costs_bytes(tmp_path):
    import numpy as np

    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    assert len(jpeg(picture, 2)) > len(jpeg(picture, 20)) > 0


def test_a_file_too_short_for_one_frame_shows_its_first(tmp_path):
    how = Stills(fps=10.0, short_side=33, quality=2, strip=4)
    taken = stills(write(tmp_path / "a.mp4", grey(1)), [0.0, 0.01, 5.0], how)
    assert len(taken) == 3 and opened(taken[0], tmp_path / "0.jpg").mean() == pytest.approx(4, abs=3.5)


def test_no_times_no_pictures(tmp_path):
    assert stills(write(tmp_path / "a.mp4", grey(5)), [], HOW) == []


def test_a_file_without_frames_is_a_sentence(tmp_path):
    (tmp_path / "noise.mp4").write_bytes(b"noise" * 100)
    with pytest.raises(UserError, match=r"noise\.mp4 cannot be decoded"):
        stills(tmp_path / "noise.mp4", [0.0], HOW)
