"""DDG-Net's steps by hand: who hears whom, two losses, what stays of CO2-Net."""

import numpy as np
import pytest
import torch

from tests.byhand import bags, labels
from wstal.methods.ddg import DDG, Params, complementary, distance, kinds, of_kinds, similar
from wstal.nn import consensus

BASE = {
    "attention_hidden": 4, "attention_dropout": 0.5, "dropout": 0.7, "smooth": 1, "top": 7, "test_top": 10, "margin": 0.5,
    "pairs": 1, "evidence": "exp", "attention_rate": 9, "amplitude": 0.7, "order": "argsort", "first": "uncertain",
    "similarity": 0.8, "neighbours": 10, "temperature": 0.5,
}  # fmt: skip
Y = labels([1, 0, 1], [1, 1, 0])


def method(**changes):
    torch.manual_seed(1)
    return DDG(6, 3, Params(**(BASE | changes))).double().eval()


def flags(*values):
    return torch.tensor([values], dtype=torch.bool)


def test_kinds_are_what_both_streams_say():
    a_v, a_f = torch.tensor([[0.5, 0.4, 0.9, 0.9]]), torch.tensor([[0.5, 0.1, 0.1, 0.9]])
    action, background = kinds(a_v, a_f, flags(1, 1, 1, 0))
    assert action.tolist() == [[True, False, False, False]] and background.tolist() == [[False, True, False, False]]


def test_alike_is_the_mean_cosine_of_both_streams_cut_at_a_threshold():
    """Snippets 0 and 1 point alike in one stream and at 60 degrees in the other: 0.75. Padding is like nothing."""
    x_v = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [1.0, 0.0]]], dtype=torch.float64)
    x_f = torch.tensor([[[1.0, 0.0], [0.5, np.sqrt(0.75)], [1.0, 0.0]]], dtype=torch.float64)
    mask = flags(1, 1, 0)
    assert similar(x_v, x_f, mask, 0.7, 1)[0].numpy() == pytest.approx(np.array([[1, 0.75, 0], [0.75, 1, 0], [0, 0, 0]]))
    assert similar(x_v, x_f, mask, 0.8, 1)[0].numpy() == pytest.approx(np.diag([1.0, 1.0, 0.0]))


def test_a_snippet_hears_the_most_alike_and_a_short_video_one():
    x = torch.rand(1, 6, 3, dtype=torch.float64)
    mask = torch.ones(1, 6, dtype=torch.bool)
    assert (similar(x, x, mask, 0.0, 3) > 0).sum(-1).tolist() == [[2] * 6]
    assert torch.equal(similar(x, x, mask, 0.0, 10)[0] > 0, torch.eye(6, dtype=torch.bool))


def test_action_hears_action_and_the_ambiguous_hear_the_sure():
    """Two of action, two of background, one ambiguous, all alike, and padding."""
    alike = torch.ones(1, 6, 6, dtype=torch.float64)
    action, background, mask = flags(1, 1, 0, 0, 0, 0), flags(0, 0, 1, 1, 0, 0), flags(1, 1, 1, 1, 1, 0)
    graphs = of_kinds(alike, action, background, mask)
    assert graphs["action"][0, :2].tolist() == [[0.5, 0.5, 0, 0, 0, 0]] * 2
    assert graphs["background"][0, 2:4].tolist() == [[0, 0, 0.5, 0.5, 0, 0]] * 2
    assert graphs["from_action"][0, 4].tolist() == pytest.approx([0.2, 0.2, 0, 0, 0, 0])
    assert graphs["from_background"][0, 4].tolist() == pytest.approx([0, 0, 0.2, 0.2, 0, 0])
    assert graphs["itself"][0, 4].tolist() == pytest.approx([0, 0, 0, 0, 0.2, 0])
    assert sum(graphs.values()).sum(-1).tolist() == [[pytest.approx(1)] * 5 + [0]]


def test_distance_by_hand():
    """Of action 1/2 and 3/4 sure: weights exp(-2) and exp(-2/3); a video without background adds nothing for it."""
    first, zeros = torch.tensor([[0.5, 0.75, 0.5]], dtype=torch.float64), torch.zeros(1, 3, dtype=torch.float64)
    gap, action = torch.tensor([[1.0, 3.0, 9.0]], dtype=torch.float64), flags(1, 1, 0).double()
    terms = {"first_v": first, "first_f": first, "action": action, "background": zeros, "gap_v": gap, "gap_f": zeros}
    weights = np.exp([-2, -2 / 3])
    assert distance(terms, flags(1, 1, 1), 0.5).item() == pytest.approx((weights @ [1, 3]) / weights.sum() / 2)


def test_complementary_by_hand():
    """Of three classes and background the video shows the first: the other two should not occur."""
    logits = torch.tensor([[[0.0, np.log(2), np.log(3), 0.0], [5.0, 9.0, 9.0, 9.0]]], dtype=torch.float64)
    expected = -np.log(1 - 2 / 7) - np.log(1 - 3 / 7)
    assert complementary(logits, labels([1, 0, 0]), flags(1, 0)).item() == pytest.approx(expected)
    certain = torch.tensor([[[0.0, 1e4, 0.0, 0.0]]], dtype=torch.float64)
    assert complementary(certain, labels([1, 0, 0]), flags(1)).item() == pytest.approx(-np.log(1e-6))


def test_the_rest_is_co2s():
    model = method()
    x, mask = bags([17, 5], 6)
    scores = model(x, mask)
    terms = model.losses(scores, Y, mask)
    seen = consensus.Seen(scores.logits, scores.terms["supp"], scores.actionness, scores.embedding, scores.terms)
    for name, value in consensus.losses(seen, Y, mask, 7, 1, 0.5).items():
        assert torch.equal(terms[name], value)


def test_an_ambiguous_snippet_that_hears_itself_alone_stays_as_it_is():
    """5 snippets: each hears one, itself; RGB says action everywhere, flow background."""
    model = method()
    for unit, bias in zip(model.network.front.attention, (100.0, -100.0), strict=True):
        unit.layers[-1].bias.data.fill_(bias)
    x, mask = bags([5], 6)
    attended = model.network.front(*x.chunk(2, -1), mask)
    torch.testing.assert_close(torch.cat([attended.x_v, attended.x_f], -1), x)
    assert attended.terms["gap_v"].abs().max() < 1e-9
