"""BaS-Net against numbers of the released code: forward, losses, gradients, two Adam steps."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, answer, close, gradients_agree, load, parameters_agree, tensor
from wstal.methods.basnet import BaSNet, Params

NAMES = {  # golden name -> ours
    f"{golden}.{short}": f"{ours}.{long}"
    for golden, ours in {
        "filter.conv1": "filter.0", "filter.conv2": "filter.1", "cas.conv1": "embed.0", "cas.conv2": "embed.1",
        "cas.conv3": "classify",
    }.items()
    for short, long in {"w": "weight", "b": "bias"}.items()
    if (golden, short) != ("cas.conv3", "b")
}  # fmt: skip
VARIANTS = ["eval", "drop"]
ALPHA = {"": 1e-4, "_alpha0.05": 0.05}  # weight of L_norm, by the key's suffix


@pytest.fixture(scope="module")
def gold(golden):
    return golden("basnet_model")


def run(gold, variant="eval"):
    """-> method, scores, averaged loss terms."""
    x, labels = tensor(gold["x"]), tensor(gold["y"])
    top = x.shape[1] // int(gold["k"])
    hidden, filter_hidden = gold["param.cas.conv1.b"].size, gold["param.filter.conv1.b"].size
    params = Params(hidden=hidden, filter_hidden=filter_hidden, dropout=0.7, top=top, classification="bce")
    method = load(BaSNet(x.shape[2], labels.shape[1], params).double().eval(), gold, NAMES)
    if variant == "drop":
        method.drop = FixedDropout(torch.cat([tensor(gold[f"drop_{branch}"]).transpose(1, 2) for branch in ("base", "supp")]))
    return method, *answer(method, x, labels)


def total(terms, alpha):
    return terms["base"] + terms["supp"] + alpha * terms["norm"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, variant):
    _, scores, _ = run(gold, variant)
    for branch in ("base", "supp"):
        close(scores.terms[f"cas_{branch}"], gold[f"{variant}.cas_{branch}"])
        close(scores.terms[branch].exp(), gold[f"{variant}.score_{branch}"])
    close(scores.actionness, gold[f"{variant}.fore_weights"][..., 0])
    close(scores.activation, gold[f"{variant}.cas_supp"][..., :-1])
    close(scores.video_score, gold[f"{variant}.score_supp"][:, :-1])


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, variant):
    _, _, terms = run(gold, variant)
    for name, value in terms.items():
        close(value, gold[f"{variant}.loss_{name}"])
    for suffix, alpha in ALPHA.items():
        close(total(terms, alpha), gold[f"{variant}.loss_total{suffix}"])


@pytest.mark.parametrize(("variant", "suffix"), [("eval", ""), ("eval", "_alpha0.05"), ("drop", "")])
def test_gradients(gold, variant, suffix):
    method, _, terms = run(gold, variant)
    gradients_agree(method, total(terms, ALPHA[suffix]), gold, f"{variant}.grad{suffix}.", NAMES)


@pytest.mark.parametrize("scale", [1, 16])
def test_two_adam_steps(gold, scale):
    """Adam on a sum over bags equals Adam on their mean when weight decay (and Adam's 1e-8) grow by the same factor: why
    params.yaml holds the published weight decay times the bags of a batch."""
    method, _, _ = run(gold)
    adam = torch.optim.Adam(method.parameters(), lr=1e-4, betas=(0.9, 0.999), weight_decay=5e-4 * scale, eps=1e-8 * scale)
    for _ in range(2):
        _, terms = answer(method, tensor(gold["x"]), tensor(gold["y"]))
        adam.zero_grad()
        (total(terms, ALPHA[""]) * scale).backward()
        adam.step()
    parameters_agree(method, gold, "after_2_adam.", NAMES)


def test_every_variant_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"(\w+)\.grad([^.]*(?:\.05)?)\.", key))}
    assert found == {("eval", ""), ("eval", "_alpha0.05"), ("drop", "")}
