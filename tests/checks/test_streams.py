"""Features that are not what they are called: which exchanges are seen, and that streams which are alike raise no alarm."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wstal.checks.findings import Findings
from wstal.checks.streams import StreamChecks, check_paths, exchanged


def means(count, apart, seed=0):
    """Means (64,) of two streams of `count` videos, whose centres lie `apart` deviations from each other."""
    rng = np.random.default_rng(seed)
    videos, centre = [f"v{i}" for i in range(count)], rng.normal(0, apart, 64)
    return videos, [rng.normal(centre, 1) for _ in videos], [rng.normal(-centre, 1) for _ in videos]


@pytest.mark.parametrize("which", [(3,), (0, 7, 19), (1, 2, 3, 4, 5)])
def test_exchanged_videos_are_named(which):
    videos, one, other = means(20, 1.0)
    for i in which:
        one[i], other[i] = other[i], one[i]
    assert exchanged(videos, one, other) == [f"v{i}" for i in which]


@given(count=st.integers(1, 60), apart=st.sampled_from([0.0, 0.1, 0.3, 1.0, 10.0]), seed=st.integers(0, 10**6))
def test_no_alarm_where_nothing_is_exchanged(count, apart, seed):
    assert exchanged(*means(count, apart, seed)) == []


def test_streams_of_different_widths_are_not_compared():
    videos, one, other = means(20, 1.0)
    assert exchanged(videos, one, [x[:32] for x in other]) == []


@pytest.mark.parametrize(
    ("paths", "named"),
    [
        ({"rgb": "d/flow/a.npy", "flow": "d/rgb/a.npy"}, ["rgb", "flow"]),
        ({"rgb": "d/a-flow.npz", "flow": "d/a-rgb.npz"}, ["rgb", "flow"]),
        ({"rgb": "d/flow/a.npy", "flow": "d/flow2/a.npy"}, ["rgb"]),
        ({"rgb": "flow/rgb/a.npy", "flow": "flow/flow/a.npy"}, []),
        ({"rgb": "d/rgb_from_flow/a.npy", "flow": "d/flow/a.npy"}, []),
        ({"rgb": "d/all.h5", "flow": "d/all.h5"}, []),
        ({"rgb": "d/spatial/a.csv", "flow": "d/temporal/a.csv"}, []),
        ({"rgb": "d/flow/a.npy"}, []),
    ],
)
def test_files_that_are_called_as_another_stream(paths, named):
    findings = Findings()
    check_paths({stream: Path(path) for stream, path in paths.items()}, findings)
    assert [stream for stream in paths if f"stream {stream!r} is read from" in " ".join(findings.notes)] == named


def test_a_snippet_alone_is_not_constant_and_zeros_of_a_few_are_a_note():
    for x, check in ((np.ones((1, 3)), ""), (np.zeros((1, 3)), "zero features"), (np.zeros((25, 3)), None)):
        findings = Findings()
        checks = StreamChecks(findings)
        checks.see("a", {"rgb": x})
        checks.finish({"a": {"rgb": "x"}}, {"a": "train"})
        assert bool(findings.faults) == (check is None)
        assert [note.split(":")[0] for note in findings.notes] == ([check] if check else [])
