"""STPN against numbers of the code: forward, losses, gradients. The reference counts in float32, so do the tolerances."""

import re

import pytest
import torch

from tests.golden.models import answer, tensor
from wstal.methods.stpn import STPN, Params

NAMES = {  # golden name -> ours; matrices of the reference are (in, out)
    "att.w1": "attention.layers.0.weight", "att.b1": "attention.layers.0.bias", "att.w2": "attention.layers.1.weight",
    "att.b2": "attention.layers.1.bias", "cls.w": "classify.weight", "cls.b": "classify.bias",
}  # fmt: skip
BETA = {"": 1e-4, "_beta0.02": 0.02}  # weight of the sparsity, by the key's suffix


@pytest.fixture(scope="module")
def gold(golden):
    return golden("stpn")


def close(actual, expected):
    torch.testing.assert_close(actual.detach(), tensor(expected), rtol=1e-5, atol=1e-7)


def model(gold, stream):
    """The network of a stream with the reference's parameters, mean pooling, float64."""
    dim, hidden = gold["param.rgb.att.w1"].shape
    params = Params(hidden=(), kernel=1, dropout=0.0, attention_hidden=hidden, pooled=1.0)
    method = STPN(dim, gold["param.rgb.cls.b"].size, params).double().eval()
    method.load_state_dict({ours: tensor(gold[f"param.{stream}.{name}"].T) for name, ours in NAMES.items()})
    return method


def run(gold):
    """-> method, scores, averaged loss terms."""
    method = model(gold, "rgb")
    return method, *answer(method, tensor(gold["x"]), tensor(gold["y"]))


def test_forward(gold):
    _, scores, _ = run(gold)
    close(scores.actionness, gold["attention"])
    close(scores.terms["cls"], gold["logits"])
    close(scores.video_score, gold["probs"])


@pytest.mark.parametrize("suffix", BETA)
def test_losses(gold, suffix):
    _, _, terms = run(gold)
    close(terms["sparse"], gold["sparsity"])
    close(terms["cls"] + BETA[suffix] * terms["sparse"], gold[f"loss{suffix}"])


@pytest.mark.parametrize("suffix", BETA)
def test_gradients(gold, suffix):
    method, _, terms = run(gold)
    (terms["cls"] + BETA[suffix] * terms["sparse"]).backward()
    for name, ours in NAMES.items():
        close(method.get_parameter(ours).grad, gold[f"grad{suffix}.{name}"].T)


def test_every_gradient_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"grad([^.]*(?:\.02)?)\.(.+)", key))}
    assert found == {(suffix, name) for suffix in BETA for name in NAMES}
