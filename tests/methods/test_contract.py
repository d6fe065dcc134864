"""What every method must do, alone and with a plug-in, over the folder listing: a new one is tested without a line here."""

from itertools import combinations

import msgspec
import pytest
import torch

from wstal import methods, plugins
from wstal.base.errors import UserError
from wstal.config.settings import settings
from wstal.training import experiment
from wstal.training.train import build, fit

NAMES = methods.names()
PLUGINS = {
    "cw": {"temperatures": [1.0, 2.0], "scale": 10.0, "bound": 5.0},
    "self_training": {"teacher": "base", "per_video": 1.0, "q": 0.7},  # nothing here teaches: tests/training/test_teaching.py
}
PLUGGED = [f"{name}+cw" for name in NAMES if "cw" not in methods.load(name).loss_names]
CASES = NAMES + PLUGGED
SIZES = {"dim": 12, "classes": 5}


def plugging(case):
    """A case, say um+cw -> the method um, and what a row sets to plug cw in."""
    name, *plugged = case.split("+")
    return name, {"plugins": {one: PLUGINS[one] for one in plugged}, "weights": dict.fromkeys(plugged, 1.0)}


@pytest.fixture
def make(tiny):
    """make(case) -> an untrained method of small width in eval mode, float64, seeded."""

    def make(case):
        name, row = plugging(case)
        torch.manual_seed(0)
        return build(tiny(name, row), **SIZES).double().eval()

    return make


@pytest.fixture
def batch():
    """x (3, 9, 12), mask with 9, 6 and 4 real snippets, labels (3, 5)."""
    generator = torch.Generator().manual_seed(3)
    x = torch.rand(3, 9, SIZES["dim"], generator=generator, dtype=torch.float64)
    mask = torch.arange(9)[None] < torch.tensor([9, 6, 4])[:, None]
    labels = torch.tensor([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 0, 1.0]], dtype=torch.float64)
    return x * mask[..., None], mask, labels


def outputs(scores, rows=slice(None), snippets=slice(None)):
    """The contract's tensors, padding cut off."""
    return [
        scores.activation[rows, snippets], scores.logits[rows, snippets], scores.actionness[rows, snippets],
        scores.video_score[rows], scores.embedding[rows, snippets],
    ]  # fmt: skip


def test_there_are_methods_and_each_has_parameters(raw):
    assert NAMES and set(NAMES) == set(raw["methods"])
    assert set(PLUGINS) == set(plugins.names())


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_complete_and_differ(raw, preset, name):
    presets = raw["methods"][name]["presets"]
    whole = [settings(preset(name, one), one) for one in presets]
    alike = [msgspec.structs.replace(one, preset="") for one in whole]
    assert all(one != other for one, other in combinations(alike, 2))


@pytest.mark.parametrize("name", CASES)
def test_shapes_and_finite_values(make, batch, name):
    x, mask, _ = batch
    scores = make(name)(x, mask)
    assert scores.activation.shape == (3, 9, SIZES["classes"])
    assert scores.actionness.shape == (3, 9)
    assert scores.video_score.shape == (3, SIZES["classes"])
    assert scores.embedding.shape[:2] == (3, 9)
    assert scores.logits.shape in [(3, 9, SIZES["classes"]), (3, 9, SIZES["classes"] + 1)]
    by_snippet = (scores.activation, scores.logits, scores.actionness, scores.embedding)
    assert all(value[mask].isfinite().all() for value in by_snippet)


@pytest.mark.parametrize("name", CASES)
def test_losses_are_named_unweighted_scalars(make, batch, name):
    x, mask, labels = batch
    method = make(name)
    terms = method.losses(method(x, mask), labels, mask)
    assert tuple(terms) == method.loss_names
    assert all(value.shape == () and value.isfinite() and value >= 0 for value in terms.values())


@pytest.mark.parametrize("name", CASES)
def test_gradient_reaches_every_parameter(make, batch, name):
    x, mask, labels = batch
    method = make(name)
    sum(method.losses(method(x, mask), labels, mask).values()).backward()
    dead = [key for key, p in method.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert dead == []


@pytest.mark.parametrize("name", CASES)
def test_padding_changes_nothing(make, batch, name):
    """More masked snippets, holding anything, leave scores, losses and gradients as they are."""
    x, mask, labels = batch
    results = []
    for extra in (0, 4):
        method = make(name)
        padded = torch.cat([x, torch.full((3, extra, x.shape[2]), 7.0, dtype=x.dtype)], dim=1)
        padded = torch.where(torch.nn.functional.pad(mask, (0, extra))[..., None], padded, 7.0)
        wide = torch.nn.functional.pad(mask, (0, extra))
        scores = method(padded, wide)
        total = sum(method.losses(scores, labels, wide).values())
        total.backward()
        real = [value[:, :9][mask] for value in (scores.activation, scores.logits, scores.actionness, scores.embedding)]
        results.append([*real, scores.video_score, total, *[p.grad for p in method.parameters()]])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_order_of_the_bags_does_not_matter(make, batch, name):
    """Of groups of bags, where `losses` compares the bags of a group; the bags of a group share their labels here."""
    method = make(name)
    size = method.params.bag_groups.size
    x, mask, labels = (part.repeat_interleave(size, 0) for part in batch)
    x = x * torch.linspace(0.5, 1, len(x), dtype=x.dtype)[:, None, None]
    order = torch.arange(3 * size).reshape(3, size)[[2, 0, 1]].flatten()
    straight, turned = method(x, mask), method(x[order], mask[order])
    for one, other in zip(outputs(straight, order), outputs(turned), strict=True):
        torch.testing.assert_close(one[mask[order]] if one.dim() > 2 else one, other[mask[order]] if other.dim() > 2 else other)
    for key, value in method.losses(straight, labels, mask).items():
        torch.testing.assert_close(method.losses(turned, labels[order], mask[order])[key], value)


@pytest.mark.parametrize("name", CASES)
def test_a_bag_does_not_see_its_neighbours(make, batch, name):
    x, mask, _ = batch
    method = make(name)
    alone = method(x[1:2, :6], mask[1:2, :6])
    together = method(x, mask)
    for one, other in zip(outputs(alone), outputs(together, slice(1, 2), slice(0, 6)), strict=True):
        torch.testing.assert_close(one, other)


GPU = pytest.param("cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")])


@pytest.mark.parametrize("device", ["cpu", GPU])
@pytest.mark.parametrize("name", CASES)
def test_same_seed_gives_the_same_bits_and_another_seed_others(tiny_runs, name, device, monkeypatch):
    monkeypatch.setenv("WSTAL_DEVICE", device)
    name, row = plugging(name)
    run = tiny_runs({"base": row}, name)[0]
    network = next(iter(run.networks))
    train, _ = experiment.bags(run, network)
    states = [fit(run.settings, train, seed, lambda *told: None)[0].state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert any(not torch.equal(states[0][key], states[2][key]) for key in states[0])


@pytest.mark.parametrize("name", CASES)
def test_fits_a_few_bags(make, batch, name):
    """The total loss on three bags falls well below its start: the terms can be learnt together."""
    x, mask, labels = batch
    method = make(name)
    optimizer = torch.optim.Adam(method.parameters(), lr=0.01)
    values = []
    for _ in range(150):
        total = sum(method.losses(method(x, mask), labels, mask).values())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        values.append(total.item())
    assert values[-1] < 0.75 * values[0]


@pytest.mark.parametrize("name", CASES)
def test_a_zero_snippet_gives_numbers(make, batch, name):
    """An all-zero snippet divides 0 by 0 in the released codes; here it has a value and a gradient."""
    x, mask, labels = batch
    method = make(name)
    x[0, 2] = 0
    for p in method.parameters():
        if p.dim() == 1:
            p.data.fill_(-1.0)  # biases that silence every unit
    total = sum(method.losses(method(x, mask), labels, mask).values())
    total.backward()
    assert total.isfinite() and all(p.grad.isfinite().all() for p in method.parameters())


def test_unknown_method_is_a_sentence():
    with pytest.raises(UserError, match="facnet"):
        methods.load("no_such_method")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("name", CASES)
def test_gpu_agrees_with_cpu(make, batch, name):
    x, mask, labels = batch
    results = []
    for place in ("cpu", "cuda"):
        method = make(name).to(place)
        scores = method(x.to(place), mask.to(place))
        terms = method.losses(scores, labels.to(place), mask.to(place))
        results.append([value.cpu() for value in (scores.video_score, *terms.values())])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
