"""BM against numbers of DGAM's discriminative half: forward, guide, losses, gradients."""

import msgspec
import numpy as np
import pytest

from tests.golden.models import answer, close, gradients_agree, tensor
from wstal.methods.bm import BM, Params

NAMES = {  # golden name -> ours
    "att.w1": "attention.layers.0.weight", "att.b1": "attention.layers.0.bias", "att.w2": "attention.layers.1.weight",
    "att.b2": "attention.layers.1.bias", "cls.w": "classify.weight", "cls.b": "classify.bias",
}  # fmt: skip


@pytest.fixture(scope="module")
def gold(golden):
    return golden("bm_dgam")


@pytest.fixture(scope="module")
def weights(preset):
    """Loss weights of the `released` preset."""
    return preset("bm", "released")["weights"]


@pytest.fixture
def run(gold, preset):
    """Method, scores, averaged loss terms."""
    constants = {"attention_hidden": gold["param.att.b1"].size, "dropout": 0.0}
    params = msgspec.convert(preset("bm", "released")["params"] | constants, Params)
    x, labels = tensor(gold["x"]), tensor(gold["y"])
    method = BM(x.shape[2], labels.shape[1], params).double().eval()
    method.load_state_dict({ours: tensor(gold[f"param.{name}"]) for name, ours in NAMES.items()}, strict=False)
    return method, *answer(method, x, labels)


def test_forward(gold, run):
    _, scores, _ = run
    close(scores.actionness, gold["attention"])
    close(scores.terms["guide"], gold["guide_posterior"])
    for part in ("fg", "bg"):
        close(scores.terms[part], tensor(gold[f"{part}_logits"]).log_softmax(-1))
    close(scores.video_score, tensor(gold["fg_logits"]).softmax(-1)[:, :-1])


def test_losses(gold, run, weights):
    _, _, terms = run
    for name in ("fg", "bg", "guide"):
        close(terms[name], gold[f"loss_{name}"])
    np.testing.assert_array_equal(gold["weights"], [weights[name] for name in ("fg", "bg", "guide")])
    close(sum(weights[name] * value for name, value in terms.items()), gold["total"])


def test_gradients(gold, run, weights):
    method, _, terms = run
    gradients_agree(method, sum(weights[name] * value for name, value in terms.items()), gold, "grad.", NAMES)
    assert {key.removeprefix("grad.") for key in gold if key.startswith("grad.")} == set(NAMES)
