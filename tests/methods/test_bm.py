"""BM's formulas by hand, the smoothing against scipy's, and the identities that tie its parts together."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter1d

from tests.byhand import LABELS, bag, sigmoid, softmax
from wstal.methods.bm import BM, Params, smooth

BASE = {
    "hidden": (), "kernel": 1, "dropout": 0.0, "attention_hidden": 4, "pooling": "weights", "sigma": 1.0,
    "attention_share": 0.2,
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return BM(5, 3, Params(**(BASE | changes))).double().eval()


def arrays(model, scores):
    """λ (T,), a (T, C + 1), classifier's weight (C + 1, D) and bias as arrays."""
    tensors = (scores.actionness[0], scores.logits[0], model.classify.weight, model.classify.bias)
    return tuple(v.detach().numpy() for v in tensors)


@pytest.mark.parametrize("pooling", ["snippets", "weights"])
def test_forward_written_out(pooling):
    model = method(pooling=pooling)
    x, mask = bag()
    scores = model(x, mask)
    weight, t_cam, w, b = arrays(model, scores)
    np.testing.assert_allclose(t_cam, x[0].numpy() @ w.T, rtol=1e-9)
    mixed = 0.8 * weight[:, None] * sigmoid(t_cam[:, :3]) + 0.2 * weight[:, None] ** 2
    np.testing.assert_allclose(scores.activation[0].detach(), mixed, rtol=1e-9)
    for name, part, extra in (("fg", weight, 1.0), ("bg", 1 - weight, 1e-6)):
        over = 9 if pooling == "snippets" else part.sum() + extra
        p = softmax((part @ x[0].numpy() / over) @ w.T + b)
        np.testing.assert_allclose(scores.terms[name][0].exp().detach(), p, rtol=1e-9)
    np.testing.assert_allclose(scores.video_score[0].detach(), scores.terms["fg"][0, :3].exp().detach())


def test_losses_by_hand():
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    terms = model.losses(scores, LABELS, mask)
    weight, t_cam, _, _ = arrays(model, scores)
    fg, bg = scores.terms["fg"][0], scores.terms["bg"][0]
    torch.testing.assert_close(terms["fg"], -(fg[0] + fg[2]) / 2)
    torch.testing.assert_close(terms["bg"], -bg[3])
    guide = gaussian_filter1d(softmax(t_cam), 1.0, axis=0)
    off = np.abs(weight - guide[:, [0, 2]].max(1)) + np.abs(weight - (1 - guide[:, 3]))
    assert terms["guide"].item() == pytest.approx(off.mean(), rel=1e-9)
    part = np.stack([weight, 1 - weight])
    pooled = part @ x[0].numpy() / (part.sum(1) + np.array([1, 1e-6]))[:, None]
    near = softmax(pooled @ model.cluster.weight.detach().numpy().T)  # of foreground and background, to u and v
    assert terms["cluster"].item() == pytest.approx(-np.log(near[0, 0]) - np.log(near[1, 1]), rel=1e-9)


def test_the_guide_moves_the_attention_and_not_the_classifier():
    """An attention above both of its guides; between them, the two distances change by the same and cancel."""
    model = method()
    torch.nn.init.constant_(model.attention.layers[1].bias, 3.0)
    x, mask = bag()
    model.losses(model(x, mask), LABELS, mask)["guide"].backward()
    assert model.classify.weight.grad is None
    assert model.attention.layers[0].weight.grad.abs().sum() > 0


@given(st.integers(1, 12), st.integers(0, 5), st.sampled_from([0.5, 1.0, 2.5]), st.integers(0, 99))
def test_smoothing_is_scipys_at_the_true_length(length, padding, sigma, seed):
    """Also of videos shorter than the kernel, which the ends mirror several times."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(1, length + padding, 3, generator=generator, dtype=torch.float64)
    mask = torch.arange(length + padding)[None] < length
    expected = gaussian_filter1d(values[0, :length].numpy(), sigma, axis=0)
    np.testing.assert_allclose(smooth(values, mask, sigma)[0, :length], expected, rtol=1e-9, atol=1e-12)


def test_swapping_foreground_and_background():
    """With λ turned into 1 - λ the two pooled features change places, up to what keeps the sums from zero."""
    x, mask = bag()
    model = method(pooling="snippets")
    straight = model(x, mask)
    last = model.attention.layers[1]
    last.weight.data.neg_()
    last.bias.data.neg_()
    turned = model(x, mask)
    torch.testing.assert_close(turned.actionness, 1 - straight.actionness)
    torch.testing.assert_close(turned.terms["fg"], straight.terms["bg"])
    torch.testing.assert_close(turned.terms["bg"], straight.terms["fg"])
