"""SAL against numbers of the released code: forward, mixing, running statistics over two steps, losses, gradients, Adam."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, close, gradients_agree, parameters_agree, tensor
from wstal.methods.sal import SAL, Params

MODULES = {
    "encoder.0": "embed", "cls.0": "classify", "action_rgb.0": "embed_rgb", "cls_rgb.0": "attend_rgb",
    "action_flow.0": "embed_flow", "cls_flow.0": "attend_flow", "fc1": "add", "fc": "second",
}  # fmt: skip
NAMES = {f"{gold}.{kind}": f"{ours}.{kind}" for gold, ours in MODULES.items() for kind in ("weight", "bias")}
STEPS = {"drop": 1, "eval": 2}


@pytest.fixture(scope="module")
def gold(golden):
    return golden("sal_model")


@pytest.fixture(scope="module")
def weights(preset):
    return preset("sal", "released")["weights"]


@pytest.fixture
def build(gold, preset):
    """build(variant) -> the method with the file's parameters and constants, in eval mode."""

    def build(variant):
        dim, hidden, classes = gold["dims"].tolist()
        params = preset("sal", "released")["params"] | {"hidden": hidden}
        assert all(params[name] == gold[name] for name in ("top", "extra", "q", "ema"))
        method = SAL(dim, classes, Params(**params)).double().eval()
        method.load_state_dict({ours: tensor(gold[f"param.{name}"]) for name, ours in NAMES.items()}, strict=False)
        method.mean.fill_(1 / classes)
        if variant == "drop":
            for name, ours in (("encoder", "drop"), ("action_rgb", "drop_rgb"), ("action_flow", "drop_flow")):
                masks = [gold[key] for k in (0, 1) if (key := f"drop.mask.{name}.2.{k}") in gold]
                setattr(method, ours, FixedDropout(*(tensor(mask).transpose(1, 2) for mask in masks)))
        return method

    return build


def run(method, gold, step):
    """-> scores, averaged loss terms of a step, whose batch moves the running statistics first."""
    x, labels = tensor(gold[f"x_{step}"]), tensor(gold[f"y_{step}"])
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    scores = method(x, mask)
    with torch.no_grad():
        method.observe(scores, mask)
    return scores, {name: value / len(x) for name, value in method.losses(scores, labels, mask).items()}


def total(terms, weights):
    return sum(weights[name] * value for name, value in terms.items())


def compared(method, gold, weights, variant, step):
    """A step against the file -> its total loss."""
    scores, losses = run(method, gold, step)
    terms, prefix = scores.terms, f"{variant}.step{step}."
    mask = torch.ones(scores.actionness.shape, dtype=torch.bool)
    pseudo, sure = method.pseudo(scores, mask), method.sure(scores.logits)
    values = {
        "action": scores.actionness[..., None], "action_rgb": terms["a_rgb"], "action_flow": terms["a_flow"],
        "action_rgb_mix": terms["mixed_rgb"], "action_flow_mix": terms["mixed_flow"], "cas": scores.logits,
        "cas_bg": (1 - scores.actionness[..., None]) * scores.logits, "combined": scores.activation,
        "cas_top": terms["score"], "background_prob": terms["background"].softmax(-1), "semantic": terms["semantic"],
        "semantic_rgb": terms["semantic_rgb"], "semantic_flow": terms["semantic_flow"], "pseudo": pseudo,
        "pseudo_mix": torch.maximum(pseudo, pseudo.roll(1, 0)), "mask": sure, "mask_mix": (sure + sure.roll(1, 0)) / 2,
        "ema_mean": method.mean, "ema_variance": method.variance, "loss_total": total(losses, weights),
        **{f"loss_{name}": value for name, value in losses.items()},
    }  # fmt: skip
    for name, value in values.items():
        close(value, gold[prefix + name])
    return total(losses, weights)


def test_weights(gold, weights):
    assert weights == {name: float(gold[f"weight.{name}"]) for name in SAL.loss_names}


@pytest.mark.parametrize("variant", STEPS)
def test_first_step(gold, build, weights, variant):
    method = build(variant)
    loss = compared(method, gold, weights, variant, 0)
    gradients_agree(method, loss, gold, f"{variant}.step0.grad.", NAMES)


def test_two_adam_steps(gold, build, weights, preset):
    method, settings = build("eval"), preset("sal", "released")  # losses sum over the bags there
    decay = settings["optimizer"]["weight_decay"] / settings["training"]["batch_videos"]
    assert decay == pytest.approx(5e-4)
    optimizer = torch.optim.Adam(method.parameters(), lr=settings["optimizer"]["lr"], weight_decay=decay)
    for step in range(STEPS["eval"]):
        loss = compared(method, gold, weights, "eval", step)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    parameters_agree(method, gold, "eval.step1.after_adam.", NAMES)


def test_a_video_alone(gold, build):
    x = tensor(gold["x_0"])[:1]
    scores = build("eval")(x, torch.ones(x.shape[:2], dtype=torch.bool))
    close(scores.terms["a_flow"], gold["alone.action_flow"])
    close(scores.logits, gold["alone.cas"])
    close(scores.terms["semantic"], gold["alone.semantic"])


def test_every_step_of_the_file_is_tested(gold):
    found = {m.groups() for key in gold if (m := re.match(r"(\w+)\.step(\d)\.loss_total", key))}
    assert found == {(variant, str(step)) for variant, steps in STEPS.items() for step in range(steps)}
