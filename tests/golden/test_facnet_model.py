"""FAC-Net against numbers of the released code: forward, losses, gradients, one Adam step."""

import re

import pytest
import torch

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


class FixedDropout(torch.nn.Module):
    """Dropout with the multipliers that the reference drew."""

    def __init__(self, multiplier):
        super().__init__()
        self.multiplier = multiplier

    def forward(self, x):
        return x * self.multiplier


@pytest.fixture(scope="module")
def gold(golden):
    return golden("facnet_model")


def tensor(array):
    return torch.as_tensor(array, dtype=torch.float64)


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


def run(gold, variant, batched=False):
    """Method with accumulated gradients, and per-video (scores, loss terms)."""
    method, outputs = build(gold, variant), []
    for i in range(len(gold["T"])):
        x, labels = tensor(gold[f"x_{i}"])[None], tensor(gold["y"][i])[None]
        if variant.endswith("drop"):
            drops = [FixedDropout(tensor(gold[f"drop{k}_{i}"])) for k in (1, 2)]
            method.embed.dropouts = torch.nn.ModuleList(drops)
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        scores = method(x, mask)
        terms = method.losses(scores, labels, mask)
        sum(WEIGHTS[name] * value for name, value in terms.items()).backward()
        outputs.append((scores, terms))
    return method, outputs


def close(actual, expected):
    torch.testing.assert_close(actual.detach(), tensor(expected), rtol=1e-9, atol=1e-12)


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
        total = sum(WEIGHTS[name] * value for name, value in terms.items())
        close(torch.stack([terms["cw"], terms["ca"], terms["mil"], total]), row)


@pytest.mark.parametrize("variant", VARIANTS)
def test_gradients(gold, variant):
    method, _ = run(gold, variant)
    parameters = dict(method.named_parameters())
    keys = [key for key in gold if key.startswith(f"{variant}.grad.")]
    assert keys
    for key in keys:
        close(parameters[NAMES[key.split(".grad.")[1]]].grad, gold[key])


@pytest.mark.parametrize("variant", ["bg_h3", "nobg_h3"])
def test_one_adam_step(gold, variant):
    method, _ = run(gold, variant)
    torch.optim.Adam(method.parameters(), lr=1e-4, betas=(0.9, 0.99), weight_decay=0.005).step()
    parameters = dict(method.named_parameters())
    keys = [key for key in gold if key.startswith(f"{variant}.after_adam.")]
    assert keys
    for key in keys:
        close(parameters[NAMES[key.split(".after_adam.")[1]]], gold[key])


def test_a_padded_batch_equals_video_by_video(gold):
    """The references process one video at a time; our padded batch must give the same loss and gradients."""
    method, outputs = run(gold, "bg_h3")
    expected = {name: p.grad.clone() for name, p in method.named_parameters()}
    batch = build(gold, "bg_h3")
    lengths = [int(t) for t in gold["T"]]
    x = torch.zeros(len(lengths), max(lengths) + 3, gold["x_0"].shape[1], dtype=torch.float64)
    mask = torch.zeros(x.shape[:2], dtype=torch.bool)
    for i, length in enumerate(lengths):
        x[i, :length], mask[i, :length] = tensor(gold[f"x_{i}"]), True
    terms = batch.losses(batch(x, mask), tensor(gold["y"]), mask)
    for name in WEIGHTS:
        torch.testing.assert_close(terms[name], sum(t[name] for _, t in outputs))
    sum(WEIGHTS[name] * value for name, value in terms.items()).backward()
    for name, p in batch.named_parameters():
        torch.testing.assert_close(p.grad, expected[name])


def test_every_variant_of_the_file_is_tested(gold):
    found = {m[1] for key in gold if (m := re.match(r"((?:no)?bg_h\d(?:_drop)?)\.", key))}
    assert found == set(VARIANTS)
