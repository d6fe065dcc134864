"""STPN's formulas by hand, and the identities that tie its parts together."""

import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, sigmoid
from wstal.methods.stpn import STPN, Params

BASE = {"hidden": (), "kernel": 1, "dropout": 0.0, "attention_hidden": 4, "pooled": 1.0}


def method(**changes):
    """With biases that differ from zero, where the reference starts."""
    torch.manual_seed(1)
    model = STPN(5, 3, Params(**(BASE | changes))).double().eval()
    for p in model.parameters():
        if p.dim() == 1:
            torch.nn.init.uniform_(p, 0.1, 0.5)
    return model


def linear(x, layer):
    return x @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()


@pytest.mark.parametrize("hidden", [(), (6, 4)])
@pytest.mark.parametrize("pooled", [1.0, 9.0])
def test_forward_written_out(hidden, pooled):
    model = method(hidden=hidden, pooled=pooled)
    x, mask = bag()
    scores = model(x, mask)
    v = x[0].numpy()
    for layer in model.embed.layers:
        v = np.maximum(linear(v, layer.linear), 0)
    weight = sigmoid(linear(np.maximum(linear(v, model.attention.layers[0]), 0), model.attention.layers[1]))  # (T, 1)
    t_cam = v @ model.classify.weight.detach().numpy().T
    np.testing.assert_allclose(scores.embedding[0].detach(), v, rtol=1e-9)
    np.testing.assert_allclose(scores.actionness[0].detach(), weight[:, 0], rtol=1e-9)
    np.testing.assert_allclose(scores.logits[0].detach(), t_cam, rtol=1e-9)
    np.testing.assert_allclose(scores.activation[0].detach(), weight * sigmoid(t_cam), rtol=1e-9)
    pool = (weight * v).mean(0) if pooled == 1 else (weight * v).sum(0)  # 9 snippets
    np.testing.assert_allclose(scores.video_score[0].detach(), sigmoid(linear(pool, model.classify)), rtol=1e-9)


def test_losses_by_hand():
    model = method()
    x, mask = bag()
    scores = model(x, mask)
    terms = model.losses(scores, LABELS, mask)
    p = scores.video_score[0]
    torch.testing.assert_close(terms["cls"], -(p[0].log() + (1 - p[1]).log() + p[2].log()) / 3)
    torch.testing.assert_close(terms["sparse"], scores.actionness.sum())


def test_padding_is_neither_sparse_nor_pooled():
    model, (x, mask) = method(), bag(5, padded=4)
    padded, cut = model(x, mask), model(x[:, :5], mask[:, :5])
    torch.testing.assert_close(model.losses(padded, LABELS, mask)["sparse"], cut.actionness.sum())
    torch.testing.assert_close(padded.video_score, cut.video_score)


def test_an_even_attention_averages_the_features():
    """λ = 1/2 everywhere: the video's logits are those of half the mean snippet, and half the mean T-CAM plus the bias."""
    model = method()
    for p in model.attention.parameters():
        torch.nn.init.zeros_(p)
    scores = model(*bag())
    torch.testing.assert_close(scores.terms["cls"], scores.logits.mean(1) / 2 + model.classify.bias)


def test_without_an_embedding_it_is_stpn():
    """No layer in front: fewer parameters, and the host's embedding is the features themselves."""
    x, mask = bag()
    assert torch.equal(method()(x, mask).embedding, x)
    assert not any(name.startswith("embed") for name, _ in method().named_parameters())
    assert len(method(hidden=(6, 4)).embed.layers) == 2
