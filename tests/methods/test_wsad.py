"""WSAD's formulas by hand: blocks, classification losses, distances, metric losses, and the identities between them."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand import bags, labels, sigmoid, softmax
from wstal.base.conversion import convert
from wstal.base.errors import UserError
from wstal.base.types import Groups
from wstal.methods.base import Scores
from wstal.methods.wsad import CLASSIFICATION, DISTANCE, WSAD, Params, balanced_bce, bce, block_lengths, strongest

BASE = {
    "hidden": 6, "dropout": 0.0, "clip": 0.3, "block": 4, "k": 2, "classification": "balanced_bce", "metric": "triplet",
    "distance": "class_weight", "margin": 0.5, "groups": 2, "group_size": 2, "score": "logit",
}  # fmt: skip


def method(**changes):
    torch.manual_seed(1)
    return WSAD(5, 3, Params(**(BASE | changes))).double().eval()


def blocks_of(logits, size, k):
    """Scores (n_B, C) of the blocks of logits (n, C), written out."""
    count = max(1, len(logits) // size)
    ends = [*range(size, count * size, size), len(logits)]
    parts = [logits[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return np.stack([np.sort(part, 0)[::-1][: min(k, len(part))].mean(0) for part in parts])


LENGTHS = [11, 9, 3, 1]  # blocks of 4 and 7, of 4 and 5, of 3, of 1


def test_blocks_written_out():
    model = method()
    x, mask = bags(LENGTHS)
    scores = model(x, mask)
    for i, n in enumerate(LENGTHS):
        raw = scores.activation[i, :n].detach().numpy()
        block = blocks_of(raw, 4, 2)
        np.testing.assert_allclose(scores.video_score[i].detach(), block.max(0), rtol=1e-9)
        clipped = blocks_of(raw.clip(-0.3, 0.3), 4, 2)
        p = 1 - np.prod(1 - sigmoid(clipped), axis=0)
        np.testing.assert_allclose(scores.terms["p"][i].detach(), p, rtol=1e-9)
    assert scores.video_score.max() > 0.3  # clipping had something to do


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.integers(1, 20), st.integers(0, 30))
def test_blocks_make_up_the_bag(lengths, size, extra):
    n = torch.tensor(lengths)
    mask = torch.arange(max(lengths) + extra) < n[:, None]
    found = block_lengths(mask, size)
    assert found.sum(-1).tolist() == lengths
    for row, length in zip(found.tolist(), lengths, strict=True):
        count = max(1, length // size)
        assert row[: count - 1] == [size] * (count - 1) and not any(row[count:])
        assert row[count - 1] < 2 * size


@pytest.mark.parametrize("change", [{"block": 131}, {"block": None}])
def test_one_block_is_the_whole_video(change):
    lengths = [130, 60, 3]
    x, mask = bags(lengths)
    scores = method(**change)(x, mask)
    whole = [blocks_of(scores.terms["cas"][i, :n].detach().numpy(), n, 2)[0] for i, n in enumerate(lengths)]
    np.testing.assert_allclose(scores.terms["p"].detach(), sigmoid(np.stack(whole)), rtol=1e-9)


def test_k_as_a_share_follows_the_block():
    """6 % of 60 is 3.6: four segments; of a block of 100, six; never none."""
    length = torch.tensor([60, 100, 119, 5, 0])
    assert strongest(length, 0.06).tolist() == [4, 6, 7, 1, 1]
    assert strongest(length, 10).tolist() == [10, 10, 10, 5, 1]


@pytest.mark.parametrize("change", [{}, {"block": None}, {"k": 0.4}, {"classification": "softmax"}, {"score": "probability"}])
@pytest.mark.parametrize("distance", DISTANCE)
def test_padding_changes_nothing(change, distance):
    """Neither scores nor losses nor gradients, whatever the variant; two groups share a class."""
    x, mask = bags([11, 9, 3, 6])
    y = labels([1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 1, 1])
    results = []
    for extra in (0, 1, 13):
        model = method(distance=distance, **change)
        wide = torch.nn.functional.pad(mask, (0, extra))
        scores = model(torch.nn.functional.pad(x, (0, 0, 0, extra), value=7.0), wide)
        terms = model.losses(scores, y, wide)
        sum(terms.values()).backward()
        results.append(
            [scores.activation[:, :11][mask], scores.video_score, *terms.values(), *(p.grad for p in model.parameters())]
        )
    assert results[0][3] > 0
    for other in results[1:]:
        for one, value in zip(results[0], other, strict=True):
            torch.testing.assert_close(value, one, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", CLASSIFICATION)
def test_classification_losses_written_out(kind):
    model = method(classification=kind)
    x, mask = bags([11, 9])
    y = labels([1, 0, 1], [0, 1, 0])
    scores = model(x, mask)
    total = 0
    for i, n in enumerate([11, 9]):
        block = blocks_of(scores.terms["cas"][i, :n].detach().numpy(), 4, 2)
        p = 1 - np.prod(1 - (softmax(block) if kind == "softmax" else sigmoid(block)), axis=0)
        t = y[i].numpy()
        hit, miss = -np.log(p + 1e-8) * t, -np.log(1 - p + 1e-8) * (1 - t)
        total += {
            "balanced_bce": hit.sum() / t.sum() + miss.sum() / (1 - t).sum(),
            "bce": (hit + miss).mean(),
            "softmax": hit.sum() / t.sum(),
        }[kind]
    assert model.losses(scores, y, mask)["classification"].item() == pytest.approx(total, rel=1e-9)


def test_balance():
    """One class shown of two: twice the plain BCE. One of many: it weighs as much as all others. All: one half is left."""
    p = torch.tensor([[0.9, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(balanced_bce(p, labels([1, 0])), 2 * bce(p, labels([1, 0])))
    p = torch.tensor([[0.5] + [0.1] * 99], dtype=torch.float64)
    expected = torch.tensor([-math.log(0.5) - math.log(0.9)], dtype=torch.float64)
    torch.testing.assert_close(balanced_bce(p, labels([1] + [0] * 99)), expected)
    torch.testing.assert_close(balanced_bce(p, torch.ones_like(p)), -(p + 1e-8).log().mean(-1))


def squared(kind, model, a, b, c):
    """D² of two unit vectors in class c, written out."""
    if kind == "cosine":
        return (1 - a @ b) ** 2
    matrix = {
        "class_weight": lambda: np.outer(w := model.classify.weight[c].detach().numpy(), w),
        "learned": lambda: (m := model.matrices[c].detach().numpy()).T @ m,
        "euclidean": lambda: np.eye(len(a)),
    }[kind]()
    return (a - b) @ matrix @ (a - b)  # Eq. (11)


@pytest.mark.parametrize("metric", ["triplet", "contrastive"])
@pytest.mark.parametrize("distance", DISTANCE)
def test_metric_loss_written_out(metric, distance):
    """Two groups of three; the first shares two classes, the second one; the seventh bag is single."""
    model = method(metric=metric, distance=distance, group_size=3, groups=2)
    if distance == "learned":
        model.matrices.data += 0.3 * torch.randn(3, 6, 6, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    lengths = [9, 4, 6, 7, 8, 5, 6]
    x, mask = bags(lengths)
    y = labels([1, 1, 0], [1, 1, 1], [1, 1, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1])
    scores = model(x, mask)

    def parts(i, c):
        u, s = scores.embedding[i, : lengths[i]].detach().numpy(), scores.terms["cas"][i, : lengths[i], c].detach().numpy()
        pi = softmax(s)
        z, rest = pi @ u, (1 - pi) @ u / (len(u) - 1)
        return z / np.linalg.norm(z), rest / np.linalg.norm(rest)

    total = 0
    for group, c in (((0, 1, 2), 0), ((0, 1, 2), 1), ((3, 4, 5), 2)):
        pairs = [(i, j) for i in group for j in group if i != j]
        near = np.mean([squared(distance, model, parts(i, c)[0], parts(j, c)[0], c) for i, j in pairs])
        far = np.mean([squared(distance, model, parts(i, c)[0], parts(j, c)[1], c) for i, j in pairs])
        total += max(0, near - far + 0.5) if metric == "triplet" else near + max(0, 0.5 - far)
    assert total > 0
    assert model.losses(scores, y, mask)["metric"].item() == pytest.approx(7 * total / 3, rel=1e-9)


def test_a_learned_metric_starts_as_the_euclidean_one_and_learns():
    x, mask = bags([9, 4, 6, 7])
    y = labels([1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0])
    learned, plain = method(distance="learned"), method(distance="euclidean")
    values = [model.losses(model(x, mask), y, mask)["metric"] for model in (learned, plain)]
    torch.testing.assert_close(*values)
    values[0].backward()
    moved = learned.matrices.grad.abs().sum((1, 2)) > 0
    assert moved.tolist() == [True, True, False]  # a class that no group shares stays as it is


def test_the_metric_trains_the_classifier():
    """The rows that classify are the metric: the loss moves them even where the class activations are held."""
    x, mask = bags([9, 4])
    model = method(groups=1)
    scores = model(x, mask)
    held = scores._replace(embedding=scores.embedding.detach(), terms={"cas": scores.terms["cas"].detach()})
    model.metric_loss(held, labels([1, 0, 0], [1, 0, 0]), mask).backward()
    assert model.classify.weight.grad.abs().sum(-1).gt(0).tolist() == [True, False, False]


def test_known_distances():
    """Two videos, active along e1 and resting along e2: d⁺ = 0, d⁻ = (w·(e1 - e2))² = 4 for w = (1, -1)."""
    sharp = torch.tensor([60.0, -60.0], dtype=torch.float64)[:, None]  # the softmax over time is (1, 0)
    u, mask = torch.eye(2, dtype=torch.float64), torch.ones(2, 2, dtype=torch.bool)
    changes = {"hidden": 2, "clip": math.inf, "groups": 1}
    for metric, margin, expected in (("triplet", 3.0, 0.0), ("triplet", 5.0, 1.0), ("contrastive", 5.0, 1.0)):
        model = WSAD(2, 1, Params(**(BASE | changes | {"metric": metric, "margin": margin}))).double()
        model.classify.weight.data = torch.tensor([[1.0, -1.0]], dtype=torch.float64)
        cas = torch.stack([sharp, sharp])
        scores = Scores(None, None, None, None, torch.stack([u, u]), {"cas": cas})
        near, far = model.distances(scores, mask)
        assert near.item() == pytest.approx(0, abs=1e-9) and far.item() == pytest.approx(4, abs=1e-9)
        assert model.metric_loss(scores, labels([1], [1]), mask).item() == pytest.approx(expected, abs=1e-9)


def test_batches_begin_with_the_groups_of_params():
    assert method(groups=5, group_size=4).params.bag_groups == Groups(count=5, size=4, replace=False)


def test_nothing_shared_costs_nothing():
    model, (x, mask) = method(groups=1), bags([6, 6])
    assert model.losses(model(x, mask), labels([1, 0, 0], [0, 1, 1]), mask)["metric"] == 0


def test_single_bags_do_not_count():
    x, mask = bags([6, 6, 6, 6])
    y = labels([1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0])
    one, two = method(groups=1), method(groups=2)
    scores = one(x, mask)
    first = one.losses(one(x[:2], mask[:2]), y[:2], mask[:2])["metric"] / 2
    torch.testing.assert_close(one.losses(scores, y, mask)["metric"] / 4, first)
    assert not torch.allclose(two.losses(scores, y, mask)["metric"] / 4, first)


def test_clipping_ends():
    """With κ = ∞ nothing is clipped; within κ clipping changes nothing."""
    x, mask = bags([9, 4])
    free, wide, tight = (method(clip=clip)(x, mask).terms["cas"][mask] for clip in (math.inf, 50.0, 0.1))
    assert torch.equal(free, wide) and tight.abs().max() == 0.1 < free.abs().max()


def test_what_localization_sees():
    """Logits are not clipped; probabilities are those of clipped activations, which stay below σ(κ)."""
    x, mask = bags([9, 4])
    logit, probability = method()(x, mask), method(score="probability")(x, mask)
    torch.testing.assert_close(probability.activation, logit.activation.clamp(-0.3, 0.3).sigmoid())
    torch.testing.assert_close(probability.video_score, logit.terms["p"])
    for name in ("cas", "p"):
        assert torch.equal(probability.terms[name], logit.terms[name])
    assert logit.activation[mask].abs().max() > 0.3


@pytest.mark.parametrize("change", [{"k": 0}, {"k": 1.5}, {"k": 0.0}, {"block": 0}, {"clip": 0.0}, {"group_size": 1}])
def test_ranges_of_params(change):
    with pytest.raises(UserError, match=next(iter(change))):
        convert(BASE | change, Params, "methods.wsad, params")
