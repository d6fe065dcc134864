"""BaS-Net's formulas by hand, and the identities that tie its branches together."""

import numpy as np
import pytest
import torch

from wstal.methods.basnet import BaSNet, Params

BASE = {"hidden": 6, "filter_hidden": 4, "dropout": 0.0, "top": 3, "classification": "bce"}
LABELS = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)


def method(**changes):
    torch.manual_seed(1)
    return BaSNet(5, 3, Params(**(BASE | changes))).double().eval()


def bag(length=9):
    x = torch.rand(1, length, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x, torch.ones(1, length, dtype=torch.bool)


def leaky(v):
    return np.where(v > 0, v, 0.01 * v)


def convolve(x, layer):
    """x (T, D) -> (T, out), written out: neighbours beyond the ends are zero."""
    weight = layer.weight.detach().numpy()
    side = weight.shape[2] // 2
    padded = np.pad(x, ((side, side), (0, 0)))
    out = sum(padded[k : k + len(x)] @ weight[:, :, k].T for k in range(weight.shape[2]))
    return out if layer.bias is None else out + layer.bias.detach().numpy()


def softmax(v):
    e = np.exp(v - v.max())
    return e / e.sum()


def test_both_branches_written_out():
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    v = x[0].numpy()
    weight = 1 / (1 + np.exp(-convolve(leaky(convolve(v, model.filter[0])), model.filter[1])))  # (T, 1)
    np.testing.assert_allclose(scores.actionness[0].detach(), weight[:, 0], rtol=1e-9)
    for name, source in (("base", v), ("supp", weight * v)):
        features = leaky(convolve(leaky(convolve(source, model.embed[0])), model.embed[1]))
        cas = convolve(features, model.classify)
        np.testing.assert_allclose(scores.terms[f"cas_{name}"][0].detach(), cas, rtol=1e-9)
        p = softmax(np.sort(cas, 0)[-3:].mean(0))  # 9 // 3 snippets
        np.testing.assert_allclose(scores.terms[name][0].exp().detach(), p, rtol=1e-9)
    np.testing.assert_allclose(scores.activation[0].detach(), cas[:, :3], rtol=1e-9)
    np.testing.assert_allclose(scores.video_score[0].detach(), p[:3], rtol=1e-9)


def test_targets():
    """Background is one of the classes for the base branch, absent for the suppressed one."""
    model = method(classification="cross_entropy")
    x, mask = bag()
    scores = model(x, mask)
    terms = model.losses(scores, LABELS, mask)
    base, supp = scores.terms["base"][0], scores.terms["supp"][0]
    torch.testing.assert_close(terms["base"], -(base[0] + base[2] + base[3]) / 3)
    torch.testing.assert_close(terms["supp"], -(supp[0] + supp[2]) / 2)
    torch.testing.assert_close(terms["norm"], scores.actionness.sum())


@pytest.mark.parametrize("q", [1 / 3, 1 / 2])
def test_binary_cross_entropy_asks_of_each_class(q):
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    branch, present = ("base", [0, 2, 3]) if q == 1 / 3 else ("supp", [0, 2])
    p = scores.terms[branch][0].exp().detach().numpy()
    wanted = np.isin(np.arange(4), present) * q
    expected = -(wanted * np.log(p) + (1 - wanted) * np.log(1 - p)).mean()
    assert model.losses(scores, LABELS, mask)[branch].item() == pytest.approx(expected, rel=1e-9)


def test_an_open_filter_makes_the_branches_equal():
    model = method()
    torch.nn.init.zeros_(model.filter[1].weight)
    torch.nn.init.constant_(model.filter[1].bias, 50.0)
    x, mask = bag()
    scores = model(x, mask)
    torch.testing.assert_close(scores.terms["cas_supp"], scores.terms["cas_base"])
    assert scores.actionness.min() > 1 - 1e-12


def test_padding_is_not_part_of_the_norm():
    model = method()
    x, mask = bag()
    mask[0, 5:] = False
    terms = model.losses(model(x, mask), LABELS, mask)
    torch.testing.assert_close(terms["norm"], model(x[:, :5], mask[:, :5]).actionness.sum())


def test_dropout_differs_between_the_branches():
    model = method(dropout=0.5).train()
    torch.nn.init.zeros_(model.filter[1].weight)
    torch.nn.init.constant_(model.filter[1].bias, 50.0)
    scores = model(*bag())
    assert not torch.allclose(scores.terms["cas_supp"], scores.terms["cas_base"])
