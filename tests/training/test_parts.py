"""Batches in parts: the cheapest cut, and the scores of the whole batch."""

from itertools import combinations

import msgspec
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wstal import methods
from wstal.data.bags import Batch
from wstal.training.parts import Scored, joined, partition, scored
from wstal.training.train import build

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=7)


def cost(lengths, parts, weights, calls):
    return sum(len(part) * lengths[part].max() * weights + calls for part in parts)


def cuts(count):
    """All ways to cut a row of `count` bags."""
    for size in range(count):
        for inner in combinations(range(1, count), size):
            yield [np.arange(a, b) for a, b in zip((0, *inner), (*inner, count), strict=True)]


@given(LENGTHS, st.integers(1, 1000), st.sampled_from([0.0, 1e3, 1e5]))
def test_no_other_cut_is_cheaper(lengths, weights, calls):
    lengths = np.array(lengths)
    parts = partition(lengths, weights, calls)
    assert sorted(np.concatenate(parts)) == list(range(len(lengths)))
    ordered = np.sort(lengths)
    least = min(cost(ordered, cut, weights, calls) for cut in cuts(len(lengths)))
    whole = cost(lengths, [np.arange(len(lengths))], weights, calls)
    assert cost(lengths, parts, weights, calls) in (least, whole)
    assert len(parts) > 1 or whole <= least + calls  # a batch that no cut makes cheaper by a part's calls stays whole


def test_equal_lengths_are_one_part():
    assert [part.tolist() for part in partition(np.array([9, 9, 9]), 10**6, 1.0)] == [[0, 1, 2]]


def test_a_batch_in_order_stays_in_order():
    assert [part.tolist() for part in partition(np.array([9, 2, 9]), 1, 1e9)] == [[0, 1, 2]]


@pytest.mark.parametrize("name", methods.names())
def test_parts_score_as_the_whole(tiny, name):
    """Losses and gradients of a batch do not depend on how it is cut, but for methods that say so."""
    how = tiny(name, {})
    x = torch.rand(4, 9, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    lengths = torch.tensor([4, 9, 6, 9])
    mask = torch.arange(9) < lengths[:, None]
    x, labels = x * mask[..., None], torch.eye(5, dtype=torch.float64)[[0, 0, 2, 2]]
    found = []
    for places in ([np.arange(4)], [np.array([1, 3]), np.array([2]), np.array([0])]):
        torch.manual_seed(0)
        model = build(how, 12, 5).double().eval()
        parts = [Batch(*(part[place, : lengths[place].max()] for part in (x, mask)), labels[place]) for place in places]
        terms = []
        for part in scored(model, parts, np.concatenate(places)):
            terms.append(model.losses(part.scores, part.labels, part.mask))
            sum(terms[-1].values()).backward()
        assert len(terms) == (1 if model.params.bag_groups.count else len(places))
        found.append([*(sum(one[key] for one in terms) for key in terms[0]), *(p.grad for p in model.parameters())])
    alike = [torch.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in zip(*found, strict=True)]
    assert all(alike) != model.params.mixes_bags


def test_joined_parts_are_the_batch(tiny):
    """Bags come back in their order, time is filled up with zeros, and what has no time stays as it is."""
    torch.manual_seed(0)
    model = build(tiny("wsad", {}), 12, 5).eval()
    lengths, mask = torch.tensor([4, 9, 6]), torch.arange(9) < torch.tensor([4, 9, 6])[:, None]
    x, labels = torch.rand(3, 9, 12) * mask[..., None], torch.eye(5)[[0, 1, 2]]
    places = [np.array([1]), np.array([2, 0])]
    parts = [Batch(*(part[place, : lengths[place].max()] for part in (x, mask)), labels[place]) for place in places]
    one = joined([Scored(model(part.x, part.mask), part.mask, part.labels) for part in parts], np.array([1, 2, 0]))
    whole = model(x, mask)
    assert torch.equal(one.mask, mask) and torch.equal(one.labels, labels)
    torch.testing.assert_close(one.scores.video_score, whole.video_score)
    torch.testing.assert_close(one.scores.terms["p"], whole.terms["p"])
    torch.testing.assert_close(one.scores.embedding[mask], whole.embedding[mask])
    assert (one.scores.embedding[0, 6:] == 0).all() and one.scores.activation.shape == (3, 9, 5)


def test_settings_name_the_mode(tiny):
    assert tiny("facnet", {}).training.mode == "reproducible"
    assert tiny("facnet", {"training": {"mode": "fast"}}).training.mode == "fast"
    with pytest.raises(Exception, match="mode"):
        tiny("facnet", {"training": {"mode": "quick"}})
    assert msgspec.json.encode(tiny("facnet", {}).training)
