"""LGBM-Net's reading of its report by hand and every alternative; test_suppressed_branch.py has what it shares with BaS-Net."""

import numpy as np
import pytest
import torch

from tests.byhand import LABELS, bag, convolve, leaky, sigmoid, softmax
from wstal.methods.lgbm import DISTANCE, GLOBAL, GUIDE, LGBM, MERGE, Params, labelled, strongest, top_class

BASE = {
    "hidden": 6, "attention_hidden": 4, "global_op": "bilstm", "merge": "concat", "dropout": 0.0, "top": 3,
    "classification": "bce", "guide": "strongest", "guide_source": "base", "distance": "l1",
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return LGBM(5, 3, Params(**(BASE | changes))).double().eval()


def whole(layer, v):
    """The global operation of one video, which tests/nn/test_context.py writes out. v (T, D) -> (T, out)"""
    return layer(torch.as_tensor(v)[None], torch.ones(1, len(v), dtype=torch.bool))[0].detach().numpy()


@pytest.mark.parametrize("merge", MERGE)
@pytest.mark.parametrize("global_op", GLOBAL)
def test_both_branches_written_out(global_op, merge):
    model = method(global_op=global_op, merge=merge)
    join = {"concat": lambda a, b: np.concatenate([a, b], 1), "sum": np.add}[merge]
    x, mask = bag()
    scores = model(x, mask)
    v, (seen, first, last) = x[0].numpy(), model.attention
    weight = sigmoid(convolve(leaky(convolve(join(leaky(convolve(v, seen.local)), whole(seen.whole, v)), first)), last))
    np.testing.assert_allclose(scores.actionness[0].detach(), weight[:, 0], rtol=1e-9)
    seen, last = model.embed
    for name, source in (("base", v), ("supp", weight * v)):
        features = leaky(convolve(join(leaky(convolve(source, seen.local)), whole(seen.whole, source)), last))
        cas = convolve(features, model.classify)
        np.testing.assert_allclose(scores.terms[f"cas_{name}"][0].detach(), cas, rtol=1e-9)
        p = softmax(np.sort(cas, 0)[-3:].mean(0))  # 9 // 3 snippets
        np.testing.assert_allclose(scores.terms[name][0].exp().detach(), p, rtol=1e-9)
    np.testing.assert_allclose(scores.embedding[0].detach(), features, rtol=1e-9)
    np.testing.assert_allclose(scores.activation[0].detach(), cas[:, :3], rtol=1e-9)
    np.testing.assert_allclose(scores.video_score[0].detach(), p[:3], rtol=1e-9)


@pytest.mark.parametrize("merge", MERGE)
@pytest.mark.parametrize("global_op", GLOBAL)
def test_every_part_is_trained_and_feels_no_padding(global_op, merge):
    results = []
    for padded in (0, 3):
        model = method(global_op=global_op, merge=merge)
        x, mask = (part[:, : 9 + padded] for part in bag(9, padded=3))
        scores = model(torch.where(mask[..., None], x, 7.0), mask)
        terms = model.losses(scores, LABELS, mask)
        sum(terms.values()).backward()
        assert all(p.grad.abs().sum() > 0 for p in model.parameters())
        results.append([scores.activation[:, :9], scores.video_score, *terms.values(), *[p.grad for p in model.parameters()]])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


CAS = torch.tensor([[[2, 1, 0, 3], [0, 4, 1, 0], [1, 0, 0, 9], [8, 8, 8, 8]]], dtype=torch.float64)
REAL = torch.tensor([[True, True, True, False]])  # three snippets; the last column is background


def test_guides_by_hand():
    log_p = torch.tensor([[0.5, 0.2, 0.1, 0.2]], dtype=torch.float64).log()
    p = softmax(CAS[0].numpy())
    found = {name: guide(CAS, log_p, LABELS, REAL)[0, :3].numpy() for name, guide in GUIDE.items()}
    np.testing.assert_allclose(found["strongest"], [p[0, 0], p[1, 1], p[2, 0]])
    np.testing.assert_allclose(found["labelled"], [p[0, 0], p[1, 2], p[2, 0]])
    np.testing.assert_allclose(found["top_class"], [1, 0, 0.5])  # class 0: 2, 0, 1
    flat = top_class(torch.zeros_like(CAS), log_p, LABELS, REAL)
    assert (flat == 0).all()


def test_background_is_no_strongest_class():
    """The last real snippet is background almost surely, although background is its largest probability."""
    assert strongest(CAS, CAS, LABELS, REAL)[0, 2] < 0.01
    assert torch.equal(labelled(CAS, CAS, 0 * LABELS, REAL), torch.zeros(1, 4, dtype=torch.float64))


@pytest.mark.parametrize("distance", DISTANCE)
@pytest.mark.parametrize("source", ["base", "supp"])
def test_the_guide_loss_by_hand(distance, source):
    model = method(distance=distance, guide_source=source)
    x, mask = bag(7, padded=3)
    scores = model(x.repeat(2, 1, 1), mask.repeat(2, 1))
    found = model.losses(scores, LABELS.repeat(2, 1), mask.repeat(2, 1))["guide"].item()
    lam = scores.actionness[0, :7].detach().numpy()
    g = softmax(scores.terms[f"cas_{source}"][0, :7].detach().numpy())[:, :3].max(1)
    apart = {"l1": abs(lam - g), "mse": (lam - g) ** 2, "bce": -g * np.log(lam) - (1 - g) * np.log(1 - lam)}[distance]
    assert found == pytest.approx(2 * apart.mean(), rel=1e-9)


def test_the_guide_teaches_the_attention_alone():
    model = method()
    model.losses(model(*bag()), LABELS, bag()[1])["guide"].backward()
    taught = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert taught == {name for name, _ in model.named_parameters() if name.startswith("attention.")}


def test_the_guide_pulls_the_attention_to_the_strongest_class():
    """Learning from it alone, the attention comes to follow the base branch's class activation."""
    model = method(global_op="pooling")
    x, mask = bag()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    apart = []
    for _ in range(100):
        loss = model.losses(model(x, mask), LABELS, mask)["guide"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        apart.append(loss.item())
    assert apart[0] > 0.1 and 0 <= apart[-1] < 0.02
