"""AICL's steps by hand: sets of snippets, median, noise-contrastive estimation, generalized cross-entropy, classes."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, labels, softmax
from wstal.base.errors import UserError
from wstal.methods.aicl import AICL, Params
from wstal.nn.contrast import contrast
from wstal.nn.losses import generalized_cross_entropy
from wstal.nn.pooling import largest_of_each, mean_of_each, median

BASE = {"hidden": 4, "top": 8, "set_ratio": 20, "q": 0.7, "temperature": 0.1}


def method(**changes):
    torch.manual_seed(1)
    return AICL(6, 3, Params(**(BASE | changes))).double().eval()


def row(*values):
    return torch.tensor([values], dtype=torch.float64)


def test_median_of_the_real_snippets():
    values = torch.tensor([[3.0, 1.0, 2.0, 9.0], [4.0, 1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, True, True, False], [True, True, True, True]])
    assert median(values, mask).tolist() == [[2.0], [2.5]]


def test_each_class_has_its_own_largest():
    values = torch.tensor([[[1.0, 9.0], [3.0, 2.0], [2.0, 3.0], [8.0, 8.0]]])
    chosen = largest_of_each(values, torch.tensor([[True, True, True, False]]), torch.tensor([2]))
    assert chosen[0].T.tolist() == [[False, True, True, False], [True, False, True, False]]
    assert mean_of_each(values, chosen).tolist() == [[2.5, 6.0]]


def test_sets_by_hand():
    """Above both medians 0.9 and 0.8; below both 0.1 and 0.2; of two minds 0.45 (class-aware alone high) and 0.3."""
    aware = row(0.9, 0.8, 0.45, 0.3, 0.2, 0.1)
    agnostic = row(0.7, 0.8, 0.1, 0.9, 0.2, 0.3)
    mask = torch.ones(1, 6, dtype=torch.bool)
    sets = method(set_ratio=3).sets(aware, agnostic, mask)
    places = [found[0].nonzero()[:, 0].tolist() for found in sets]
    assert places == [[0, 1], [4, 5], [2, 3], [2, 3]]  # the disagreeing set has two members: both ends take them
    places = [found[0].nonzero()[:, 0].tolist() for found in method(set_ratio=6).sets(aware, agnostic, mask)]
    assert places == [[0], [5], [2], [3]]


def test_contrast_written_out():
    rng = np.random.default_rng(0)
    e = rng.normal(size=(7, 5))
    sets = [np.array(part) for part in ([0, 1], [2], [3, 4, 6])]
    masks = [torch.zeros(1, 9, dtype=torch.bool) for _ in sets]
    for mask, part in zip(masks, sets, strict=True):
        mask[0, part] = True
    padded = torch.cat([torch.tensor(e), torch.full((2, 5), 7.0, dtype=torch.float64)])[None]

    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    query = e[sets[0]].mean(0)
    logits = np.array([cosine(query, e[sets[1]].mean(0)), *(cosine(query, one) for one in e[sets[2]])]) / 0.1
    assert contrast(padded, *masks, 0.1).item() == pytest.approx(-np.log(softmax(logits)[0]), rel=1e-9)


def test_contrast_without_a_set_costs_nothing():
    e, some, none = torch.rand(1, 4, 3), torch.tensor([[True, False, False, False]]), torch.zeros(1, 4, dtype=torch.bool)
    for sets in ((none, some, some), (some, none, some), (some, some, none)):
        assert contrast(e, *sets, 0.1).tolist() == [0.0]


def test_generalized_cross_entropy_by_hand():
    """q = 1 is the mean absolute error of each side; a small q is the cross-entropy; padding and weight 0 count nothing."""
    p, action, weight = row(0.75, 0.5, 0.25, 0.9), row(1, 1, 0, 0), row(1, 1, 1, 0)
    assert generalized_cross_entropy(p, action, weight, 1.0).item() == pytest.approx((0.25 + 0.5) / 2 + 0.25, abs=1e-6)
    entropy = -(np.log(0.75) + np.log(0.5)) / 2 - np.log(0.75)
    assert generalized_cross_entropy(p, action, weight, 1e-6).item() == pytest.approx(entropy, abs=1e-4)


def test_classes_of_the_video_written_out():
    """17 and 5 snippets: the mean score of 2 and of 1, where class probability and actionness are highest."""
    model, y = method(), labels([1, 0, 1], [0, 1, 0])
    x, mask = bags([17, 5], 6)
    scores = model(x, mask)
    expected = 0.0
    for i, (length, k) in enumerate([(17, 2), (5, 1)]):
        p, s = (value[i, :length].detach().numpy() for value in (scores.activation, scores.logits))
        np.testing.assert_allclose(p, (softmax(s) + 2 * scores.actionness[i, :length, None].detach().numpy()) / 3, rtol=1e-9)
        top = np.array([s[np.argsort(-p[:, c])[:k], c].mean() for c in range(3)])
        np.testing.assert_allclose(scores.video_score[i].detach(), softmax(top), rtol=1e-9)
        expected -= (y[i].numpy() / y[i].sum().item() * np.log(softmax(top))).sum()
    assert model.losses(scores, y, mask)["base"].item() == pytest.approx(expected, rel=1e-8)


def test_only_labelled_classes_make_pseudo_labels():
    """Without a label no snippet shows action, so the loss falls with the actionness."""
    model = method()
    x, mask = bags([8], 6)
    scores = model(x, mask)
    quiet = scores._replace(terms=scores.terms | {"a_rgb": torch.full_like(scores.terms["a_rgb"], 1e-6)})
    y = labels([0, 0, 0])
    assert model.losses(quiet, y, mask)["agnostic_rgb"] < 1e-3 < model.losses(scores, y, mask)["agnostic_rgb"]


def test_streams_of_unequal_width_are_a_sentence():
    with pytest.raises(UserError, match="equal width"):
        AICL(7, 3, Params(**BASE))
