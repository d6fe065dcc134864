"""W-TALC's formulas by hand: top-k scores and the co-activity loss of pairs."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, labels, softmax
from wstal.base.types import Groups
from wstal.methods.wtalc import WTALC, Params
from wstal.nn.coactivity import co_activity

BASE = {"hidden": 6, "layers": 1, "dropout": 0.0, "top": 8, "margin": 0.5, "pairs": 3}


def method(**changes):
    torch.manual_seed(1)
    return WTALC(5, 3, Params(**(BASE | changes))).double().eval()


def distance(a, b):
    return 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def casl(logits, u, pairs, margin=0.5):
    """CASL written out; logits and u are lists of (T, C) and (T, H), pairs lists (first, second, class)."""

    def parts(i, c):
        a = softmax(logits[i][:, c])
        return a @ u[i], (1 - a) @ u[i] / max(len(a) - 1, 1)

    total = 0
    for i, j, c in pairs:
        (h1, l1), (h2, l2) = parts(i, c), parts(j, c)
        for low in (distance(h1, l2), distance(h2, l1)):
            total += max(0, distance(h1, h2) - low + margin) / 2
    return total / len(pairs)


def test_scores_written_out():
    """17 snippets: the mean of 3 in training, of 2 at test; 5 snippets: of 1 in both."""
    model = method()
    x, mask = bags([17, 5])
    scores = model(x, mask)
    for i, (length, train, test) in enumerate([(17, 3, 2), (5, 1, 1)]):
        a = scores.activation[i, :length].detach().numpy()
        top = np.sort(a, 0)[::-1]
        np.testing.assert_allclose(scores.terms["mil"][i].exp().detach(), softmax(top[:train].mean(0)), rtol=1e-9)
        np.testing.assert_allclose(scores.video_score[i].detach(), top[:test].mean(0), rtol=1e-9)
    y = labels([1, 0, 1], [0, 1, 0])
    log_p = scores.terms["mil"]
    torch.testing.assert_close(model.losses(scores, y, mask)["mil"], -(log_p[0, 0] + log_p[0, 2]) / 2 - log_p[1, 1])


def test_co_activity_written_out():
    """Two pairs; the first shares two classes, the second one; the fifth bag belongs to none."""
    model = method()
    x, mask = bags([9, 4, 6, 7, 8])
    y = labels([1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1])
    scores = model(x, mask)
    cut = [int(n) for n in mask.sum(-1)]
    u = [scores.embedding[i, :n].detach().numpy() for i, n in enumerate(cut)]
    a = [scores.activation[i, :n].detach().numpy() for i, n in enumerate(cut)]
    expected = casl(a, u, [(0, 1, 0), (0, 1, 1), (2, 3, 2)])
    assert model.losses(scores, y, mask)["casl"].item() == pytest.approx(5 * expected, rel=1e-9)
    assert expected > 0


def test_only_the_first_pairs_count():
    x, mask = bags([6, 6, 6, 6])
    y = labels([1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0])
    one, two = method(pairs=1), method(pairs=2)
    scores = one(x, mask)
    first = one.losses(one(x[:2], mask[:2]), y[:2], mask[:2])["casl"] / 2
    torch.testing.assert_close(one.losses(scores, y, mask)["casl"] / 4, first)
    assert not torch.allclose(two.losses(scores, y, mask)["casl"] / 4, first)


def test_nothing_shared_costs_nothing():
    model, (x, mask) = method(), bags([6, 6])
    assert model.losses(model(x, mask), labels([1, 0, 0], [0, 1, 1]), mask)["casl"] == 0


def test_batches_begin_with_the_pairs_of_params():
    assert method(pairs=3).params.bag_groups == Groups(count=3, size=2, replace=True)


def test_a_pair_has_no_order():
    model, (x, mask) = method(), bags([9, 4])
    y, turn = labels([1, 1, 0], [0, 1, 0]), torch.tensor([1, 0])
    one = model.losses(model(x, mask), y, mask)["casl"]
    other = model.losses(model(x[turn], mask[turn]), y[turn], mask[turn])["casl"]
    torch.testing.assert_close(one, other)


def test_known_distances():
    """Both videos are active in one snippet along e1 and rest along e2: d(H, H) = 0, d(H, L) = 1, beyond the margin.
    Active along e1 and along e2 instead, d(H1, H2) = 1 and d(H, L) = 0: the hinge is 1.5."""
    sharp = torch.tensor([60.0, -60.0], dtype=torch.float64)[:, None]  # the softmax over time is (1, 0)
    e = torch.eye(2, dtype=torch.float64)
    mask, y = torch.ones(2, 2, dtype=torch.bool), labels([1], [1])
    for second, expected in ((e, 0.0), (e.flip(0), 1.5)):
        found = co_activity(torch.stack([e, second]), torch.stack([sharp, sharp]), y, mask, pairs=1, margin=0.5)
        assert found.item() == pytest.approx(expected, abs=1e-9)


def test_layers():
    assert len(method(layers=2).embed) == 2
    assert method(layers=2).embed[1].weight.shape == (6, 6)
    u = method(layers=2)(*bags([4])).embedding
    assert u.shape == (1, 4, 6) and (u >= 0).all()
