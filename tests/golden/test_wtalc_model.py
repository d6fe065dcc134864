"""W-TALC against numbers of the released code: forward, both losses, gradients, over bags of different lengths."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, answer, close, gradients_agree, load, tensor
from wstal.methods.wtalc import WTALC, Params

NAMES = {"fc.w": "embed.0.weight", "fc.b": "embed.0.bias", "cls.w": "classify.weight", "cls.b": "classify.bias"}
VARIANTS = ["eval", "drop"]


@pytest.fixture(scope="module")
def gold(golden):
    return golden("wtalc_model")


def run(gold, variant):
    """-> method, scores, averaged loss terms."""
    x, labels = tensor(gold["x"]), tensor(gold["y"])
    pairs = int(gold["num_pairs"])
    params = Params(hidden=gold["param.fc.b"].size, layers=1, dropout=0.7, top=8, margin=0.5, pairs=pairs)
    method = load(WTALC(x.shape[2], labels.shape[1], params).double().eval(), gold, NAMES)
    if variant == "drop":
        method.drops = torch.nn.ModuleList([FixedDropout(tensor(gold["drop"]))])
    mask = torch.arange(x.shape[1]) < torch.as_tensor(gold["T"])[:, None]
    return method, *answer(method, x, labels, mask)


def total(terms):
    return 0.5 * terms["mil"] + 0.5 * terms["casl"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, variant):
    _, scores, _ = run(gold, variant)
    close(scores.activation, gold[f"{variant}.logits"])


def test_video_probabilities_at_test(gold):
    _, scores, _ = run(gold, "eval")
    close(scores.terms["mil"].exp(), gold["eval.test_video_softmax"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, variant):
    _, _, terms = run(gold, variant)
    for name, value in {**terms, "total": total(terms)}.items():
        close(value, gold[f"{variant}.{name}"])


@pytest.mark.parametrize(("variant", "loss"), [("eval", "total"), ("eval", "casl"), ("drop", "total")])
def test_gradients(gold, variant, loss):
    method, _, terms = run(gold, variant)
    gradients_agree(method, {**terms, "total": total(terms)}[loss], gold, f"{variant}.grad.{loss}.", NAMES)


def test_every_variant_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"(\w+)\.grad\.(\w+)\.", key))}
    assert found == {("eval", "total"), ("eval", "casl"), ("drop", "total")}
