"""Samplers: bounds, edge cases, generators as arguments."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wstal.base.types import Groups
from wstal.data.bags import grouped, shuffled
from wstal.data.sampling import Snippets, crop_starts, draw, longest

LENGTHS = st.integers(1, 400)


@given(LENGTHS, st.integers(1, 100), st.sampled_from(["full", "perturb", "crop", "subset"]), st.integers(0, 9))
def test_indices_exist_rise_and_repeat_with_the_seed(length, count, kind, seed):
    how = Snippets(kind=kind, count=count)
    index = draw([length], how, np.random.default_rng(seed))[0]
    assert index.min() >= 0 and index.max() < length
    assert (np.diff(index) >= 0).all()
    np.testing.assert_array_equal(index, draw([length], how, np.random.default_rng(seed))[0])
    wanted = {"full": length, "crop": min(length, count), "subset": min(length, count)}.get(kind, count)
    assert len(index) == wanted


@given(LENGTHS, st.integers(1, 100), st.integers(0, 9))
def test_a_subset_takes_each_snippet_once(length, count, seed):
    index = draw([length], Snippets(kind="subset", count=count), np.random.default_rng(seed))[0]
    assert len(set(index)) == len(index)


def test_a_subset_is_no_window():
    index = draw([400], Snippets(kind="subset", count=50), np.random.default_rng(0))[0]
    assert index[-1] - index[0] > 300


def test_the_last_window_is_never_drawn():
    """A habit of W-TALC's code that its golden vectors fix: 10 snippets, windows of 8, starts 0 and 1 but not 2."""
    assert crop_starts(10, 8).tolist() == [0, 1]
    assert crop_starts(9, 8).tolist() == [0]


@given(st.integers(1, 40), st.integers(1, 12), st.integers(1, 5))
def test_batches_run_on_over_epochs_and_count_every_video(count, size, epochs):
    batches = list(shuffled(count, size, epochs, np.random.default_rng(0)))
    assert len(batches) == count * epochs // size
    assert all(len(batch) == size for batch in batches)
    if batches:
        seen = np.bincount(np.concatenate(batches), minlength=count)
        assert seen.max() <= epochs and seen.sum() == len(batches) * size


@st.composite
def drawings(draw_):
    """(labels (N, C) in which every video shows a class, batch size, epochs, groups, seed)"""
    videos, classes = draw_(st.integers(1, 25)), draw_(st.integers(1, 5))
    first = draw_(st.lists(st.integers(0, classes - 1), min_size=videos, max_size=videos))
    second = draw_(st.lists(st.integers(0, classes - 1), min_size=videos, max_size=videos))
    labels = np.zeros((videos, classes), np.float32)
    labels[np.arange(videos), first] = labels[np.arange(videos), second] = 1
    groups = Groups(draw_(st.integers(0, 4)), draw_(st.integers(1, 5)), draw_(st.booleans()))
    size = groups.count * groups.size + draw_(st.integers(0, 4))
    return labels, max(size, 1), draw_(st.integers(1, 6)), groups, draw_(st.integers(0, 9))


def batches_of(labels, size, epochs, groups, seed):
    return list(grouped(labels, size, epochs, groups, np.random.default_rng(seed)))


@given(drawings())
def test_groups_share_a_class(case):
    labels, size, epochs, groups, _ = case
    batches = batches_of(*case)
    assert len(batches) == len(labels) * epochs // size
    for batch in batches:
        assert len(batch) == size and batch.min() >= 0 and batch.max() < len(labels)
        for group in batch[: groups.count * groups.size].reshape(groups.count, groups.size):
            shared = labels[group].all(0)
            assert shared.any()
            if not groups.replace and labels.sum(0)[shared].min() >= groups.size:
                assert len(set(group)) == groups.size
    np.testing.assert_array_equal(np.array(batches), np.array(batches_of(*case)))


LABELS = np.repeat(np.eye(3, 4, dtype=np.float32), [8, 3, 2], axis=0)  # the fourth class has no video


def test_without_replacement_while_the_class_has_enough_videos():
    """Groups of 4: the class of 8 videos never repeats one; those of 3 and 2 must, and every class is drawn."""
    batches = batches_of(LABELS, 8, 200, Groups(2, 4, replace=False), 0)
    drawn = {0: [], 1: [], 2: []}
    for batch in batches:
        for group in batch.reshape(2, 4):
            drawn[int(LABELS[group[0]].argmax())].append(len(set(group)))
    assert set(drawn[0]) == {4} and max(drawn[1]) == 3 and max(drawn[2]) == 2
    counts = np.array([len(groups) for groups in drawn.values()])
    assert (abs(counts / counts.sum() - 1 / 3) < 0.06).all()  # classes alike, however many videos they have


def test_with_replacement_a_video_may_meet_itself():
    """A pair of 8 videos is one video twice in an eighth of the draws."""
    batches = batches_of(LABELS[:8], 2, 500, Groups(1, 2, replace=True), 0)
    assert 0.09 < np.mean([one == other for one, other in batches]) < 0.16


def test_single_videos_come_from_all_and_seeds_differ():
    how = (LABELS, 10, 100, Groups(3, 2, replace=True))
    batches = np.array(batches_of(*how, 0))
    assert set(batches[:, 6:].flatten()) == set(range(len(LABELS)))
    assert not np.array_equal(batches, np.array(batches_of(*how, 1)))


@given(st.lists(LENGTHS, min_size=1, max_size=5), st.sampled_from(["full", "perturb", "crop", "subset"]), st.integers(1, 60))
def test_what_is_drawn_at_once_is_what_is_drawn_one_by_one(lengths, kind, count):
    """The generator gives the same numbers however many bags are asked for together, so drawing ahead changes no training."""
    how, one, other = Snippets(kind=kind, count=count), np.random.default_rng(0), np.random.default_rng(0)
    together = draw(np.array(lengths), how, one)
    apart = [draw(np.array([length]), how, other)[0] for length in lengths]
    assert all(np.array_equal(a, b) for a, b in zip(together, apart, strict=True))
    assert max(map(len, together)) <= longest(np.array(lengths), how)
