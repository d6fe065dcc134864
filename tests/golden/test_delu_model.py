"""DELU against numbers of the released code: forward, evidence, uncertainty, its weights over training, losses, gradients."""

import re

import pytest
import torch

from tests.golden.consensus import NAMES, fix_dropout, load, middle, outputs, step_agrees, variant_of
from tests.golden.models import agree, close, gradients_agree, tensor
from wstal.methods.delu import DELU, Params
from wstal.nn.evidence import ascending, uncertainty, weight
from wstal.nn.pooling import largest, mean_over, share

VARIANTS = ["eval", "drop", "anet"]
PRESETS = {"eval": "released", "drop": "released", "anet": "activitynet"}


@pytest.fixture(scope="module")
def gold(golden):
    return middle(golden("delu_model"))


@pytest.fixture
def build(gold, preset):
    """build(variant) -> the method with the file's parameters and constants, in eval mode."""

    def build(variant):
        dim, hidden, classes = gold["dims"].tolist()
        params = preset("delu", PRESETS[variant])["params"] | {"attention_hidden": hidden}
        constants = {"top": "k_rate", "attention_rate": "attention_rate", "pairs": "pairs"}
        assert all(params[ours] == int(variant_of(gold, variant, name)) for ours, name in constants.items())
        if variant == "anet":
            params |= {"smooth": int(gold["anet.kernel"])}  # 13 in the released code, smaller for the file's short videos
        method = load(DELU(dim, classes, Params(**params)).double().eval(), gold)
        if variant == "drop":
            fix_dropout(method.network, gold)
        return method

    return build


def run(method, gold, variant, progress=None):
    """-> scores, averaged loss terms at a share of training that is done, or the variant's."""
    x = tensor(variant_of(gold, variant, "x"))
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    scores = method(x, mask)
    progress = tensor(gold[f"{variant}.progress"] if progress is None else progress)
    scores = scores._replace(terms=scores.terms | {"progress": progress})
    return scores, {name: value / len(x) for name, value in method.losses(scores, tensor(gold["y"]), mask).items()}


def total(terms, gold, variant):
    return sum(float(gold[f"{variant}.weight_{name}"]) * value for name, value in terms.items())


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights(gold, preset, variant):
    assert preset("delu", PRESETS[variant])["weights"] == {
        name: float(gold[f"{variant}.weight_{name}"]) for name in DELU.loss_names
    }


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, build, variant):
    scores, _ = run(build(variant), gold, variant)
    for name, value in outputs(scores).items():
        close(value, gold[f"{variant}.{name}"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_evidence_and_uncertainty(gold, build, variant):
    method = build(variant)
    scores, _ = run(method, gold, variant)
    mask, supp = torch.ones(scores.actionness.shape, dtype=torch.bool), scores.terms["supp"]
    chosen = largest(scores.actionness, mask, share(mask.sum(-1), method.params.attention_rate))
    close(chosen.double(), gold[f"{variant}.attention_chosen"])
    close(mean_over(supp[..., :-1], chosen), gold[f"{variant}.video_logits"])
    close(uncertainty(supp), gold[f"{variant}.snippet_uncertainty"])
    order = ascending(uncertainty(supp), mask, "argsort")
    assert order.tolist() == gold[f"{variant}.order"].tolist()
    progress = tensor(gold[f"{variant}.progress"])
    amplitude, first = method.params.amplitude, method.params.first
    close(weight(order.double(), mask, progress, amplitude, first), gold[f"{variant}.snippet_weight_code"])
    ranked = torch.arange(mask.shape[1]).double().expand(1, -1)
    close(weight(ranked, mask[:1], progress, amplitude, first)[0], gold[f"{variant}.curve"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, build, variant):
    _, terms = run(build(variant), gold, variant)
    for name, value in {**terms, "total": total(terms, gold, variant)}.items():
        close(value, gold[f"{variant}.loss_{name}"])


@pytest.mark.parametrize("variant", ["eval", "anet"])
def test_guidance_over_training(gold, build, variant):
    method, prefix = build(variant), f"{variant}.loss_uct_guide_at_"
    moments = [key.removeprefix(prefix) for key in gold if key.startswith(prefix)]
    assert len(moments) > 3
    for moment in moments:
        close(run(method, gold, variant, float(moment))[1]["uct_guide"], gold[prefix + moment])


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients(gold, build, variant):
    method = build(variant)
    _, terms = run(method, gold, variant)
    gradients_agree(method, total(terms, gold, variant), gold, f"{variant}.grad.", NAMES)


@pytest.mark.parametrize("name", ["edl", "mutual", "uct_guide"])
@pytest.mark.parametrize("variant", ["eval", "anet"])
def test_gradients_of_each_term(gold, build, variant, name):
    method = build(variant)
    _, terms = run(method, gold, variant)
    terms[name].backward()
    values = {ours: torch.zeros_like(p) if p.grad is None else p.grad for ours, p in method.named_parameters()}
    agree(values, gold, f"{variant}.grad_{name}.", NAMES)


@pytest.mark.parametrize(("variant", "lr", "decay"), [("eval", 5e-5, 1e-3), ("anet", 3e-5, 5e-4)])
def test_one_adam_step(gold, build, preset, variant, lr, decay):
    method = build(variant)
    _, terms = run(method, gold, variant)
    step_agrees(method, total(terms, gold, variant), gold, variant, lr, decay)
    settings = preset("delu", PRESETS[variant])  # losses sum over the bags there
    assert settings["optimizer"]["lr"] == lr
    assert settings["optimizer"]["weight_decay"] == pytest.approx(decay * settings["training"]["batch_videos"])


def test_every_variant_of_the_file_is_tested(gold):
    found = {m[1] for key in gold if (m := re.match(r"(\w+)\.loss_total", key))}
    assert found == set(VARIANTS)
