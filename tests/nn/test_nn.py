"""Shared blocks: masks, cosine, cross-entropy."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from wstal.nn.cosine import norm, unit
from wstal.nn.losses import normalized_cross_entropy
from wstal.nn.masking import masked_softmax


@given(st.integers(1, 6), st.integers(0, 5), st.integers(0, 99))
def test_masked_softmax_is_the_softmax_of_the_real_part(real, padded, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(2, real + padded, generator=generator, dtype=torch.float64)
    mask = torch.arange(real + padded)[None] < real
    weights = masked_softmax(scores, mask)
    torch.testing.assert_close(weights[:, :real], scores[:, :real].softmax(-1))
    assert (weights[:, real:] == 0).all()


def test_cosine_parts():
    v = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    torch.testing.assert_close(norm(v), torch.tensor([5.0, 1e-12]))
    torch.testing.assert_close(unit(v), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_zero_vectors_have_a_gradient():
    v = torch.zeros(1, 3, requires_grad=True)
    unit(v).sum().backward()
    assert v.grad.isfinite().all()


def test_cross_entropy_by_hand():
    """Two labels share one unit of target: -(log 1/2 + log 1/4) / 2, and bags add up."""
    log_p = torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64).log()
    labels = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)
    expected = -(log_p[0, 0] + log_p[0, 1]) / 2
    torch.testing.assert_close(normalized_cross_entropy(log_p, labels), expected, rtol=1e-7, atol=0)
    twice = normalized_cross_entropy(log_p.repeat(2, 1), labels.repeat(2, 1))
    torch.testing.assert_close(twice, 2 * expected, rtol=1e-7, atol=0)
    assert normalized_cross_entropy(log_p, 0 * labels) == 0
