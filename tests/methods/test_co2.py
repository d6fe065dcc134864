"""CO2-Net's steps by hand: consensus, scores with suppressed background, losses, averages over time."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, convolve, labels, sigmoid, softmax
from wstal.base.errors import UserError
from wstal.base.types import Groups
from wstal.methods.co2 import CO2, Params
from wstal.nn.pooling import moving_mean

BASE = {
    "attention_hidden": 4, "attention_dropout": 0.5, "dropout": 0.7, "smooth": 1, "top": 7, "test_top": 10, "margin": 0.5,
    "pairs": 1,
}  # fmt: skip
Y = labels([1, 0, 1], [1, 1, 0])


def method(**changes):
    torch.manual_seed(1)
    return CO2(6, 3, Params(**(BASE | changes))).double().eval()


def leaky(v):
    return np.where(v > 0, v, 0.2 * v)


def attended(module, main, other):
    """Steps (1) to (4) of one video: filtered features (T, D), attention (T,)."""
    whole = leaky(main.mean(0) @ module.whole.weight.detach().numpy().T + module.whole.bias.detach().numpy())
    filtered = sigmoid(leaky(convolve(other, module.local)) * whole) * main
    first, second, last = module.attention.layers
    return filtered, sigmoid(convolve(leaky(convolve(leaky(convolve(filtered, first)), second)), last))[:, 0]


def test_scores_written_out():
    model = method()
    x, mask = bags([17, 5], 6)
    scores, network = model(x, mask), model.network
    for i, (length, k) in enumerate([(17, 1), (5, 1)]):
        v, f = x[i, :length, :3].numpy(), x[i, :length, 3:].numpy()
        (m_v, a_v), (m_f, a_f) = attended(network.front.v, v, f), attended(network.front.f, f, v)
        a = (a_v + a_f) / 2
        z = leaky(convolve(np.concatenate([m_v, m_f], 1), network.embed))
        s = convolve(leaky(convolve(z, network.layers[0])), network.layers[1])
        low = s.min(1, keepdims=True)
        found = {
            "actionness": a, "embedding": z, "logits": s, "activation": (a[:, None] * s)[:, :3],
        }  # fmt: skip
        for name, value in found.items():
            np.testing.assert_allclose(getattr(scores, name)[i, :length].detach(), value, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(scores.terms["supp"][i, :length].detach(), a[:, None] * (s - low) + low, rtol=1e-9)
        top = np.sort(a[:, None] * s, 0)[::-1][:k].mean(0)
        np.testing.assert_allclose(scores.video_score[i].detach(), softmax(top)[:3], rtol=1e-9)


def test_losses_written_out():
    """17 and 5 snippets: scores of the 2 and of the 1 largest; means over each video's own length."""
    model = method()
    x, mask = bags([17, 5], 6)
    scores = model(x, mask)
    terms = model.losses(scores, Y, mask)
    expected = dict.fromkeys(("mil_orig", "mil_supp", "mutual", "norm", "guide"), 0.0)
    for i, (length, k) in enumerate([(17, 2), (5, 1)]):
        s, supp, a, v, f = (
            value[i, :length].detach().numpy()
            for value in (scores.logits, scores.terms["supp"], scores.actionness, scores.terms["v"], scores.terms["f"])
        )
        for name, cas, background in (("mil_orig", s, 1.0), ("mil_supp", supp, 0.0)):
            target = np.append(Y[i].numpy(), background)
            log_p = np.log(softmax(np.sort(cas, 0)[::-1][:k].mean(0)))
            expected[name] -= (target / (target.sum() + 1e-4) * log_p).sum()
        expected["mutual"] += ((v - f) ** 2).mean()
        expected["norm"] += a.mean()
        background = softmax(s)[:, -1]
        expected["guide"] += np.mean([np.abs(1 - one - background) for one in (a, v, f)])
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value, rel=1e-9)
    assert terms["contrastive"] > 0


def test_streams_that_agree_have_nothing_to_learn_from_each_other():
    model = method()
    x, mask = bags([9, 4], 6)
    scores = model(x, mask)
    alike = scores._replace(terms=scores.terms | {"f": scores.terms["v"]})
    assert model.losses(alike, Y, mask)["mutual"] == 0


def test_the_mutual_loss_has_half_its_gradient():
    model = method()
    x, mask = bags([9, 4], 6)
    scores = model(x, mask)
    v, f = (scores.terms[name].detach().requires_grad_() for name in ("v", "f"))
    model.losses(scores._replace(terms=scores.terms | {"v": v, "f": f}), Y, mask)["mutual"].backward()
    torch.testing.assert_close(v.grad[mask], ((v - f) / mask.sum(-1, keepdim=True))[mask])


def test_moving_mean_counts_zeros_beyond_the_video():
    values = torch.tensor([[1.0, 2.0, 6.0, 7.0]])[..., None]
    mask = torch.tensor([[True, True, True, False]])
    assert moving_mean(values, mask, 3)[0, :3, 0].tolist() == [1.0, 3.0, pytest.approx(8 / 3)]


def test_smoothing_comes_before_everything_that_is_compared():
    model, plain = method(smooth=3), method()
    x, mask = bags([9, 4], 6)
    smooth, rough = model(x, mask), plain(x, mask)
    torch.testing.assert_close(smooth.logits[mask], moving_mean(rough.logits, mask, 3)[mask])
    torch.testing.assert_close(smooth.actionness[mask], moving_mean(rough.actionness[..., None], mask, 3)[..., 0][mask])
    torch.testing.assert_close(smooth.embedding[mask], rough.embedding[mask])


def test_pairs_are_two_videos():
    assert method(pairs=3).params.bag_groups == Groups(count=3, size=2, replace=False)


def test_streams_of_unequal_width_are_a_sentence():
    with pytest.raises(UserError, match="equal width"):
        CO2(7, 3, Params(**BASE))
