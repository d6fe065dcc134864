"""UM's formulas by hand: which snippets are chosen, what the three losses ask, what the magnitude says."""

import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, softmax
from wstal.methods.um import UM, Params, between, choose

BASE = {
    "hidden": 6, "dropout": 0.0, "action_ratio": 4, "background_ratio": 2, "margin": 3.0, "classification": "bce",
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return UM(5, 3, Params(**(BASE | changes))).double().eval()


def test_equations_written_out():
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    f, cas = scores.embedding[0].detach().numpy(), scores.logits[0].detach().numpy()
    np.testing.assert_allclose(cas, f @ model.classify.weight[..., 0].detach().numpy().T, rtol=1e-9)
    m = np.linalg.norm(f, axis=1)
    order = np.argsort(m)
    act, bkg = order[-2:], order[:4]  # 9 // 4 and 9 // 2 snippets
    p_act, p_bkg = softmax(np.sort(cas, 0)[-2:].mean(0)), softmax(cas[bkg].mean(0))
    np.testing.assert_allclose(scores.video_score[0].detach(), p_act, rtol=1e-9)
    np.testing.assert_allclose(scores.terms["bkg"][0].exp().detach(), p_bkg, rtol=1e-9)
    g = np.clip((m - m[bkg].mean()) / (m[act].mean() - m[bkg].mean()), 0, 1)
    np.testing.assert_allclose(scores.actionness[0].detach(), g, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scores.activation[0].detach(), softmax(cas) * g[:, None], rtol=1e-9, atol=1e-12)
    terms = {name: value.item() for name, value in model.losses(scores, LABELS, mask).items()}
    um = (max(0, 3 - np.linalg.norm(f[act].mean(0))) + np.linalg.norm(f[bkg].mean(0))) ** 2
    assert terms["um"] == pytest.approx(um, rel=1e-9)
    for name, p, q in (("cls", p_act, np.array([0.5, 0, 0.5])), ("be", p_bkg, np.full(3, 1 / 3))):
        assert terms[name] == pytest.approx(-(q * np.log(p) + (1 - q) * np.log(1 - p)).mean(), rel=1e-9)


def test_cross_entropies_of_the_paper():
    model = method(classification="cross_entropy")
    x, mask = bag()
    scores = model(x, mask)
    terms = model.losses(scores, LABELS, mask)
    torch.testing.assert_close(terms["cls"], -(scores.terms["act"][0, 0] + scores.terms["act"][0, 2]) / 2)
    torch.testing.assert_close(terms["be"], -scores.terms["bkg"].mean())


def test_choice_by_hand():
    """Longest two and shortest three of six; padding, however long, is neither."""
    magnitude = torch.tensor([[1.0, 6.0, 2.0, 5.0, 3.0, 4.0, 99.0, 0.0]])
    mask = torch.tensor([[True] * 6 + [False] * 2])
    act, bkg = choose(magnitude, torch.ones_like(magnitude), mask, torch.tensor([2]), torch.tensor([3]))
    assert act[0].nonzero().flatten().tolist() == [1, 3]
    assert bkg[0].nonzero().flatten().tolist() == [0, 2, 4]
    g = between(magnitude, act, bkg)  # means 5.5 and 2
    torch.testing.assert_close(g[0, :6], torch.tensor([0.0, 1.0, 0.0, 3 / 3.5, 1 / 3.5, 2 / 3.5]))


def test_left_out_snippets_are_not_chosen():
    magnitude = torch.tensor([[1.0, 6.0, 2.0, 5.0, 3.0, 4.0]])
    factor = torch.tensor([[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]]) * 2
    mask = torch.ones(1, 6, dtype=torch.bool)
    act, bkg = choose(magnitude, factor, mask, torch.tensor([2]), torch.tensor([2]))
    assert act[0].nonzero().flatten().tolist() == [3, 5]
    assert bkg[0].nonzero().flatten().tolist() == [0, 4]


def test_padding_sets_no_scale():
    """All left out but the longest, whose distance from itself is 0 as well: the first is taken, however long padding is."""
    magnitude, factor = torch.tensor([[1.0, 6.0, 2.0, 99.0]]), torch.tensor([[0.0, 1.0, 0.0, 1.0]])
    mask = torch.tensor([[True, True, True, False]])
    _, bkg = choose(magnitude, factor, mask, torch.tensor([1]), torch.tensor([1]))
    assert bkg.tolist() == [[True, False, False, False]]


def test_the_choice_is_random_in_training_alone():
    """Only the means of the chosen snippets tell: without the classifier's dropout all else stays."""
    model, (x, mask) = method(dropout=0.7), bag(40)
    model.drop.p = 0.0

    def means(seed):
        torch.manual_seed(seed)
        return model(x, mask).terms["f_act"]

    model.train()
    assert torch.equal(means(0), means(0)) and not torch.equal(means(0), means(1))
    model.eval()
    assert torch.equal(means(0), means(1))


def test_equal_magnitudes_say_nothing():
    """One snippet is both pseudo-action and pseudo-background: the released code divides 0 by 0."""
    scores = method()(*bag(1))
    assert scores.actionness.tolist() == [[0.0]]


def test_beyond_the_margin_only_background_is_pulled():
    model = method(margin=1e-6)
    x, mask = bag()
    scores = model(x, mask)
    torch.testing.assert_close(model.losses(scores, LABELS, mask)["um"], scores.terms["f_bkg"].square().sum())
