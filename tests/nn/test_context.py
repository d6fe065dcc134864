"""Global operations: known answers, and real snippets that feel nothing of padding."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from wstal.nn.context import LSTM, BiLSTM, MeanPool, NonLocal, reverse

EVERY = [LSTM, BiLSTM, NonLocal, MeanPool]
DIM, OUT = 3, 4


def make(kind, out=OUT):
    torch.manual_seed(2)
    return kind(DIM, out).double()


def bags(*lengths, seed=0):
    """x (B, T, DIM) with large numbers in the padding, mask (B, T)."""
    x = torch.randn(len(lengths), max(lengths) + 2, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mask = torch.arange(x.shape[1])[None] < torch.tensor(lengths)[:, None]
    return x.masked_fill(~mask[..., None], 1e6), mask


@pytest.mark.parametrize("kind", EVERY)
@given(lengths=st.lists(st.integers(1, 7), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_a_video_in_a_padded_batch_is_the_video_alone(kind, lengths, seed):
    layer, (x, mask) = make(kind), bags(*lengths, seed=seed)
    together = layer(x, mask)
    assert together.shape == (*mask.shape, OUT)
    for row, length in enumerate(lengths):
        alone = layer(x[row : row + 1, :length], mask[row : row + 1, :length])
        torch.testing.assert_close(together[row, :length], alone[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", EVERY)
def test_gradients_are_finite_and_reach_every_parameter(kind):
    layer, (x, mask) = make(kind), bags(5, 3)
    layer(x, mask)[mask].square().sum().backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for p in layer.parameters())


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_reversal_turns_each_video_by_its_own_length(lengths):
    mask = torch.arange(7)[None] < torch.tensor(lengths)[:, None]
    x = torch.arange(7 * len(lengths), dtype=torch.float64).reshape(len(lengths), 7, 1)
    turned = reverse(x, mask)
    for row, length in enumerate(lengths):
        assert turned[row, :length, 0].tolist() == x[row, :length, 0].tolist()[::-1]
        assert torch.equal(turned[row, length:], x[row, length:])
    assert torch.equal(reverse(turned, mask), x)


def test_lstm_written_out():
    layer, (x, mask) = make(LSTM), bags(5)
    weights = [p.detach().numpy() for p in layer.parameters()]
    h, c, expected = np.zeros(OUT), np.zeros(OUT), []
    for v in x[0, :5].numpy():
        i, f, g, o = np.split(weights[0] @ v + weights[2] + weights[1] @ h + weights[3], 4)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        expected.append(h)
    np.testing.assert_allclose(layer(x, mask)[0, :5].detach(), expected, rtol=1e-9)


def test_bilstm_is_that_of_torch_on_packed_sequences():
    layer, (x, mask) = make(BiLSTM), bags(6, 2, 4)
    both = torch.nn.LSTM(DIM, OUT // 2, batch_first=True, bidirectional=True).double()
    both.load_state_dict(
        {name: p for name, p in layer.forwards.lstm.named_parameters()}
        | {f"{name}_reverse": p for name, p in layer.backwards.lstm.named_parameters()}
    )
    packed = pack_padded_sequence(x, mask.sum(1), batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(both(packed)[0], batch_first=True, total_length=x.shape[1])
    torch.testing.assert_close(layer(x, mask)[mask], expected[mask], rtol=1e-9, atol=1e-12)


def test_single_precision_agrees():
    """On a CPU, torch computes it with other kernels than double precision."""
    x, mask = bags(6, 2, 4)
    results = []
    for dtype in (torch.float32, torch.float64):
        layer = make(BiLSTM).to(dtype)
        y = layer(x.to(dtype), mask)[mask]
        y.square().sum().backward()
        results.append([part.detach().double() for part in (y, *(p.grad for p in layer.parameters()))])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("out", [4, 5])
def test_bilstm_has_the_width_asked_for(out):
    x, mask = bags(3)
    assert make(BiLSTM, out)(x, mask).shape[-1] == out


def test_only_the_first_snippet_of_a_one_way_lstm_sees_no_other():
    """A change at the end reaches every snippet through the other direction, none before it through one."""
    x, mask = bags(5)
    other = x.clone()
    other[0, 4] += 1
    assert torch.equal(make(LSTM)(x, mask)[0, :4], make(LSTM)(other, mask)[0, :4])
    assert not torch.isclose(make(BiLSTM)(x, mask)[0, 0], make(BiLSTM)(other, mask)[0, 0]).all()


def test_non_local_written_out():
    layer, (x, mask) = make(NonLocal), bags(4)
    v = x[0, :4].numpy()
    theta, phi, g = (v @ part.weight.detach().numpy().T for part in (layer.theta, layer.phi, layer.g))
    pairs = np.exp(theta @ phi.T)
    expected = (pairs / pairs.sum(1, keepdims=True)) @ g @ layer.last.weight.detach().numpy().T
    np.testing.assert_allclose(layer(x, mask)[0, :4].detach(), expected + layer.last.bias.detach().numpy(), rtol=1e-9)


def test_mean_pool_written_out():
    layer, (x, mask) = make(MeanPool), bags(4)
    expected = layer.project(x[0, :4].mean(0)).expand(4, -1)
    torch.testing.assert_close(layer(x, mask)[0, :4], expected)
