"""CO2-Net against numbers of the released code: forward, losses, gradients, one Adam step, both of its classes."""

import re

import numpy as np
import pytest
import torch

from tests.golden.consensus import NAMES, fix_dropout, load, middle, outputs, run, step_agrees, variant_of
from tests.golden.models import close, gradients_agree, tensor
from wstal.methods.co2 import CO2, Params
from wstal.nn.consensus import classification

VARIANTS = ["eval", "drop", "anet"]
PRESETS = {"eval": "released", "drop": "released", "anet": "activitynet"}


@pytest.fixture(scope="module")
def gold(golden):
    return middle(golden("co2_model"))


@pytest.fixture(scope="module")
def weights(preset):
    return preset("co2", "released")["weights"]


@pytest.fixture
def build(gold, preset):
    """build(variant) -> the method with the file's parameters and constants, in eval mode."""

    def build(variant):
        dim, hidden, classes = gold["dims"].tolist()
        params = preset("co2", PRESETS[variant])["params"] | {"attention_hidden": hidden}
        assert params["top"] == int(variant_of(gold, variant, "k_rate")) and params["pairs"] == int(gold["pairs"])
        if variant == "anet":
            params |= {"smooth": int(gold["anet.kernel"])}  # 13 in the released code, smaller for the file's short videos
        method = load(CO2(dim, classes, Params(**params)).double().eval(), gold)
        if variant == "drop":
            fix_dropout(method.network, gold)
        return method

    return build


def total(terms, weights):
    return sum(weights[name] * value for name, value in terms.items())


def test_weights(gold, weights):
    assert weights == {name: float(gold[f"weight.{name}"]) for name in CO2.loss_names}


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, build, variant):
    scores, _ = run(build(variant), gold, variant)
    for name, value in outputs(scores).items():
        close(value, gold[f"{variant}.{name}"])


def test_consensus(gold, build):
    """What the module of RGB computes on the way."""
    method, seen = build("eval"), {}
    module = method.network.front.v
    for name, drop in zip(("channel", "local"), module.drops, strict=True):
        drop.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out}))
    module.attention.register_forward_pre_hook(lambda _, inputs: seen.update(filtered=inputs[0]))
    run(method, gold, "eval")
    close(seen["channel"].transpose(1, 2), gold["eval.ccm_v.channel"])
    close(seen["local"], gold["eval.ccm_v.local"])
    close(seen["filtered"], gold["eval.ccm_v.filtered"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, build, weights, variant):
    scores, terms = run(build(variant), gold, variant)
    for name, value in {**terms, "total": total(terms, weights)}.items():
        close(value, gold[f"{variant}.loss_{name}"])
    mask, labels, top = torch.ones(scores.actionness.shape, dtype=torch.bool), tensor(gold["y"]), build(variant).params.top
    for name, cas, background in (("mil_orig", scores.logits, 1.0), ("mil_supp", scores.terms["supp"], 0.0)):
        bags = [classification(cas[i : i + 1], labels[i : i + 1], mask[:1], top, background) for i in range(len(labels))]
        close(torch.stack(bags), gold[f"{variant}.{name}_per_bag"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients(gold, build, weights, variant):
    method = build(variant)
    _, terms = run(method, gold, variant)
    gradients_agree(method, total(terms, weights), gold, f"{variant}.grad.", NAMES)


@pytest.mark.parametrize("name", CO2.loss_names)
def test_gradients_of_each_term(gold, build, name):
    method = build("eval")
    _, terms = run(method, gold, "eval")
    method.zero_grad()
    terms[name].backward()
    found = {ours: torch.zeros_like(p) if p.grad is None else p.grad for ours, p in method.named_parameters()}
    keys = [key for key in gold if key.startswith(f"eval.grad_{name}.")]
    assert keys
    for key in keys:
        close(found[NAMES[key.removeprefix(f"eval.grad_{name}.")]], gold[key])


@pytest.mark.parametrize(("variant", "lr", "decay"), [("eval", 5e-5, 1e-3), ("anet", 3e-5, 5e-4)])
def test_one_adam_step(gold, build, weights, preset, variant, lr, decay):
    method = build(variant)
    _, terms = run(method, gold, variant)
    step_agrees(method, total(terms, weights), gold, variant, lr, decay)
    settings = preset("co2", PRESETS[variant])  # losses sum over the bags there
    assert settings["optimizer"]["lr"] == lr
    assert settings["optimizer"]["weight_decay"] == pytest.approx(decay * settings["training"]["batch_videos"])


def test_outer_taps_of_the_global_convolution_have_no_gradient(golden):
    for key, array in golden("co2_model").items():
        if re.search(r"\.grad.*channel_conv\.0\.weight", key):
            np.testing.assert_array_equal(array[..., [0, 2]], 0)


def test_videos_of_their_own_length(gold, build):
    method, tested = build("eval"), 0
    while f"test.x_{tested}" in gold:
        x = tensor(gold[f"test.x_{tested}"])[None]
        scores = method(x, torch.ones(x.shape[:2], dtype=torch.bool))
        close(scores.logits[0], gold[f"test.cas_{tested}"].reshape(scores.logits[0].shape))
        close(scores.actionness[0], gold[f"test.attn_{tested}"])
        close(scores.video_score[0], gold[f"test.video_score_{tested}"])
        tested += 1
    assert tested


def test_every_variant_of_the_file_is_tested(gold):
    found = {m[1] for key in gold if (m := re.match(r"(\w+)\.loss_total", key))}
    assert found == set(VARIANTS)
