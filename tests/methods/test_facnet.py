"""FAC-Net's equations by hand, and the identities that tie its parts together."""

import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, softmax
from wstal.methods.facnet import FACNet, Params

BASE = {
    "hidden": (8, 6), "kernel": 1, "dropout": 0.0, "scale": 5.0, "video_scale": 2.0, "temperatures": (1.0, 2.0, 5.0),
    "background": True, "foreground_init": "negated_background", "video_score": "ca",
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return FACNet(5, 3, Params(**(BASE | changes))).double().eval()


def cosine(a, b):
    return a @ b.T / np.linalg.norm(a, axis=-1)[:, None] / np.linalg.norm(b, axis=-1)


@pytest.mark.parametrize("temperatures", [(1.0,), (1.0, 5.0), (1.0, 2.0, 3.0, 5.0)])
def test_equations_written_out(temperatures):
    """Eqs. (1) to (13) for one bag in plain NumPy."""
    model = method(temperatures=temperatures)
    x, mask = bag()
    scores = model(x, mask)
    e, w_a, w_f = (v.detach().numpy() for v in (scores.embedding[0], model.action, model.foreground))
    s_a, s_f = 5 * cosine(e, w_a), 5 * cosine(e, w_f)[:, 0]
    cw, ca, mil = [], [], []
    for tau in temperatures:
        a_a, a_f = softmax(tau * s_a, 0), softmax(tau * s_f, 0)
        cw.append(5 * cosine(a_a.T @ e, w_f)[:, 0])
        ca.append(5 * cosine((a_f @ e)[None], w_a)[0])
        mil.append((a_a * s_a).sum(0))
    for name, heads in (("cw", cw), ("ca", ca), ("mil", mil)):
        np.testing.assert_allclose(scores.terms[name][0].exp().detach(), softmax(2 * np.mean(heads, 0)), rtol=1e-9)
    np.testing.assert_allclose(scores.activation[0].detach(), softmax(s_a)[:, :3], rtol=1e-9)
    np.testing.assert_allclose(scores.actionness[0].detach(), s_f, rtol=1e-9)


def test_the_activation_is_a_probability():
    x, mask = bag()
    for background in (False, True):
        activation = method(background=background)(x, mask).activation
        assert (activation >= 0).all() and (activation.sum(-1) <= 1 + 1e-9).all()


def test_one_snippet_makes_every_temperature_equal():
    x, mask = bag(length=1)
    one, many = method(temperatures=(1.0,))(x, mask), method()(x, mask)
    for name in ("cw", "ca", "mil"):
        torch.testing.assert_close(one.terms[name], many.terms[name])


def test_equal_heads_equal_one_head():
    x, mask = bag()
    one, twice = method(temperatures=(2.0,))(x, mask), method(temperatures=(2.0, 2.0))(x, mask)
    torch.testing.assert_close(one.terms["cw"], twice.terms["cw"])


def test_a_high_temperature_keeps_the_strongest_snippet_alone():
    x, mask = bag()
    scores = method(temperatures=(1e4,))(x, mask)
    strongest = scores.logits[0].max(0).values
    torch.testing.assert_close(scores.terms["mil"][0], (2 * strongest).log_softmax(-1))


def test_background_targets():
    """A bag of background alone: CW and CA have no target left, MIL asks for the background class."""
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    terms = model.losses(scores, torch.zeros(1, 3, dtype=torch.float64), mask)
    assert terms["cw"] == 0 and terms["ca"] == 0
    torch.testing.assert_close(terms["mil"], -scores.terms["mil"][0, -1], rtol=1e-6, atol=0)


def test_without_background_all_branches_share_one_target():
    model, (x, mask) = method(background=False), bag()
    scores = model(x, mask)
    for name, loss in model.losses(scores, LABELS, mask).items():
        (log_p,) = scores.terms[name]
        assert log_p.shape == (3,)
        torch.testing.assert_close(loss, -(log_p[0] + log_p[2]) / 2, rtol=1e-6, atol=0)


def test_initial_foreground():
    torch.testing.assert_close(method().foreground[0], -method().action[-1])
    assert not torch.equal(method(foreground_init="random").foreground[0], -method().action[-1])


def test_temporal_kernel_sees_neighbours_and_no_padding():
    """Kernel 3 equals a zero-padded convolution; kernel 1 treats snippets apart."""
    wide, (x, mask) = method(kernel=3).embed.layers[0], bag()
    weight = wide.linear.weight.reshape(8, 3, 5).transpose(1, 2)
    expected = torch.nn.functional.conv1d(x.transpose(1, 2), weight, wide.linear.bias, padding=1).transpose(1, 2)
    torch.testing.assert_close(wide(x, mask), expected)
    changed = x.clone()
    changed[0, 0] += 1
    same = method(kernel=1).embed.layers[0]
    torch.testing.assert_close(same(x, None)[0, 1:], same(changed, None)[0, 1:])
