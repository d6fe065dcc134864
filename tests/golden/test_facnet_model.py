"""FAC-Net against numbers of the released code: forward, losses, gradients, one Adam step."""

import re

import pytest
import torch

from tests.golden.models import FixedDropout, answer, close, gradients_agree, parameters_agree, tensor
from wstal.methods.facnet import FACNet, Params

NAMES = {  # golden name -> ours
    "fc1.w": "embed.layers.0.linear.weight",
    "fc1.b": "embed.layers.0.linear.bias",
    "fc2.w": "embed.layers.1.linear.weight",
    "fc2.b": "embed.layers.1.linear.bias",
    "ac_center": "action",
    "fg_center": "foreground",
}
TEMPERATURES = {"h1": (1.0,), "h2": (1.0, 5.0), "h3": (1.0, 2.0, 5.0)}
WEIGHTS = {"cw": 1.0, "ca": 0.1, "mil": 0.1}
VARIANTS = [f"{bg}_{h}" for bg in ("bg", "nobg") for h in TEMPERATURES] + ["bg_h3_drop"]


@pytest.fixture(scope="module")
def gold(golden):
    return golden("facnet_model")


def build(gold, variant):
    dim = gold["x_0"].shape[1]
    classes = int(gold["dims"][-1])
    params = Params(
        hidden=(gold["param.fc1.w"].shape[0], gold["param.fc2.w"].shape[0]), kernel=1, dropout=0.5, scale=5.0,
        video_scale=2.0, temperatures=TEMPERATURES[variant.split("_")[1]], background=variant.startswith("bg"),
        foreground_init="negated_background", video_score="ca",
    )  # fmt: skip
    method = FACNet(dim, classes, params).double().eval()
    rows = classes + params.background
    state = {ours: tensor(gold[f"param.{name}"]) for name, ours in NAMES.items()}
    state["action"] = state["action"][:rows]
    method.load_state_dict(state)
    return method


def total(terms):
    return sum(WEIGHTS[name] * value for name, value in terms.items())


def run(gold, variant):
    """-> method, (scores, loss terms) of each video, which the code processes one at a time."""
    method, outputs = build(gold, variant), []
    for i in range(len(gold["T"])):
        if variant.endswith("drop"):
            drops = [FixedDropout(tensor(gold[f"drop{k}_{i}"])) for k in (1, 2)]
            method.embed.dropouts = torch.nn.ModuleList(drops)
        outputs.append(answer(method, tensor(gold[f"x_{i}"])[None], tensor(gold["y"][i])[None]))
    return method, outputs


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward(gold, variant):
    _, outputs = run(gold, variant)
    compared = 0
    for i, (scores, _) in enumerate(outputs):
        pairs = {"frm_scr": scores.logits, **{f"{b}_pred": scores.terms[b].exp() for b in WEIGHTS}}
        for name, value in pairs.items():
            key = f"{variant}.{name}_{i}"
            if key in gold:
                close(value[0], gold[key])
                compared += 1
    assert compared >= 4


@pytest.mark.parametrize("variant", VARIANTS)
def test_losses(gold, variant):
    _, outputs = run(gold, variant)
    for (_, terms), row in zip(outputs, gold[f"{variant}.losses"], strict=True):
        close(torch.stack([terms["cw"], terms["ca"], terms["mil"], total(terms)]), row)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients(gold, variant):
    method, outputs = run(gold, variant)
    gradients_agree(method, sum(total(terms) for _, terms in outputs), gold, f"{variant}.grad.", NAMES)


@pytest.mark.parametrize("variant", ["bg_h3", "nobg_h3"])
def test_one_adam_step(gold, variant):
    method, outputs = run(gold, variant)
    sum(total(terms) for _, terms in outputs).backward()
    torch.optim.Adam(method.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=0.005).step()
    parameters_agree(method, gold, f"{variant}.after_adam.", NAMES)


def test_a_padded_batch_equals_video_by_video(gold):
    """The code processes one video at a time; our padded batch has the same loss, and the gradients of the file."""
    _, outputs = run(gold, "bg_h3")
    method, lengths = build(gold, "bg_h3"), gold["T"].tolist()
    x = torch.zeros(len(lengths), max(lengths) + 3, gold["x_0"].shape[1], dtype=torch.float64)
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    for i, length in enumerate(lengths):
        x[i, :length], mask[i, :length] = tensor(gold[f"x_{i}"]), True
    terms = method.losses(method(x, mask), tensor(gold["y"]), mask)
    for name in WEIGHTS:
        torch.testing.assert_close(terms[name], sum(one[name] for _, one in outputs))
    gradients_agree(method, total(terms), gold, "bg_h3.grad.", NAMES)


def test_every_variant_of_the_file_is_tested(gold):
    found = {m[1] for key in gold if (m := re.match(r"((?:no)?bg_h\d(?:_drop)?)\.", key))}
    assert found == set(VARIANTS)
