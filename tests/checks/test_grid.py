"""The time grid, told from all videos: which frame rates and strides are found, and that a right grid raises no alarm."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wstal.base.timegrid import TimeGrid
from wstal.checks.findings import Findings
from wstal.checks.grid import check_grid

ENDS = {"floor": np.floor, "round": np.round, "ceil": np.ceil}


def snippets(lengths_s, grid, end="floor"):
    """{video: (snippets, seconds)} of an extractor that drops, rounds or fills up the last window."""
    frames = np.asarray(lengths_s) * grid.fps
    counts = ENDS[end]((frames - grid.window_f) / grid.stride_f) + 1
    return {f"v{i}": (max(int(t), 1), float(s)) for i, (t, s) in enumerate(zip(counts, lengths_s, strict=True))}


def checked(lengths, grid):
    findings = Findings("x")
    wrong = check_grid("rgb", lengths, grid, findings)
    assert wrong == bool(findings.faults)
    return findings


FEW = (39.5, 41.0, 62.3, 20.8, 33.0)
MANY = tuple(np.random.default_rng(0).uniform(60, 400, 200))


@pytest.mark.parametrize("lengths_s", [FEW, MANY, (39.5, 39.5, 39.5), (52.0, 47.0)], ids=["few", "many", "equal", "two"])
@pytest.mark.parametrize(
    ("true", "stated", "ratio", "cure"),
    [
        ((30.0, 16), (25.0, 16), "1.20", "fps 30"),
        ((24.0, 16), (25.0, 16), "0.96", "fps 24"),
        ((25.0, 16), (24.0, 16), "1.04", "fps 25"),
        ((29.97, 16), (25.0, 16), "1.20", "fps 29.97"),
        ((23.976, 16), (25.0, 16), "0.96", "fps 23.976"),
        ((25.0, 16), (30.0, 16), "0.83", "fps 25"),
        ((25.0, 8), (25.0, 16), "2.00", "stride_f 8"),
        ((25.0, 16), (25.0, 8), "0.50", "stride_f 16"),
        ((15.0, 8), (25.0, 8), "0.60", "fps 15"),
    ],
)
def test_another_frame_rate_or_stride_is_named(lengths_s, true, stated, ratio, cure):
    made = snippets(lengths_s, TimeGrid(true[0], true[1], 16))
    answer = checked(made, TimeGrid(stated[0], stated[1], 16)).answer
    assert f"cover about {ratio} times the length of all {len(lengths_s)} videos" in answer and cure in answer


def test_windows_that_are_much_wider_than_strides():
    made = snippets(MANY, TimeGrid(10.0, 4, 16))
    assert "about 1.60 times" in (answer := checked(made, TimeGrid(25.0, 16, 16)).answer) and "stride_f 10" in answer


def test_a_ratio_of_a_thousandth_is_a_note_once_videos_tell():
    made, stated = snippets(MANY, TimeGrid(29.97, 16, 16)), TimeGrid(30.0, 16, 16)
    (note,) = checked(made, stated).notes
    assert note.startswith("drifting grid: ") and "about 0.99" in note and "fps 29.97" in note
    assert checked(snippets(FEW, TimeGrid(29.97, 16, 16)), stated).notes == ()


@given(
    lengths_s=st.lists(st.floats(2, 600), min_size=1, max_size=30),
    fps=st.sampled_from([10.0, 24.0, 25.0, 29.97, 30.0]),
    stride_f=st.sampled_from([4, 8, 16]),
    end=st.sampled_from(sorted(ENDS)),
)
def test_a_right_grid_raises_no_alarm(lengths_s, fps, stride_f, end):
    grid = TimeGrid(fps, stride_f, 16)
    findings = checked(snippets(lengths_s, grid, end), grid)
    assert (findings.answer, findings.notes) == ("", ())


@example(lengths_s=[250.0, 308.5, 308.5, 308.5], noise=0)
@example(lengths_s=[10.0, 20.0, 19.5], noise=0)
@given(lengths_s=st.lists(st.floats(10, 600), min_size=3, max_size=30), noise=st.integers(0, 10**6))
def test_lengths_that_are_only_rounded_to_seconds_raise_no_alarm(lengths_s, noise):
    made = snippets(lengths_s, TimeGrid(25.0, 16, 16))
    findings = checked({v: (t, round(s)) for v, (t, s) in made.items()}, TimeGrid(25.0, 16, 16))
    assert findings.answer == ""


def test_a_few_that_lie_off_do_not_hide_the_ratio_and_are_named_where_there_is_none():
    grid = TimeGrid(25.0, 16, 16)
    off = {f"v{i}": (10, MANY[i]) for i in range(20)}
    assert (
        "about 1.20 times the length of 180 of 200 videos" in checked(snippets(MANY, TimeGrid(30.0, 16, 16)) | off, grid).answer
    )
    (note,) = checked(snippets(MANY, grid) | off, grid).notes
    assert note.startswith("odd length: ") and "'v0' covers 0.0" in note and "(and 10 more)" in note


def test_native_frame_rates_of_single_videos_are_named():
    """Half of the videos have 25 frames a second, half 30, and features were taken at either."""
    made = snippets(MANY[:100], TimeGrid(25.0, 16, 16))
    made |= {f"w{v}": one for v, one in snippets(MANY[100:], TimeGrid(30.0, 16, 16)).items()}
    (note,) = checked(made, TimeGrid(25.0, 16, 16)).notes
    assert "'wv0' covers 1.20 times" in note and "(and 90 more)" in note


def test_nothing_is_nothing():
    assert not check_grid("rgb", {}, TimeGrid(25.0, 16, 16), Findings())


@pytest.mark.parametrize("unit", [25.0, 1000.0, 1 / 60])
def test_lengths_in_another_unit_are_no_frame_rate(unit):
    made = {video: (t, s * unit) for video, (t, s) in snippets(MANY, TimeGrid(25.0, 16, 16)).items()}
    assert "give the durations in seconds" in checked(made, TimeGrid(25.0, 16, 16)).answer
