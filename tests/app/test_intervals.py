"""Detections for people: few, apart, and in files that spreadsheets and ELAN read."""

import csv
import io
import time
from functools import partial

import numpy as np
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


def one_by_one(found, least):
    """The rule of `apart`, each detection held against all that were kept before."""
    best = {v: max(found.score[found.video == v]) for v in set(found.video.tolist())}
    kept = []
    for row in sorted(range(len(found)), key=lambda k: (-found.score[k], *(c[k] for c in columns(found)))):
        video, label, start, end = (c[row] for c in columns(found))
        others = [k for k in kept if (found.video[k], found.label[k]) == (video, label)]
        sure = 0 < found.score[row] >= least * best[video] and start < end
        if sure and all(end <= found.start_s[k] or found.end_s[k] <= start for k in others):
            kept.append(row)
    return sorted(kept, key=lambda k: (found.video[k], found.start_s[k], found.end_s[k], found.label[k]))


def columns(found):
    return found.video, found.label, found.start_s, found.end_s


WHOLE = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 9), st.integers(0, 9), st.integers(-1, 3))  # many ties


@given(st.lists(ROW | WHOLE, max_size=40), st.sampled_from([0.0, 0.25, 1.0]))
def test_they_are_those_that_one_by_one_would_keep(rows, least):
    found = made([(v, c, min(s, e), max(s, e), score) for v, c, s, e, score in rows])
    kept = intervals.apart(found, Shown(least=least))
    expected = one_by_one(found, least)
    for name in ("video", "label", "start_s", "end_s", "score"):
        assert getattr(kept, name).tolist() == getattr(found, name)[expected].tolist()
        assert getattr(kept, name).dtype == getattr(found, name).dtype


def test_ten_times_the_detections_take_about_ten_times_as_long():
    def seconds(count):
        rng = np.random.default_rng(0)
        start = rng.uniform(0, count, count)
        rows = zip(np.zeros(count), np.zeros(count), start, start + 0.5, rng.uniform(0.5, 1, count), strict=True)
        found = made(list(rows))
        begun = time.process_time()
        intervals.apart(found, Shown(least=0.1))
        return time.process_time() - begun

    assert min(seconds(40_000) for _ in range(3)) < 40 * min(seconds(4_000) for _ in range(3))  # 100 if it were quadratic


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
