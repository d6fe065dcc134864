"""Top-k over true lengths, the convolution that ignores padding, and comparison of distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wstal.nn.convolution import TimeConv
from wstal.nn.losses import compare, target
from wstal.nn.pooling import largest, mean_over, share, share_mean, topk_mean


def bag(real, padded, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(2, 3, real + padded, generator=generator, dtype=torch.float64)
    return values, (torch.arange(real + padded) < real).repeat(2, 1)


@given(st.integers(1, 12), st.integers(0, 5), st.integers(1, 9), st.integers(0, 99))
def test_topk_mean_is_that_of_the_real_part(real, padded, ratio, seed):
    values, mask = bag(real, padded, seed)
    k = share(mask.sum(-1), ratio)
    assert k.tolist() == [max(1, real // ratio)] * 2
    expected = np.sort(values[..., :real].numpy(), -1)[..., -int(k[0]) :].mean(-1)
    np.testing.assert_allclose(share_mean(values, mask, ratio), expected)


@given(st.integers(1, 12), st.integers(0, 5), st.integers(1, 4), st.integers(0, 99))
def test_the_largest_have_the_topk_mean(real, padded, ratio, seed):
    values, mask = bag(real, padded, seed)
    k = share(mask.sum(-1), ratio)
    chosen = largest(values[:, 0], mask, k)
    assert not (chosen & ~mask).any() and (chosen.sum(-1) == k).all()
    torch.testing.assert_close(mean_over(values[:, :1].transpose(1, 2), chosen), share_mean(values[:, :1], mask, ratio))


def test_k_differs_from_bag_to_bag_and_equals_are_taken_in_order():
    values = torch.tensor([[1.0, 1.0, 0.0, 1.0], [5.0, 3.0, 4.0, 9.0]])
    mask = torch.tensor([[True] * 4, [True, True, True, False]])
    chosen = largest(values, mask, torch.tensor([2, 1]))
    assert chosen.tolist() == [[True, True, False, False], [True, False, False, False]]
    means = topk_mean(values[:, None], mask, torch.tensor([4, 2]), 4)
    torch.testing.assert_close(means, torch.tensor([[0.75], [4.5]]))


def test_gradient_of_topk_mean_reaches_the_chosen_alone():
    values, mask = bag(4, 2, 0)
    values.requires_grad_()
    topk_mean(values, mask, torch.tensor([2, 2]), 3).sum().backward()
    assert values.grad.isfinite().all()
    assert (values.grad > 0).sum(-1).tolist() == [[2] * 3] * 2
    torch.testing.assert_close(values.grad.max(), torch.tensor(0.5, dtype=torch.float64))


@pytest.mark.parametrize("kernel", [1, 3])
def test_convolution_takes_padding_for_zeros(kernel):
    torch.manual_seed(0)
    layer = TimeConv(4, 2, kernel).double()
    x = torch.randn(1, 5, 4, dtype=torch.float64)
    mask = torch.ones(1, 5, dtype=torch.bool)
    wide = torch.cat([x, torch.full((1, 3, 4), 1e6, dtype=torch.float64)], dim=1)
    torch.testing.assert_close(layer(wide, torch.nn.functional.pad(mask, (0, 3)))[:, :5], layer(x, mask))
    taps = torch.nn.functional.pad(x, (0, 0, kernel // 2, kernel // 2))  # zeros on both sides
    by_hand = sum(taps[:, j : j + 5] @ layer.weight[:, :, j].T for j in range(kernel)) + layer.bias
    torch.testing.assert_close(layer(x, mask), by_hand)


def test_comparisons_by_hand():
    """p = (1/2, 1/4, 1/4) against two labels: q = (1/2, 1/2, 0)."""
    p = torch.tensor([[0.5, 0.25, 0.25]], dtype=torch.float64)
    q = target(torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64))
    assert q.tolist() == [[0.5, 0.5, 0.0]]
    ln = np.log
    torch.testing.assert_close(compare("cross_entropy", p.log(), q).item(), -(ln(0.5) + ln(0.25)) / 2)
    terms = [ln(0.5), (ln(0.25) + ln(0.75)) / 2, ln(0.75)]
    torch.testing.assert_close(compare("bce", p.log(), q).item(), -sum(terms) / 3)
    torch.testing.assert_close(compare("bce", p.log().repeat(2, 1), q.repeat(2, 1)), 2 * compare("bce", p.log(), q))
    assert target(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


def test_a_sure_mistake_costs_at_most_100():
    """As in the releases: logarithms end at -100, so that a probability of 0 has a finite loss."""
    p = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert compare("bce", p.log(), torch.tensor([[0.0, 1.0]], dtype=torch.float64)) == 100
