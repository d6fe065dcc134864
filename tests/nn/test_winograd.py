"""Winograd's convolution against torch's: values, gradients, and where a layer takes it."""

import pytest
import torch
from torch.nn.functional import conv1d

from wstal.nn import convolution
from wstal.nn.winograd import Winograd


def both(x, weight):
    """-> outputs of Winograd's convolution and of torch's."""
    return Winograd.apply(x, weight), conv1d(x.transpose(1, 2), weight, padding=1).transpose(1, 2)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 7, 8, 85])
def test_values_and_gradients_are_those_of_a_convolution(length):
    torch.manual_seed(length)
    x, weight = torch.randn(3, length, 5).double().requires_grad_(), torch.randn(4, 5, 3).double().requires_grad_()
    ours, theirs = both(x, weight)
    torch.testing.assert_close(ours, theirs)
    towards = torch.randn(theirs.shape).double()
    for a, b in zip(*(torch.autograd.grad(out, (x, weight), towards) for out in (ours, theirs)), strict=True):
        torch.testing.assert_close(a, b)


def test_in_float32_it_errs_by_a_millionth_or_so():
    torch.manual_seed(0)
    x, weight = torch.randn(4, 85, 256), torch.randn(64, 256, 3)
    ours, exact = Winograd.apply(x, weight), both(x.double(), weight.double())[1]
    assert (ours - exact).abs().max() < 1e-5 * exact.abs().max()


def test_a_large_layer_takes_it_and_agrees_with_the_plain_product(monkeypatch):
    torch.manual_seed(0)
    layer, mask = convolution.TimeConv(256, 256, 3).double(), torch.ones(8, 64, dtype=torch.bool)
    mask[0, 40:] = False
    x = torch.randn(8, 64, 256).double()
    fast = layer(x, mask)
    monkeypatch.setattr(convolution, "ROWS", float("inf"))
    plain = layer(x, mask)
    assert not torch.equal(fast, plain)
    torch.testing.assert_close(fast, plain)
