"""DELU's steps by hand: evidence of a video, uncertainty of snippets, weights that turn around during training."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, labels
from wstal.methods.delu import DELU, Params
from wstal.nn.evidence import ascending, exponential, rectified, uncertainty, weight

BASE = {
    "attention_hidden": 4, "attention_dropout": 0.5, "dropout": 0.7, "smooth": 1, "top": 7, "test_top": 10, "margin": 0.5,
    "pairs": 1, "evidence": "exp", "attention_rate": 9, "amplitude": 0.7, "order": "rank", "first": "certain",
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return DELU(6, 3, Params(**(BASE | changes))).double().eval()


def test_exponential_evidence_by_hand():
    """Scores 0 and log 2: α = 2 and 3; both labels: shares 3/5 and 2/5, certainty 1 - 2/5."""
    v, y = torch.tensor([[0.0, np.log(2)]], dtype=torch.float64), labels([1, 1])
    expected = (1 - 2 / 5) * 2 * (0.6 * np.log(5 / 2) + 0.4 * np.log(5 / 3))
    assert exponential(v, y).item() == pytest.approx(expected)
    assert exponential(v, labels([0, 0])).item() == 0


def test_evidence_is_cut_off():
    large, larger = (exponential(torch.tensor([[v, 0.0]]), torch.tensor([[1.0, 0.0]])) for v in (10.0, 1000.0))
    assert large == larger and larger.isfinite()


def test_rectified_evidence_by_hand():
    assert rectified(torch.tensor([[-5.0, 2.0]]), torch.tensor([[0.0, 1.0]])).item() == pytest.approx(2 * 0.25**2)


def test_uncertainty_counts_background():
    assert uncertainty(torch.zeros(1, 1, 4)).item() == pytest.approx(3 / 8)


def test_order_and_rank():
    values = torch.tensor([[0.3, 0.1, 0.2, 0.0]])
    mask = torch.tensor([[True, True, True, False]])
    assert ascending(values, mask, "argsort").tolist() == [[1, 2, 0, 3]]
    assert ascending(values, mask, "rank").tolist() == [[2, 0, 1, 3]]


def test_weights_turn_around():
    """Of two snippets the certain one counts more at first, equally in the middle, less at last."""
    order, mask = torch.tensor([[0.0, 1.0]]), torch.ones(1, 2, dtype=torch.bool)
    for progress, sign in ((0.0, 1), (0.5, 0), (1.0, -1)):
        expected = 1 + sign * 0.7 * np.tanh(0.5) * np.array([1, -1])
        np.testing.assert_allclose(weight(order, mask, progress, 0.7, "certain")[0], expected, rtol=1e-6)
        turned = weight(order, mask, torch.tensor(1 - progress), 0.7, "uncertain")
        np.testing.assert_allclose(turned[0], expected, rtol=1e-6)


def test_only_the_guide_by_uncertainty_changes_over_training():
    model, y = method(), labels([1, 0, 1], [1, 1, 0])
    x, mask = bags([17, 5], 6)
    scores = model(x, mask)
    begun, late = (
        model.losses(scores._replace(terms=scores.terms | {"progress": torch.tensor(p)}), y, mask) for p in (0.0, 0.9)
    )
    assert {name for name in begun if not torch.equal(begun[name], late[name])} == {"uct_guide"}
    assert torch.equal(model.losses(scores, y, mask)["uct_guide"], begun["uct_guide"])


def test_without_amplitude_the_guide_is_co2s():
    model, y = method(amplitude=0.0), labels([1, 0, 1], [1, 1, 0])
    x, mask = bags([17, 5], 6)
    terms = model.losses(model(x, mask), y, mask)
    torch.testing.assert_close(terms["uct_guide"], terms["guide"])
