"""The embedded films: storyboards, shapes with known areas, and files that are what the annotations say, byte for byte."""

from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.timegrid import TimeGrid
from wstal.datasets import annotations as annotations_file
from wstal.datasets import readers
from wstal.datasets.clips.canvas import Canvas, texture, view
from wstal.datasets.clips.render import MARGIN, encode, motion, pictures, render, shake, shoot
from wstal.datasets.clips.scenes import SCENES
from wstal.datasets.clips.storyboards import Class, Shot, Source, storyboards
from wstal.features.pixels.decode import Footage, duration_s

SMALL = {
    "root": "data/raw/clips", "seed": 3, "classes": ["Bounce", "Swing", "JumpingJack", "Windmill"], "train_videos": 4,
    "test_videos": 2, "fps": 25, "size": [64, 48], "shots": [1, 2], "action_s": [0.5, 1.0], "rest_s": [0.2, 0.4], "decoy": 0.5,
    "other": 0.3, "shake": 0.02,
}  # fmt: skip
WHITE, BLACK = np.ones(3), np.zeros(3)


def source(**changes) -> Source:
    return msgspec.convert(SMALL | changes, Source)


@given(seed=st.integers(0, 10**6), most=st.integers(1, 5), decoy=st.floats(0, 1), other=st.floats(0, 1))
@settings(max_examples=50)
def test_shots_tile_the_film_and_rest_surrounds_every_action(seed, most, decoy, other):
    made = source(seed=seed, shots=[1, most], decoy=decoy, other=other, train_videos=5, test_videos=4)
    films = list(storyboards(made))
    assert [film.subset for film in films] == ["train"] * 5 + ["test"] * 4 and len({film.id for film in films}) == 9
    for number, film in enumerate(films):
        main = (number if film.subset == "train" else number - 5) % 4
        assert 1 <= len(film.shots) <= most and [shot.first_f for shot in film.shots] == [
            0,
            *(s.end_f for s in film.shots[:-1]),
        ]
        assert any(shot.label == main and shot.action_f for shot in film.shots)
        for shot in film.shots:
            assert shot.action_f is not None or shot.label != main
            if shot.action_f:
                before, action, after = np.diff([shot.first_f, *shot.action_f, shot.end_f])
                assert 5 <= before <= 10 and 5 <= after <= 10 and 12 <= action <= 25


def test_the_reader_says_what_the_storyboards_say(tmp_path):
    made = source()
    found = readers.load("clips").annotations(made, TimeGrid(25.0, 16, 16))
    annotations_file.validate(found, origin="clips")
    films = {film.id: film for film in storyboards(made)}
    assert found.classes == tuple(made.classes)
    for video in found.videos:
        shots = [shot for shot in films[video.id].shots if shot.action_f]
        assert video.labels == tuple(sorted({made.classes[shot.label] for shot in shots}))
        times = [(s.start_s, s.end_s) for s in found.segments if s.video == video.id]
        assert times == [(shot.action_f[0] / 25, shot.action_f[1] / 25) for shot in shots]
    assert set(readers.load("clips").videos(made)) == set(films)


def test_classes_are_scenes():
    assert set(get_args(Class)) == set(SCENES)


@pytest.mark.parametrize(("key", "value"), [("classes", ["Bounce", "Sleep"]), ("size", [65, 48]), ("action_s", [0.0, 1.0])])
def test_a_bad_parameter_is_one_sentence(key, value):
    with pytest.raises(UserError, match=rf"^params\.yaml, here: .*{key}.*; mend or remove that parameter\.$"):
        convert(SMALL | {key: value}, Source, "params.yaml, here")


@given(x=st.floats(-0.2, 0.2), y=st.floats(-0.2, 0.2), diameter=st.floats(0.1, 0.5))
def test_a_disc_has_its_area_and_centre(x, y, diameter):
    canvas = Canvas(np.zeros((200, 300, 3), np.float32))
    canvas.disc((x, y), diameter, WHITE)
    cover = canvas.pixels[..., 0].astype(np.float64) / 200**2
    area = np.pi * diameter**2 / 4
    assert cover.sum() == pytest.approx(area, rel=0.01)
    rows, columns = (np.indices(cover.shape) + 0.5) / 200
    assert (cover * (columns - 0.75)).sum() / area == pytest.approx(x, abs=0.002)
    assert (cover * (rows - 0.5)).sum() / area == pytest.approx(y, abs=0.002)


def test_a_line_has_its_area_and_soft_edges():
    canvas = Canvas(np.zeros((200, 200, 3), np.float32))
    canvas.line((-0.3, -0.1), (0.2, 0.25), 0.1, WHITE)
    cover = canvas.pixels[..., 0].astype(np.float64)
    assert cover.sum() / 200**2 == pytest.approx(np.hypot(0.5, 0.35) * 0.1 + np.pi * 0.05**2, rel=0.01)
    assert ((cover > 0.05) & (cover < 0.95)).sum() > 100


def test_what_lies_outside_is_cut_off():
    canvas = Canvas(np.zeros((50, 50, 3), np.float32))
    canvas.disc((5.0, -5.0), 0.4, WHITE)
    canvas.line((-3.0, 0.0), (3.0, 0.0), 0.2, WHITE)
    assert canvas.pixels[..., 0].sum(0) == pytest.approx(np.full(50, 10))


def test_the_camera_moves_drawings_and_scenery_alike():
    """A disc drawn on the scenery and one drawn on what the camera sees of it fall on the same pixels."""
    scenery = np.zeros((60, 80, 3), np.float32)
    Canvas(scenery).disc((0.1, 0.05), 0.3 * 50 / 60, WHITE)  # the unit is each picture's own height
    camera = (0.04, -0.03)
    seen = view(scenery, 50, 70, camera)
    drawn = Canvas(np.zeros((50, 70, 3), np.float32), camera)
    drawn.disc((0.1 * 60 / 50, 0.05 * 60 / 50), 0.3, WHITE)
    assert seen.shape == (50, 70, 3) and np.abs(seen - drawn.pixels).max() < 0.5 and np.abs(seen - drawn.pixels).mean() < 0.003


def test_texture_lies_between_its_colours_and_varies():
    made = texture(np.random.default_rng(0), 48, 64, np.array([0.1, 0.2, 0.3]), np.array([0.6, 0.7, 0.9]))
    assert made.shape == (48, 64, 3) and made.min() >= 0.1 and made.max() <= 0.9 and made[..., 0].std() > 0.03


def test_motion_begins_and_ends_at_rest():
    shot = Shot(0, 100, 200, (120, 170))
    phases, amounts = zip(*(motion(shot, f, 0.5, 25) for f in range(100, 200)), strict=True)
    assert set(amounts[:21]) == {0.0} == set(amounts[70:]) and set(amounts[30:61]) == {1.0}
    assert set(phases[:21]) == {0.0} and set(phases[70:]) == {1.0} and np.allclose(np.diff(phases[20:71]), 0.02)
    assert motion(Shot(0, 0, 50, None), 30, 1.0, 25) == (0.0, 0.0)


def test_shake_stays_within_the_margin():
    path = shake(np.random.default_rng(0), 500, source(shake=10.0))
    assert path.shape == (500, 2) and np.abs(path).max() == MARGIN / 2
    assert np.abs(np.diff(shake(np.random.default_rng(0), 500, source()), axis=0)).max() < 0.02
    assert not shake(np.random.default_rng(0), 500, source(shake=0.0)).any()


@pytest.mark.parametrize("label", range(4))
def test_the_action_moves_and_the_rest_does_not(label):
    made = source(shake=0.0)
    frames = [f.astype(int) for f in shoot(Shot(label, 0, 60, (20, 45)), np.zeros((60, 2)), np.random.default_rng(0), made)]
    change = np.array([np.abs(b - a).mean() for a, b in zip(frames[:-2], frames[2:], strict=True)])  # two apart: equal grain
    assert change[:18].max() == 0 == change[45:].max()
    assert change[24:40].min() > 0.2


def test_another_seed_is_another_film():
    one, two, again = (next(pictures(next(storyboards(source(seed=seed))), source(seed=seed))) for seed in (1, 2, 1))
    assert np.array_equal(one, again) and np.abs(one.astype(int) - two).mean() > 5


def test_files_are_what_the_storyboards_say_byte_for_byte(tmp_path):
    made = source(train_videos=2, test_videos=1)
    for name in ("one", "two"):
        render(made, tmp_path / name)
    files = sorted((tmp_path / "one").iterdir())
    films = list(storyboards(made))
    assert [path.name for path in files] == sorted(f"{film.id}.mp4" for film in films)
    assert all(path.read_bytes() == (tmp_path / "two" / path.name).read_bytes() for path in files)
    film, path = films[0], tmp_path / "one" / f"{films[0].id}.mp4"
    footage = Footage(path)
    shown, drawn = list(footage.frames(25.0, 48)), list(pictures(film, made))
    assert duration_s(path) == film.frames / 25 and len(shown) == len(drawn) == film.frames and footage.warnings == []
    errors = np.stack(shown).astype(int) - np.stack(drawn)
    assert np.abs(errors).mean((1, 2, 3)).max() < 7 and np.abs(errors.mean((0, 1, 2))).max() < 1.5  # no frame, no colour is off


def test_an_interrupted_film_is_not_there(tmp_path, monkeypatch):
    made = source()

    def stops(frames, *_):
        yield from (next(frames) for _ in range(20))
        raise KeyboardInterrupt

    monkeypatch.setattr("wstal.datasets.clips.render.encode", lambda frames, *rest: encode(stops(frames), *rest))
    with pytest.raises(KeyboardInterrupt):
        render(made, tmp_path)
    assert list(tmp_path.iterdir()) == []
