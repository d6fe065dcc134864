"""Detections for people: few, apart, and in files that spreadsheets and ELAN read."""

import csv
import io
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from tests.made import make_detections, rows_of
from wstal.app import intervals
from wstal.app.intervals import Shown

made = partial(make_detections, videos=("a", "b"), labels=("Wave", "Bend, low"))


def test_the_best_stay_and_are_apart():
    found = made([
        (0, 0, 2.0, 6.0, 0.9), (0, 0, 5.0, 9.0, 0.8), (0, 0, 6.0, 8.0, 0.5), (0, 0, 12.0, 13.0, 0.2), (0, 1, 3.0, 5.0, 0.6),
        (1, 0, 0.0, 1.0, 0.1), (1, 0, 2.0, 3.0, 0.02), (1, 1, 2.0, 2.0, 0.1), (1, 1, 4.0, 5.0, -0.1),
    ])  # fmt: skip
    kept = made([(0, 0, 2.0, 6.0, 0.9), (0, 1, 3.0, 5.0, 0.6), (0, 0, 6.0, 8.0, 0.5), (1, 0, 0.0, 1.0, 0.1)])
    assert rows_of(intervals.apart(found, Shown(least=0.25))) == rows_of(kept)


ROW = st.tuples(st.integers(0, 1), st.integers(0, 1), st.floats(0, 50), st.floats(0, 50), st.floats(-1, 1))


@given(st.lists(ROW, max_size=30), st.floats(0, 1))
def test_no_two_of_a_class_overlap_and_choosing_again_changes_nothing(rows, least):
    found = made([(v, c, min(s, e), max(s, e), score) for v, c, s, e, score in rows])
    once = intervals.apart(found, Shown(least=least))
    kept = rows_of(once)
    assert set(kept) <= set(rows_of(found)) and rows_of(intervals.apart(once, Shown(least=least))) == kept
    for i, (video, label, start, end, _) in enumerate(kept):
        for other in kept[i + 1 :]:
            assert (video, label) != other[:2] or end <= other[2] or other[3] <= start


def test_csv_is_quoted_where_it_must_be():
    text = intervals.csv_text(made([(1, 1, 2.0, 6.12345, 0.87654), (0, 0, 0.0, 1.0, 12.0)]))
    assert list(csv.reader(io.StringIO(text))) == [
        ["video", "start_s", "end_s", "label", "score"],
        ["b", "2.000", "6.123", "Bend, low", "0.8765"],
        ["a", "0.000", "1.000", "Wave", "12"],
    ]


def test_elan_gets_a_tier_a_class_and_one_video_a_file():
    found = made([(1, 1, 2.0, 6.0, 0.87654), (0, 0, 0.0, 1.0, 0.5)], labels=("Wave", "Bend\tlow"))
    assert intervals.elan(found, "b") == "tier\tbegin\tend\tvalue\nBend low\t2.000\t6.000\t0.877\n"
    assert intervals.elan(made([]), "a") == "tier\tbegin\tend\tvalue\n"
