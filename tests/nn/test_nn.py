"""Shared blocks: masks, cosine, attention, embedding, dropout, cross-entropy."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from wstal.nn.attention import Attention
from wstal.nn.cosine import norm, unit
from wstal.nn.dropout import Dropout
from wstal.nn.embedding import Embedding
from wstal.nn.hybrid import aggregate, attention
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


@given(st.integers(0, 99))
def test_the_gradient_of_a_unit_vector_is_the_true_one(seed):
    v = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(unit, v)
    torch.testing.assert_close(unit(v).norm(dim=-1), torch.ones(3, 2, dtype=torch.float64))


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


def test_heads_of_hybrid_attention():
    """Temperature 0 averages the real snippets, a high one picks the strongest; each head is a softmax of its own."""
    activation = torch.tensor([[[0.0, 1.0, 0.5, 9.0], [2.0, -1.0, 0.0, 9.0]]])
    mask = torch.tensor([[True, True, True, False]])
    heads = attention(activation, mask, torch.tensor([0.0, 1.0, 100.0]))
    assert heads.shape == (1, 3, 2, 4)
    torch.testing.assert_close(heads[0, 0], torch.tensor([1 / 3, 1 / 3, 1 / 3, 0.0]).expand(2, 4))
    torch.testing.assert_close(heads[0, 1, 1, :3], activation[0, 1, :3].softmax(-1))
    torch.testing.assert_close(heads[0, 2].argmax(-1), torch.tensor([1, 0]))
    x = torch.arange(8.0).reshape(1, 4, 2)
    torch.testing.assert_close(aggregate(heads, x)[0, 2], torch.stack([x[0, 1], x[0, 0]]))


def test_an_embedding_without_layers_is_the_identity():
    x, mask = torch.rand(2, 5, 3), torch.ones(2, 5, dtype=torch.bool)
    assert torch.equal(Embedding(3, (), 1, 0.5)(x, mask), x)
    assert Embedding(3, (4, 2), 3, 0.0)(x, mask).shape == (2, 5, 2)


def test_a_temporal_layer_takes_padding_for_zeros():
    layer = Embedding(3, (4,), 3, 0.0)
    x, mask = torch.rand(1, 5, 3), torch.tensor([[True, True, True, False, False]])
    torch.testing.assert_close(layer(x, mask)[:, :3], layer(x[:, :3], mask[:, :3]))


def test_attention_by_hand():
    """ReLU between the layers: a negative hidden unit says nothing, whatever its weight."""
    layer = Attention(1, 2)
    for p, values in zip(layer.parameters(), ([[1.0], [-1.0]], [0.0, 0.0], [[2.0, 50.0]], [-1.0]), strict=True):
        p.data = torch.tensor(values)
    torch.testing.assert_close(layer(torch.tensor([[[3.0]]])), torch.tensor([[5.0]]).sigmoid())


def test_dropout_keeps_the_mean_and_is_off_at_test():
    torch.manual_seed(0)
    drop, x = Dropout(0.5), torch.ones(200, 200)
    assert torch.equal(drop.eval()(x), x)
    dropped = drop.train()(x)
    assert set(dropped.unique().tolist()) == {0.0, 2.0}
    assert abs(dropped.mean().item() - 1) < 0.03
