"""Weighted means of a video: by hand, and at the ends of the weights."""

import torch

from wstal.nn.aggregation import aggregate


def test_flat_activation_weighs_all_alike():
    """Three equal weights of 1/3: both means have the direction of the plain mean, padding left out."""
    u = torch.tensor([[[3.0, 0.0], [0.0, 3.0], [0.0, 0.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, True, False]])
    for part in aggregate(u, torch.zeros(1, 4, 2), mask):
        torch.testing.assert_close(part, torch.full((1, 2, 2), 0.5**0.5))


def test_sharp_activation_parts_the_video():
    u = torch.tensor([[[2.0, 0.0], [0.0, 5.0]]])
    active, rest = aggregate(u, torch.tensor([[[90.0], [-90.0]]]), torch.ones(1, 2, dtype=torch.bool))
    torch.testing.assert_close(active[0, 0], torch.tensor([1.0, 0.0]))
    torch.testing.assert_close(rest[0, 0], torch.tensor([0.0, 1.0]))


def test_one_snippet_has_no_rest():
    active, rest = aggregate(torch.tensor([[[3.0, 4.0]]]), torch.zeros(1, 1, 1), torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(active[0, 0], torch.tensor([0.6, 0.8]))
    assert not rest.any()
