"""SAL's steps by hand: second-order statistics, pseudo-labels, running statistics, sums of two videos."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, labels, softmax
from wstal.methods.sal import SAL, Params, second_order

BASE = {
    "hidden": 4, "dropout": 0.5, "flow_share": 0.9, "top": 8, "extra": 1, "ema": 0.7, "q": 0.5, "semantic_share": 0.65,
}  # fmt: skip
Y = labels([1, 0, 1], [0, 1, 0])


def method(**changes):
    torch.manual_seed(1)
    return SAL(6, 3, Params(**(BASE | changes))).double().eval()


def test_second_order_statistics_written_out():
    x, mask = bags([7, 4], 3)
    x = x - 0.5
    found = second_order(x, mask)
    for i, length in enumerate([7, 4]):
        e = x[i, :length].numpy()
        m = (e.T @ e / length**2).flatten()
        z = np.sign(m) * np.sqrt(np.abs(m) + 1e-5)
        np.testing.assert_allclose(found[i], z / np.linalg.norm(z), rtol=1e-9)


def test_pseudo_labels_are_where_actionness_and_scores_are_high():
    """Of 8 snippets the 1 + 1 of highest actionness, if among the 4 of highest positive class scores."""
    model = method()
    x, mask = bags([8], 6)
    a = torch.tensor([[0.9, 0.8, 0.7, 0.1, 0.1, 0.1, 0.1, 0.1]], dtype=torch.float64)
    s = torch.tensor([[0.0, 3.0, 3.0, 2.0, 1.0, 0.0, 0.0, -9.0]], dtype=torch.float64)[..., None].expand(-1, -1, 3)
    scores = model(x, mask)._replace(actionness=a, logits=s)
    assert model.pseudo(scores, mask).tolist() == [[0, 1, 0, 0, 0, 0, 0, 0]]


def test_running_statistics_of_the_real_snippets():
    model = method()
    x, mask = bags([7, 4], 6)
    scores = model(x, mask)
    p = torch.cat([scores.logits[i, :n] for i, n in enumerate([7, 4])]).detach().numpy()
    surest = softmax(p).max(1)
    with torch.no_grad():
        model.observe(scores, mask)
    assert model.mean.item() == pytest.approx(0.7 / 3 + 0.3 * surest.mean(), rel=1e-6)
    assert model.variance.item() == pytest.approx(0.7 + 0.3 * surest.var(ddof=1), rel=1e-6)


def test_losses_move_no_statistics():
    model = method()
    x, mask = bags([7, 4], 6)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.losses(model(x, mask), Y, mask)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_unsure_snippets_count_less():
    """One class of equal scores is at the start mean, 1/3: nothing is below it. A mean of 1/3 + v^½ leaves exp(-2)."""
    model = method()
    flat = torch.zeros(1, 1, 3, dtype=torch.float64)
    assert model.sure(flat).item() == pytest.approx(1)
    model.mean.fill_(1 / 3 + 0.5)
    model.variance.fill_(0.25)
    assert model.sure(flat).item() == pytest.approx(np.exp(-2))


def test_a_video_is_mixed_with_the_one_before_and_alone_with_itself():
    model = method()
    x, mask = bags([6, 6], 6)
    terms, turned = model(x, mask).terms, model(x.flip(0), mask.flip(0)).terms
    torch.testing.assert_close(terms["mixed_flow"], turned["mixed_flow"])  # of two videos both sums are the same
    twice = model(2 * x[:1], mask[:1]).terms["a_rgb"]
    torch.testing.assert_close(model(x[:1], mask[:1]).terms["mixed_rgb"], twice)


def test_actionness_without_class_is_background():
    """S^bg is (1 - a) S: where all classes are alike there, the loss of background is 0."""
    model = method()
    x, mask = bags([8, 5], 6)
    scores = model(x, mask)
    flat = scores._replace(terms=scores.terms | {"background": torch.full((2, 3), 0.7, dtype=torch.float64)})
    assert model.losses(flat, Y, mask)["background"].item() == pytest.approx(0, abs=1e-12)
    assert model.losses(scores, Y, mask)["background"] > 0
