"""UM against numbers of the released code: forward, choice of snippets, losses, gradients."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, answer, close, gradients_agree, load, tensor
from wstal.methods.um import UM, Params
from wstal.nn.cosine import norm
from wstal.nn.pooling import share

NAMES = {"conv.w": "embed.weight", "conv.b": "embed.bias", "cls.w": "classify.weight"}  # golden name -> ours
VARIANTS = ["eval", "drop"]
WEIGHTS = {"": {"cls": 1.0, "be": 1.0, "um": 5e-4}, "_b": {"cls": 1.0, "be": 0.3, "um": 0.02}}  # by the key's suffix


@pytest.fixture(scope="module")
def gold(golden):
    return golden("um_model")


def run(gold, variant):
    """-> method, scores, averaged loss terms."""
    x, labels = tensor(gold["x"]), tensor(gold["y"])
    params = Params(
        hidden=gold["param.conv.b"].size, dropout=0.7, action_ratio=int(gold["r_act"]), background_ratio=int(gold["r_bkg"]),
        margin=float(gold["margin"]), classification="bce",
    )  # fmt: skip
    method = load(UM(x.shape[2], labels.shape[1], params).double().eval(), gold, NAMES)
    if variant == "drop":
        method.drop = FixedDropout(tensor(gold["drop_feat"]).transpose(1, 2))
        method.thin = FixedDropout(tensor(gold["drop_select"]))
    return method, *answer(method, x, labels)


def total(terms, suffix):
    return sum(WEIGHTS[suffix][name] * value for name, value in terms.items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, variant):
    _, scores, _ = run(gold, variant)
    close(scores.logits.softmax(-1), gold[f"{variant}.cas_softmax"])
    close(norm(scores.embedding), gold[f"{variant}.feat_magnitude"])
    close(scores.video_score, gold[f"{variant}.score_act"])
    close(scores.terms["bkg"].exp(), gold[f"{variant}.score_bkg"])
    for part in ("act", "bkg"):
        close(scores.terms[f"f_{part}"], gold[f"{variant}.mean_feat_{part}"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_number_of_chosen_snippets(gold, variant):
    mask = torch.ones(gold["x"].shape[:2], dtype=torch.bool)
    found = [share(mask.sum(-1), int(gold[ratio]))[0].item() for ratio in ("r_act", "r_bkg")]
    assert found == gold[f"{variant}.k"].tolist()


@pytest.mark.parametrize("suffix", WEIGHTS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, variant, suffix):
    _, _, terms = run(gold, variant)
    for name, value in terms.items():
        close(value, gold[f"{variant}.loss_{name}"])
    close(total(terms, suffix), gold[f"{variant}.loss_total{suffix}"])


@pytest.mark.parametrize("suffix", WEIGHTS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients(gold, variant, suffix):
    method, _, terms = run(gold, variant)
    gradients_agree(method, total(terms, suffix), gold, f"{variant}.grad{suffix}.", NAMES)


def test_every_variant_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"(\w+)\.grad([^.]*)\.", key))}
    assert found == {(variant, suffix) for variant in VARIANTS for suffix in WEIGHTS}
