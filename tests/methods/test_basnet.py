"""BaS-Net's formulas by hand; test_suppressed_branch.py has what it shares with LGBM-Net."""

import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, convolve, leaky, sigmoid, softmax
from wstal.methods.basnet import BaSNet, Params

BASE = {"hidden": 6, "filter_hidden": 4, "dropout": 0.0, "top": 3, "classification": "bce"}


def method(**changes):
    torch.manual_seed(1)
    return BaSNet(5, 3, Params(**(BASE | changes))).double().eval()


def test_both_branches_written_out():
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    v = x[0].numpy()
    weight = sigmoid(convolve(leaky(convolve(v, model.filter[0])), model.filter[1]))  # (T, 1)
    np.testing.assert_allclose(scores.actionness[0].detach(), weight[:, 0], rtol=1e-9)
    for name, source in (("base", v), ("supp", weight * v)):
        features = leaky(convolve(leaky(convolve(source, model.embed[0])), model.embed[1]))
        cas = convolve(features, model.classify)
        np.testing.assert_allclose(scores.terms[f"cas_{name}"][0].detach(), cas, rtol=1e-9)
        p = softmax(np.sort(cas, 0)[-3:].mean(0))  # 9 // 3 snippets
        np.testing.assert_allclose(scores.terms[name][0].exp().detach(), p, rtol=1e-9)
    np.testing.assert_allclose(scores.activation[0].detach(), cas[:, :3], rtol=1e-9)
    np.testing.assert_allclose(scores.video_score[0].detach(), p[:3], rtol=1e-9)


@pytest.mark.parametrize(("branch", "present"), [("base", [0, 2, 3]), ("supp", [0, 2])])
def test_binary_cross_entropy_asks_of_each_class(branch, present):
    model, (x, mask) = method(), bag()
    scores = model(x, mask)
    p = scores.terms[branch][0].exp().detach().numpy()
    wanted = np.isin(np.arange(4), present) / len(present)
    expected = -(wanted * np.log(p) + (1 - wanted) * np.log(1 - p)).mean()
    assert model.losses(scores, LABELS, mask)[branch].item() == pytest.approx(expected, rel=1e-9)
